#include "se/sddl.h"

#include <charconv>
#include <span>

#include "se/condition.h"
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

// bf967aba-0de6-11d0-a285-00aa003049e2 as it lies in an entry.
bool append_guid(std::string_view text, std::vector<std::byte>& out) {
    // Where in the text each byte's digits are: the first three groups are little-endian.
    static constexpr std::size_t places[16] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};
    if (text.size() != 36) return false;
    for (std::size_t dash : {8u, 13u, 18u, 23u}) {
        if (text[dash] != '-') return false;
    }
    for (std::size_t place : places) {
        unsigned value = 0;
        const char* first = text.data() + place;
        if (std::from_chars(first, first + 2, value, 16).ptr != first + 2) return false;
        out.push_back(static_cast<std::byte>(value));
    }
    return true;
}

struct EntryText {
    std::string_view fields[6];  // type, flags, rights, object, inherited object, account
    std::string_view tail;       // what stands in parentheses behind a seventh field's separator
    bool has_tail = false;
};

std::optional<EntryText> split_entry(std::string_view text) {
    EntryText entry;
    for (int i = 0; i < 6; ++i) {
        const std::size_t end = text.find(';');
        if (i < 5 && end == std::string_view::npos) return std::nullopt;
        entry.has_tail = end != std::string_view::npos;
        entry.fields[i] = text.substr(0, end);
        text.remove_prefix(entry.has_tail ? end + 1 : text.size());
    }
    if (!entry.has_tail) return entry;
    if (text.size() < 2 || text.front() != '(' || text.back() != ')') return std::nullopt;
    entry.tail = text.substr(1, text.size() - 2);
    return entry;
}

template <typename T>
void append(std::vector<std::byte>& out, T value) {
    const Bytes raw = rtl::as_bytes(&value, sizeof(value));
    out.insert(out.end(), raw.begin(), raw.end());
}

// The whole entry's bytes. ERRORS: INVALID_ACL, INVALID_SID, INVALID_ACE_CONDITION.
Result<std::vector<std::byte>> entry_bytes(const EntryText& text, const sddl::EntryType& kind) {
    const std::span<const Word> flag_words[] = {sddl::ace_flag_words};
    const auto flags = pairs_of(text.fields[1], flag_words);
    const auto rights = parse_rights(text.fields[2], kind.type == SYSTEM_MANDATORY_LABEL_ACE_TYPE);
    const bool names_objects = !text.fields[3].empty() || !text.fields[4].empty();
    if (!flags || !rights || (names_objects && !kind.has_guids)) return fail(STATUS_INVALID_ACL);
    if (text.has_tail != (kind.tail != sddl::EntryType::Tail::none)) return fail(STATUS_INVALID_ACL);
    const auto account = sddl::parse_account(text.fields[5]);
    if (!account) return fail(STATUS_INVALID_SID);
    std::vector<std::byte> out{std::byte{kind.type}, static_cast<std::byte>(*flags), std::byte{0}, std::byte{0}};
    append(out, *rights);
    if (kind.has_guids) {
        append(out, (text.fields[3].empty() ? 0u : 1u) | (text.fields[4].empty() ? 0u : 2u));
        for (std::string_view guid : {text.fields[3], text.fields[4]}) {
            if (!guid.empty() && !append_guid(guid, out)) return fail(STATUS_INVALID_ACL);
        }
    }
    const Bytes sid = account->bytes();
    out.insert(out.end(), sid.begin(), sid.end());
    if (text.has_tail) {
        const bool is_condition = kind.tail == sddl::EntryType::Tail::condition;
        const auto tail = RG_TRY(is_condition ? parse_condition(text.tail) : sddl::parse_attribute(text.tail));
        out.insert(out.end(), tail.begin(), tail.end());
    }
    if (out.size() > UINT16_MAX) return fail(STATUS_INVALID_ACL);
    out[2] = static_cast<std::byte>(out.size() & 0xFF);
    out[3] = static_cast<std::byte>(out.size() >> 8);
    return out;
}

Result<void> parse_ace(std::string_view text, bool is_sacl, AclBuilder& list) {
    const auto entry = split_entry(text);
    if (!entry) return fail(STATUS_INVALID_ACL);
    for (const sddl::EntryType& kind : sddl::entry_types) {
        if (kind.text != entry->fields[0]) continue;
        if (kind.in_sacl != is_sacl) return fail(STATUS_INVALID_ACL);
        const auto bytes = RG_TRY(entry_bytes(*entry, kind));
        list.add_raw(bytes);
        return {};
    }
    return fail(STATUS_INVALID_ACL);
}

// Where the parenthesis that opens `text` closes; strings may hold any other. npos when it does not.
std::size_t closing(std::string_view text) {
    unsigned depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (quoted) continue;
        if (text[i] == '(') ++depth;
        if (text[i] == ')' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

// Flags in front of the first entry; true in `null` for NO_ACCESS_CONTROL.
std::optional<unsigned> parse_list_flags(std::string_view text, const sddl::ListControl& bits, bool& null) {
    unsigned control = bits.present;
    while (!text.empty()) {
        std::size_t used = 2;
        if (text.starts_with(sddl::null_list)) {
            null = true;
            used = sddl::null_list.size();
        } else if (text.starts_with("AI")) {
            control |= bits.auto_inherited;
        } else if (text.starts_with("AR")) {
            control |= bits.auto_request;
        } else if (text[0] == 'P') {
            control |= bits.is_protected;
            used = 1;
        } else {
            return std::nullopt;
        }
        text.remove_prefix(used);
    }
    return control;
}

Result<void> parse_list(std::string_view text, const sddl::ListControl& bits, USHORT& control,
                        std::optional<std::vector<std::byte>>& acl) {
    std::size_t first = std::min(text.find('('), text.size());
    bool null = false;
    auto flags = parse_list_flags(text.substr(0, first), bits, null);
    if (!flags) return fail(STATUS_INVALID_SECURITY_DESCR);
    text.remove_prefix(first);
    if (null && !text.empty()) return fail(STATUS_INVALID_SECURITY_DESCR);
    AclBuilder list;
    while (!text.empty()) {
        const std::size_t end = text[0] == '(' ? closing(text) : std::string_view::npos;
        if (end == std::string_view::npos) return fail(STATUS_INVALID_SECURITY_DESCR);
        RG_TRY(parse_ace(text.substr(1, end - 1), bits.present == SE_SACL_PRESENT, list));
        text.remove_prefix(end + 1);
    }
    control = static_cast<USHORT>(control | *flags);
    if (!null) acl = RG_TRY(list.finish());
    return {};
}

// The text of the part that starts `text`, which is shortened to the next part's tag.
std::string_view take_part(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && text[end] != ':') {
        const std::size_t close = text[end] == '(' ? closing(text.substr(end)) : 0;
        end = close == std::string_view::npos ? text.size() : end + close + 1;
    }
    if (end < text.size() && end != 0) --end;
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end);
    return part;
}

Result<void> parse_part(char tag, std::string_view part, SecurityDescriptor::Parts& parts) {
    if (tag == 'D') return parse_list(part, sddl::dacl_control, parts.control, parts.dacl);
    if (tag == 'S') return parse_list(part, sddl::sacl_control, parts.control, parts.sacl);
    auto account = sddl::parse_account(part);
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

}  // namespace regent::se
