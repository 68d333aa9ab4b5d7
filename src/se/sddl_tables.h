// The words of SDDL (MS-DTYP 2.5.1.1), shared by its reader and its writer. Where two words mean one value the first is
// written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nt/ntseapi.h"
#include "rtl/status.h"
#include "se/sid.h"

namespace regent::se::sddl {

struct Word {
    std::string_view text;
    std::uint32_t value;
};

// Rights by their letters; the whole-mask words first.
inline constexpr Word mask_words[] = {
    {"KA", 0xF003F},  {"KR", 0x20019},  {"KW", 0x20006},  {"KX", 0x20019},
    {"FA", 0x1F01FF}, {"FR", 0x120089}, {"FW", 0x120116}, {"FX", 0x1200A0},
};
inline constexpr Word right_words[] = {
    {"GA", GENERIC_ALL}, {"GR", GENERIC_READ}, {"GW", GENERIC_WRITE}, {"GX", GENERIC_EXECUTE},
    {"CC", 0x1},         {"DC", 0x2},          {"LC", 0x4},           {"SW", 0x8},
    {"RP", 0x10},        {"WP", 0x20},         {"DT", 0x40},          {"LO", 0x80},
    {"CR", 0x100},       {"SD", DELETE},       {"RC", READ_CONTROL},  {"WD", WRITE_DAC},
    {"WO", WRITE_OWNER},
};
// Policies of a mandatory label entry.
inline constexpr Word label_words[] = {{"NW", 1}, {"NR", 2}, {"NX", 4}};

struct EntryType {
    std::string_view text;
    std::uint8_t type;
    bool in_sacl;
    bool has_guids;  // the fields for object types may be filled
    enum class Tail : std::uint8_t { none, condition, attribute } tail;
};
inline constexpr EntryType entry_types[] = {
    {"A", ACCESS_ALLOWED_ACE_TYPE, false, false, EntryType::Tail::none},
    {"D", ACCESS_DENIED_ACE_TYPE, false, false, EntryType::Tail::none},
    {"AU", SYSTEM_AUDIT_ACE_TYPE, true, false, EntryType::Tail::none},
    {"AL", SYSTEM_ALARM_ACE_TYPE, true, false, EntryType::Tail::none},
    {"OA", ACCESS_ALLOWED_OBJECT_ACE_TYPE, false, true, EntryType::Tail::none},
    {"OD", ACCESS_DENIED_OBJECT_ACE_TYPE, false, true, EntryType::Tail::none},
    {"OU", SYSTEM_AUDIT_OBJECT_ACE_TYPE, true, true, EntryType::Tail::none},
    {"ML", SYSTEM_MANDATORY_LABEL_ACE_TYPE, true, false, EntryType::Tail::none},
    {"XA", ACCESS_ALLOWED_CALLBACK_ACE_TYPE, false, false, EntryType::Tail::condition},
    {"XD", ACCESS_DENIED_CALLBACK_ACE_TYPE, false, false, EntryType::Tail::condition},
    {"XU", SYSTEM_AUDIT_CALLBACK_ACE_TYPE, true, false, EntryType::Tail::condition},
    {"ZA", ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE, false, true, EntryType::Tail::condition},
    {"RA", SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE, true, false, EntryType::Tail::attribute},
    {"SP", SYSTEM_SCOPED_POLICY_ID_ACE_TYPE, true, false, EntryType::Tail::none},
};
// Types of resource attributes' values.
inline constexpr Word claim_words[] = {{"TI", 1}, {"TU", 2}, {"TS", 3}, {"TD", 5}, {"TB", 6}, {"TX", 16}};

inline constexpr Word ace_flag_words[] = {
    {"OI", OBJECT_INHERIT_ACE},     {"CI", CONTAINER_INHERIT_ACE}, {"NP", NO_PROPAGATE_INHERIT_ACE},
    {"IO", INHERIT_ONLY_ACE},       {"ID", INHERITED_ACE},         {"SA", SUCCESSFUL_ACCESS_ACE_FLAG},
    {"FA", FAILED_ACCESS_ACE_FLAG},
};

struct Alias {
    std::string_view text;
    Sid sid;
};
// Accounts that mean the same on every machine; those of a domain need one and are not known here.
std::optional<Sid> find_alias(std::string_view text);
std::string_view find_alias(const Sid& sid);
// An alias or S-1-..., and back.
std::optional<Sid> parse_account(std::string_view text);
std::string account_text(const Sid& sid);

// The text between the parentheses of a resource attribute entry, "Name",TI,0,1,2: to the claim behind the SID and
// back. ERRORS: INVALID_ACL.
Result<std::vector<std::byte>> parse_attribute(std::string_view text);
Result<std::string> attribute_to_text(Bytes claim);

// What a list's flags and control bits are called.
struct ListControl {
    USHORT present, is_protected, auto_inherited, auto_request;
};
inline constexpr ListControl dacl_control{SE_DACL_PRESENT, SE_DACL_PROTECTED, SE_DACL_AUTO_INHERITED,
                                          SE_DACL_AUTO_INHERIT_REQ};
inline constexpr ListControl sacl_control{SE_SACL_PRESENT, SE_SACL_PROTECTED, SE_SACL_AUTO_INHERITED,
                                          SE_SACL_AUTO_INHERIT_REQ};
inline constexpr std::string_view null_list = "NO_ACCESS_CONTROL";

}  // namespace regent::se::sddl
