// The security of objects, whichever way their type keeps it.
#pragma once

#include "ob/object.h"

namespace regent::ob {

// The descriptor in force; nothing when the object has none (everything is allowed).
Result<std::optional<se::SecurityDescriptor>> security_of(void* object);
// NtQuerySecurityObject and NtSetSecurityObject after the handle was checked.
Result<se::SecurityDescriptor> query_security(void* object, SECURITY_INFORMATION what);
Result<void> set_security(void* object, SECURITY_INFORMATION what, se::DescriptorView modification,
                          const se::Token& token);
// Gives a new object its descriptor, as kept in the header.
void set_default_security(void* object, se::SecurityDescriptor descriptor);
// `desired` against that descriptor. ERRORS: se::access_check's.
Result<ACCESS_MASK> check_access(void* object, const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode);

}  // namespace regent::ob
