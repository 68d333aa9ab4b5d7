// The text form of security descriptors (MS-DTYP 2.5.1).
#pragma once

#include <string>
#include <string_view>

#include "se/descriptor.h"

namespace regent::se {

// The whole text must be a descriptor; there is no partial result. Known: O: G: D: S:, flags P AR AI (and
// NO_ACCESS_CONTROL), entries A D AU ML, account aliases, rights by letters (KA KR ...) and in hex.
// ERRORS: INVALID_SECURITY_DESCR (text), INVALID_SID (account), INVALID_ACL (an entry).
Result<SecurityDescriptor> parse_sddl(std::string_view text);

// Parts chosen by `what`. Entries that text cannot carry (object, callback and unknown kinds) fail with INVALID_ACL.
inline constexpr SECURITY_INFORMATION all_parts =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION;
Result<std::string> to_sddl(DescriptorView descriptor, SECURITY_INFORMATION what = all_parts);

}  // namespace regent::se
