// The words of SDDL (MS-DTYP 2.5.1.1), shared by its reader and its writer. Where two words mean one value the first is
// written.
#pragma once

#include <optional>
#include <string_view>

#include "nt/ntseapi.h"
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

inline constexpr Word type_words[] = {
    {"A", ACCESS_ALLOWED_ACE_TYPE},
    {"D", ACCESS_DENIED_ACE_TYPE},
    {"AU", SYSTEM_AUDIT_ACE_TYPE},
    {"ML", SYSTEM_MANDATORY_LABEL_ACE_TYPE},
};
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

}  // namespace regent::se::sddl
