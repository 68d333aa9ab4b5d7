// Access checks (MS-DTYP 2.5.3.2; the rules are A-1..A-8 of the project's list in docs/security-model.md).
#pragma once

#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {

// Generic rights replaced by the specific ones of the type.
ACCESS_MASK map_generic(ACCESS_MASK mask, const GENERIC_MAPPING& mapping);

// The rights a handle gets. `previously_granted` are rights already decided (backup semantics); they need no entry.
// MAXIMUM_ALLOWED gives whatever is allowed, but at least what is asked beside it.
// ERRORS, in this order: PRIVILEGE_NOT_HELD (ACCESS_SYSTEM_SECURITY without SeSecurity), ACCESS_DENIED.
// In kernel mode everything asked is granted (MAXIMUM_ALLOWED: GenericAll).
Result<ACCESS_MASK> access_check(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                 const GENERIC_MAPPING& mapping, KPROCESSOR_MODE mode,
                                 ACCESS_MASK previously_granted = 0);

}  // namespace regent::se
