// The security of objects, whichever way their type keeps it.
#pragma once

#include "ob/object.h"

namespace regent::ob {

struct AuditMarks;

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
// The same, and what the audit entries of a descriptor in the header ask for: the record of a refusal; of a grant the
// marks for the handle that is to be made, or with null, where none is, its record.
Result<ACCESS_MASK> check_audited_access(void* object, const se::Token& token, ACCESS_MASK desired,
                                         KPROCESSOR_MODE mode, AuditMarks* marks);
// The marks for what nobody asked the descriptor about.
AuditMarks audit_of_grant(void* object, const se::Token& token, ACCESS_MASK granted, KPROCESSOR_MODE mode);

}  // namespace regent::ob
