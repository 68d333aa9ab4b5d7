// Conditions of callback entries (MS-DTYP 2.4.4.17): the binary expression behind the SID, evaluated over three values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {

// Token codes of the binary form.
namespace condition {
enum Code : std::uint8_t {
    padding = 0x00,
    int8 = 0x01,
    int16 = 0x02,
    int32 = 0x03,
    int64 = 0x04,
    unicode_string = 0x10,
    octet_string = 0x18,
    composite = 0x50,
    sid = 0x51,
    equal = 0x80,
    not_equal = 0x81,
    less = 0x82,
    less_or_equal = 0x83,
    greater = 0x84,
    greater_or_equal = 0x85,
    contains = 0x86,
    exists = 0x87,
    any_of = 0x88,
    member_of = 0x89,
    device_member_of = 0x8A,
    member_of_any = 0x8B,
    device_member_of_any = 0x8C,
    not_exists = 0x8D,
    not_contains = 0x8E,
    not_any_of = 0x8F,
    not_member_of = 0x90,
    not_device_member_of = 0x91,
    not_member_of_any = 0x92,
    not_device_member_of_any = 0x93,
    logical_and = 0xA0,
    logical_or = 0xA1,
    logical_not = 0xA2,
    local_attribute = 0xF8,
    user_attribute = 0xF9,
    resource_attribute = 0xFA,
    device_attribute = 0xFB,
};
inline constexpr char signature[4] = {'a', 'r', 't', 'x'};
inline constexpr std::size_t max_depth = 1024;
}  // namespace condition

enum class Truth : std::uint8_t { no, yes, unknown };

// Whose membership is asked, and whose resource attributes. Tokens carry no claims: user, device and local attributes
// have no value.
struct ConditionSubject {
    const Token& token;
    Match match;
    Identity identity;
    DescriptorView object;
};
// `expression` is what follows the SID. Anything that is not a sound expression is UNKNOWN, which allows nothing and
// denies.
Truth evaluate_condition(Bytes expression, const ConditionSubject& subject);

// The text between the parentheses, "(@User.a == 1 && Member_of {BA})" with or without them, to the binary form (with
// signature, padded to four bytes) and back. ERRORS: INVALID_ACE_CONDITION.
Result<std::vector<std::byte>> parse_condition(std::string_view text);
Result<std::string> condition_to_text(Bytes expression);

}  // namespace regent::se
