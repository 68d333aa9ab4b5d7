// Access checks (MS-DTYP 2.5.3.2 and 2.5.3.3): integrity, privileges, owner, list, and the list again for the
// restricting SIDs of a restricted token.
#pragma once

#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {

// Generic rights replaced by the specific ones of the type.
ACCESS_MASK map_generic(ACCESS_MASK mask, const GENERIC_MAPPING& mapping);

// The rights a handle gets. `previously_granted` are rights already decided (backup semantics); they need no entry.
// MAXIMUM_ALLOWED gives whatever is allowed, but at least what is asked beside it. `used`, when not null, receives the
// privileges that something granted rests on.
// ERRORS, in this order: BAD_IMPERSONATION_LEVEL (the token only identifies), ACCESS_DENIED (integrity),
// PRIVILEGE_NOT_HELD (ACCESS_SYSTEM_SECURITY without SeSecurity), ACCESS_DENIED. In kernel mode everything asked is
// granted (MAXIMUM_ALLOWED: GenericAll).
Result<ACCESS_MASK> access_check(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                 const GENERIC_MAPPING& mapping, KPROCESSOR_MODE mode,
                                 ACCESS_MASK previously_granted = 0, PrivilegeSet* used = nullptr);

// The integrity label in force: what the first effective label entry says; without one medium, no writing up.
struct Label {
    std::uint32_t level;
    ACCESS_MASK policy;
};
Label label_of(DescriptorView descriptor);
// What the token's integrity leaves to ask of the rest of the check.
ACCESS_MASK mandatory_rights(DescriptorView descriptor, const Token& token, const GENERIC_MAPPING& mapping);

}  // namespace regent::se
