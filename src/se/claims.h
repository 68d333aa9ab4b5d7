// Claims: named, typed values, as conditions use them and as resource attribute entries of a SACL carry them (MS-DTYP
// 2.4.10.1, CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtl/utf16.h"
#include "se/descriptor.h"

namespace regent::se {

enum class ClaimType : std::uint16_t { int64 = 1, uint64 = 2, string = 3, sid = 5, boolean = 6, octets = 16 };
inline constexpr std::uint32_t claim_case_sensitive = 0x2;

// One value. Views into the bytes it was read from: valid as long as those.
struct ClaimValue {
    ClaimType type;
    std::uint64_t number = 0;  // integers (two's complement for int64) and booleans
    Bytes bytes = {};          // strings (UTF-16, no terminator), SIDs, octets
};

struct Claim {
    Bytes name;  // UTF-16, no terminator
    ClaimType type;
    std::uint32_t flags = 0;
    std::vector<ClaimValue> values;
};

// The claim at the start of `bytes`; nothing when it is not sound.
std::optional<Claim> read_claim(Bytes bytes);
std::vector<std::byte> write_claim(const Claim& claim);

// UTF-16 texts without regard to case, or exactly.
bool same_text(Bytes a, Bytes b, bool case_sensitive = false);
int compare_text(Bytes a, Bytes b, bool case_sensitive = false);

// The resource attribute called `name` in an object's SACL; nothing when it has none.
std::optional<Claim> find_resource_attribute(DescriptorView object, Bytes name);

}  // namespace regent::se
