#include "se/sddl.h"

#include <charconv>
#include <span>

#include "se/sddl_tables.h"

namespace regent::se {
namespace {

using sddl::Word;

std::optional<std::uint32_t> value_of(std::span<const Word> words, std::string_view text) {
    for (const Word& word : words) {
        if (word.text == text) return word.value;
    }
    return std::nullopt;
}

// Two-letter words side by side, or'ed.
std::optional<std::uint32_t> pairs_of(std::string_view text, std::span<const std::span<const Word>> tables) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::uint32_t all = 0;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        std::optional<std::uint32_t> one;
        for (auto table : tables) {
            if (!one) one = value_of(table, text.substr(at, 2));
        }
        if (!one) return std::nullopt;
        all |= *one;
    }
    return all;
}

std::optional<std::uint32_t> parse_rights(std::string_view text, bool is_label) {
    if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
        const char* first = text.data() + (base == 16 ? 2 : 0);
        std::uint32_t value = 0;
        auto [end, error] = std::from_chars(first, text.data() + text.size(), value, base);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        return value;
    }
    const std::span<const Word> labels[] = {sddl::label_words};
    const std::span<const Word> rights[] = {sddl::mask_words, sddl::right_words};
    return is_label ? pairs_of(text, labels) : pairs_of(text, rights);
}

std::optional<Sid> parse_account(std::string_view text) {
    if (text.starts_with("S-") || text.starts_with("s-")) return Sid::parse(text);
    return sddl::find_alias(text);
}

// type;flags;rights;object;inherited object;account
Result<void> parse_ace(std::string_view text, bool is_sacl, AclBuilder& list) {
    std::string_view fields[6];
    for (int i = 0; i < 6; ++i) {
        std::size_t end = i < 5 ? text.find(';') : text.size();
        if (end == std::string_view::npos) return fail(STATUS_INVALID_ACL);
        fields[i] = text.substr(0, end);
        text.remove_prefix(i < 5 ? end + 1 : end);
    }
    auto type = value_of(sddl::type_words, fields[0]);
    if (!type || !fields[3].empty() || !fields[4].empty()) return fail(STATUS_INVALID_ACL);
    bool audits = *type != ACCESS_ALLOWED_ACE_TYPE && *type != ACCESS_DENIED_ACE_TYPE;
    if (audits != is_sacl) return fail(STATUS_INVALID_ACL);
    const std::span<const Word> flag_words[] = {sddl::ace_flag_words};
    auto flags = pairs_of(fields[1], flag_words);
    auto rights = parse_rights(fields[2], *type == SYSTEM_MANDATORY_LABEL_ACE_TYPE);
    if (!flags || !rights) return fail(STATUS_INVALID_ACL);
    auto account = parse_account(fields[5]);
    if (!account) return fail(STATUS_INVALID_SID);
    list.add(static_cast<std::uint8_t>(*type), static_cast<std::uint8_t>(*flags), *rights, *account);
    return {};
}

struct ListControl {
    USHORT present, protected_, auto_inherited, auto_request;
};
constexpr ListControl dacl_control{SE_DACL_PRESENT, SE_DACL_PROTECTED, SE_DACL_AUTO_INHERITED,
                                   SE_DACL_AUTO_INHERIT_REQ};
constexpr ListControl sacl_control{SE_SACL_PRESENT, SE_SACL_PROTECTED, SE_SACL_AUTO_INHERITED,
                                   SE_SACL_AUTO_INHERIT_REQ};
constexpr std::string_view null_list = "NO_ACCESS_CONTROL";

// Flags in front of the first entry; true in `null` for NO_ACCESS_CONTROL.
std::optional<unsigned> parse_list_flags(std::string_view text, const ListControl& bits, bool& null) {
    unsigned control = bits.present;
    while (!text.empty()) {
        std::size_t used = 2;
        if (text.starts_with(null_list)) {
            null = true;
            used = null_list.size();
        } else if (text.starts_with("AI")) {
            control |= bits.auto_inherited;
        } else if (text.starts_with("AR")) {
            control |= bits.auto_request;
        } else if (text[0] == 'P') {
            control |= bits.protected_;
            used = 1;
        } else {
            return std::nullopt;
        }
        text.remove_prefix(used);
    }
    return control;
}

Result<void> parse_list(std::string_view text, const ListControl& bits, USHORT& control,
                        std::optional<std::vector<std::byte>>& acl) {
    std::size_t first = std::min(text.find('('), text.size());
    bool null = false;
    auto flags = parse_list_flags(text.substr(0, first), bits, null);
    if (!flags) return fail(STATUS_INVALID_SECURITY_DESCR);
    text.remove_prefix(first);
    if (null && !text.empty()) return fail(STATUS_INVALID_SECURITY_DESCR);
    AclBuilder list;
    while (!text.empty()) {
        std::size_t end = text.find(')');
        if (text[0] != '(' || end == std::string_view::npos) return fail(STATUS_INVALID_SECURITY_DESCR);
        RG_TRY(parse_ace(text.substr(1, end - 1), bits.present == SE_SACL_PRESENT, list));
        text.remove_prefix(end + 1);
    }
    control = static_cast<USHORT>(control | *flags);
    if (!null) acl = RG_TRY(list.finish());
    return {};
}

// The text of the part that starts `text`, which is shortened to the next part's tag.
std::string_view take_part(std::string_view& text) {
    std::size_t colon = text.find(':');
    std::size_t end = colon == std::string_view::npos || colon == 0 ? text.size() : colon - 1;
    std::string_view part = text.substr(0, end);
    text.remove_prefix(end);
    return part;
}

Result<void> parse_part(char tag, std::string_view part, SecurityDescriptor::Parts& parts) {
    if (tag == 'D') return parse_list(part, dacl_control, parts.control, parts.dacl);
    if (tag == 'S') return parse_list(part, sacl_control, parts.control, parts.sacl);
    auto account = parse_account(part);
    if (!account) return fail(STATUS_INVALID_SID);
    (tag == 'O' ? parts.owner : parts.group) = account;
    return {};
}

}  // namespace

Result<SecurityDescriptor> parse_sddl(std::string_view text) {
    SecurityDescriptor::Parts parts;
    std::string seen;
    while (!text.empty()) {
        char tag = text[0];
        bool known = tag == 'O' || tag == 'G' || tag == 'D' || tag == 'S';
        if (!known || text.size() < 2 || text[1] != ':' || seen.find(tag) != std::string::npos) {
            return fail(STATUS_INVALID_SECURITY_DESCR);
        }
        seen += tag;
        text.remove_prefix(2);
        RG_TRY(parse_part(tag, take_part(text), parts));
    }
    return SecurityDescriptor::build(parts);
}

namespace {

void append_account(std::string& out, const Sid& sid) {
    std::string_view alias = sddl::find_alias(sid);
    out += alias.empty() ? sid.to_string() : std::string(alias);
}

void append_hex(std::string& out, std::uint32_t value) {
    char digits[8];
    auto end = std::to_chars(digits, digits + sizeof(digits), value, 16).ptr;
    out += "0x";
    out.append(digits, end);
}

// All bits of `value` in words, or nothing written.
bool append_words(std::string& out, std::uint32_t value, std::span<const Word> words) {
    std::string text;
    for (const Word& word : words) {
        if ((value & word.value) == 0) continue;
        text += word.text;
        value &= ~word.value;
    }
    if (value == 0) out += text;
    return value == 0;
}

void append_rights(std::string& out, std::uint32_t mask, bool is_label) {
    if (!is_label) {
        for (const Word& word : sddl::mask_words) {
            if (word.value != mask) continue;
            out += word.text;
            return;
        }
    }
    bool written = is_label ? append_words(out, mask, sddl::label_words) : append_words(out, mask, sddl::right_words);
    if (!written) append_hex(out, mask);
}

Result<void> append_list(std::string& out, const std::optional<AclView>& list, USHORT control,
                         const ListControl& bits) {
    if ((control & bits.protected_) != 0) out += 'P';
    if ((control & bits.auto_request) != 0) out += "AR";
    if ((control & bits.auto_inherited) != 0) out += "AI";
    if (!list) {
        out += null_list;
        return {};
    }
    for (AceView ace : *list) {
        std::string_view type;
        for (const Word& word : sddl::type_words) {
            if (word.value == ace.type()) type = word.text;
        }
        if (type.empty()) return fail(STATUS_INVALID_ACL);
        out += '(';
        out += type;
        out += ';';
        if (!append_words(out, ace.flags(), sddl::ace_flag_words)) return fail(STATUS_INVALID_ACL);
        out += ';';
        append_rights(out, ace.mask(), ace.type() == SYSTEM_MANDATORY_LABEL_ACE_TYPE);
        out += ";;;";
        append_account(out, ace.sid());
        out += ')';
    }
    return {};
}

}  // namespace

Result<std::string> to_sddl(DescriptorView descriptor, SECURITY_INFORMATION what) {
    std::string text;
    auto owner = descriptor.owner();
    if (owner && (what & OWNER_SECURITY_INFORMATION) != 0) {
        text += "O:";
        append_account(text, *owner);
    }
    auto group = descriptor.group();
    if (group && (what & GROUP_SECURITY_INFORMATION) != 0) {
        text += "G:";
        append_account(text, *group);
    }
    USHORT control = descriptor.control();
    if ((control & SE_DACL_PRESENT) != 0 && (what & DACL_SECURITY_INFORMATION) != 0) {
        text += "D:";
        RG_TRY(append_list(text, descriptor.dacl(), control, dacl_control));
    }
    if ((control & SE_SACL_PRESENT) != 0 && (what & SACL_SECURITY_INFORMATION) != 0) {
        text += "S:";
        RG_TRY(append_list(text, descriptor.sacl(), control, sacl_control));
    }
    return text;
}

}  // namespace regent::se
