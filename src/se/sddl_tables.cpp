#include "se/sddl_tables.h"

#include <span>

namespace regent::se::sddl {
namespace {

std::span<const Alias> aliases() {
    static const Alias table[] = {
        {"SY", Sid(5, {18})},      {"BA", Sid(5, {32, 544})},
        {"BU", Sid(5, {32, 545})}, {"WD", Sid(1, {0})},
        {"CO", Sid(3, {0})},       {"CG", Sid(3, {1})},
        {"OW", Sid(3, {4})},       {"RC", Sid(5, {12})},
        {"AU", Sid(5, {11})},      {"AN", Sid(5, {7})},
        {"IU", Sid(5, {4})},       {"NU", Sid(5, {2})},
        {"SU", Sid(5, {6})},       {"LS", Sid(5, {19})},
        {"NS", Sid(5, {20})},      {"PS", Sid(5, {10})},
        {"ED", Sid(5, {9})},       {"WR", Sid(5, {33})},
        {"BG", Sid(5, {32, 546})}, {"PU", Sid(5, {32, 547})},
        {"AO", Sid(5, {32, 548})}, {"SO", Sid(5, {32, 549})},
        {"PO", Sid(5, {32, 550})}, {"BO", Sid(5, {32, 551})},
        {"RE", Sid(5, {32, 552})}, {"RU", Sid(5, {32, 554})},
        {"RD", Sid(5, {32, 555})}, {"NO", Sid(5, {32, 556})},
        {"MU", Sid(5, {32, 558})}, {"LU", Sid(5, {32, 559})},
        {"IS", Sid(5, {32, 568})}, {"CY", Sid(5, {32, 569})},
        {"ER", Sid(5, {32, 573})}, {"CD", Sid(5, {32, 574})},
        {"HA", Sid(5, {32, 578})}, {"AA", Sid(5, {32, 579})},
        {"RM", Sid(5, {32, 580})}, {"AC", Sid(15, {2, 1})},
        {"LW", Sid(16, {4096})},   {"ME", Sid(16, {8192})},
        {"MP", Sid(16, {8448})},   {"HI", Sid(16, {12288})},
        {"SI", Sid(16, {16384})},  {"UD", Sid(5, {84, 0, 0, 0, 0, 0})},
    };
    return table;
}

}  // namespace

std::optional<Sid> find_alias(std::string_view text) {
    for (const Alias& alias : aliases()) {
        if (alias.text == text) return alias.sid;
    }
    return std::nullopt;
}

std::string_view find_alias(const Sid& sid) {
    for (const Alias& alias : aliases()) {
        if (alias.sid == sid) return alias.text;
    }
    return {};
}

std::optional<Sid> parse_account(std::string_view text) {
    if (text.starts_with("S-") || text.starts_with("s-")) return Sid::parse(text);
    return find_alias(text);
}

std::string account_text(const Sid& sid) {
    const std::string_view alias = find_alias(sid);
    return alias.empty() ? sid.to_string() : std::string(alias);
}

}  // namespace regent::se::sddl
