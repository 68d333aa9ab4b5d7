// The text form of security descriptors (MS-DTYP 2.5.1).
#pragma once

#include <string>
#include <string_view>

#include "se/descriptor.h"

namespace regent::se {

// The whole text must be a descriptor; there is no partial result. Known: O: G: D: S:, flags P AR AI (and
// NO_ACCESS_CONTROL), entries A D AU AL OA OD OU ML XA XD XU ZA RA SP with object types, conditions and resource
// attributes, account aliases but for those of a domain, rights by letters (KA KR ...) and in hex.
// ERRORS: INVALID_SECURITY_DESCR (text), INVALID_SID (account), INVALID_ACL (an entry), INVALID_ACE_CONDITION.
Result<SecurityDescriptor> parse_sddl(std::string_view text);

// Parts chosen by `what`. What text cannot carry (unknown kinds and flags, conditions that are none, bytes behind an
// entry's SID) fails with INVALID_ACL or INVALID_ACE_CONDITION.
inline constexpr SECURITY_INFORMATION all_parts =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION;
Result<std::string> to_sddl(DescriptorView descriptor, SECURITY_INFORMATION what = all_parts);

}  // namespace regent::se
