// The text of conditions (MS-DTYP 2.5.1.1, conditional-expression): a recursive descent to the postfix form, and the
// postfix form back over a stack of texts.
#include <algorithm>
#include <charconv>

#include "rtl/utf16.h"
#include "se/condition.h"
#include "se/sddl_tables.h"

namespace regent::se {
namespace {

using namespace condition;

struct Operator {
    std::string_view text;
    std::uint8_t code;
};
constexpr Operator relations[] = {{"==", equal},
                                  {"!=", not_equal},
                                  {"<=", less_or_equal},
                                  {"<", less},
                                  {">=", greater_or_equal},
                                  {">", greater},
                                  {"Contains", contains},
                                  {"Any_of", any_of},
                                  {"Not_Contains", not_contains},
                                  {"Not_Any_of", not_any_of}};
constexpr Operator memberships[] = {{"Member_of", member_of},
                                    {"Device_Member_of", device_member_of},
                                    {"Member_of_Any", member_of_any},
                                    {"Device_Member_of_Any", device_member_of_any},
                                    {"Not_Member_of", not_member_of},
                                    {"Not_Device_Member_of", not_device_member_of},
                                    {"Not_Member_of_Any", not_member_of_any},
                                    {"Not_Device_Member_of_Any", not_device_member_of_any}};
constexpr Operator existences[] = {{"Exists", exists}, {"Not_Exists", not_exists}};
constexpr Operator prefixes[] = {
    {"@User.", user_attribute}, {"@Resource.", resource_attribute}, {"@Device.", device_attribute}};

constexpr unsigned max_nesting = 100;

bool is_plain(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '.' ||
           c == '/' || c == '_';
}
bool equal_words(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20) && (x ^ y) % 0x20 == 0; });
}
int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class Parser {
public:
    explicit Parser(std::string_view text) : rest_(text) {}

    std::optional<std::vector<std::byte>> run() {
        for (char c : signature) put(static_cast<std::uint8_t>(c));
        if (!expression(0)) return std::nullopt;
        skip_space();
        if (!rest_.empty()) return std::nullopt;
        while (code_.size() % 4 != 0) put(padding);
        return std::move(code_);
    }

private:
    void put(std::uint8_t byte) { code_.push_back(std::byte{byte}); }
    void put_counted(std::uint8_t code, Bytes content) {
        put(code);
        const rtl::Le32 size = static_cast<std::uint32_t>(content.size());
        const Bytes head = rtl::as_bytes(&size, sizeof(size));
        code_.insert(code_.end(), head.begin(), head.end());
        code_.insert(code_.end(), content.begin(), content.end());
    }

    void skip_space() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r')) {
            rest_.remove_prefix(1);
        }
    }
    bool take(std::string_view text) {
        skip_space();
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    // A whole word out of the table, in any case.
    std::optional<std::uint8_t> take_word(std::span<const Operator> words) {
        skip_space();
        std::size_t size = 0;
        while (size < rest_.size() && (is_plain(rest_[size]))) ++size;
        for (const Operator& word : words) {
            if (!equal_words(word.text, rest_.substr(0, size))) continue;
            rest_.remove_prefix(size);
            return word.code;
        }
        return std::nullopt;
    }

    // expression = conjunction *("||" conjunction); conjunction = term *("&&" term)
    bool expression(unsigned depth) {
        if (depth > max_nesting || !conjunction(depth)) return false;
        while (take("||")) {
            if (!conjunction(depth)) return false;
            put(logical_or);
        }
        return true;
    }
    bool conjunction(unsigned depth) {
        if (!term(depth)) return false;
        while (take("&&")) {
            if (!term(depth)) return false;
            put(logical_and);
        }
        return true;
    }
    bool term(unsigned depth) {
        if (depth > max_nesting) return false;
        if (take("(")) return expression(depth + 1) && take(")");
        skip_space();
        if (!rest_.starts_with("!=") && take("!")) {
            if (!term(depth + 1)) return false;
            put(logical_not);
            return true;
        }
        if (const auto code = take_word(memberships)) return sids() && (put(*code), true);
        if (const auto code = take_word(existences)) return attribute() && (put(*code), true);
        return relation();
    }

    // An attribute by itself, or compared with another or with values.
    bool relation() {
        if (!attribute()) return false;
        auto code = take_word(std::span(relations).subspan(6));
        for (const Operator& symbol : std::span(relations).first(6)) {
            if (!code && take(symbol.text)) code = symbol.code;
        }
        if (!code) return true;
        skip_space();
        const bool is_attribute = rest_.starts_with('@') || is_local_name();
        if (!(is_attribute ? attribute() : values())) return false;
        put(*code);
        return true;
    }

    bool is_local_name() const {
        if (rest_.empty() || (!is_plain(rest_[0]) && rest_[0] != '%')) return false;
        if (rest_[0] >= '0' && rest_[0] <= '9') return false;
        return !equal_words(rest_.substr(0, 4), "SID(");
    }

    bool attribute() {
        skip_space();
        std::uint8_t code = local_attribute;
        for (const Operator& prefix : prefixes) {
            if (rest_.size() < prefix.text.size() || !equal_words(rest_.substr(0, prefix.text.size()), prefix.text)) {
                continue;
            }
            code = prefix.code;
            rest_.remove_prefix(prefix.text.size());
            break;
        }
        if (code == local_attribute && !is_local_name()) return false;
        const auto name = take_name();
        if (!name) return false;
        put_counted(code, rtl::as_bytes(name->data(), name->size() * sizeof(char16_t)));
        return true;
    }

    // Letters, digits, : . / _, what is beyond ASCII, and %XXXX for any other unit.
    std::optional<Utf16> take_name() {
        Utf16 name;
        while (!rest_.empty()) {
            if (rest_[0] == '%') {
                if (rest_.size() < 5) return std::nullopt;
                unsigned unit = 0;
                for (int i = 1; i <= 4; ++i) {
                    const int digit = hex_digit(rest_[static_cast<std::size_t>(i)]);
                    if (digit < 0) return std::nullopt;
                    unit = unit * 16 + static_cast<unsigned>(digit);
                }
                name += static_cast<char16_t>(unit);
                rest_.remove_prefix(5);
                continue;
            }
            std::size_t size = 0;
            while (size < rest_.size() && (is_plain(rest_[size]) || static_cast<signed char>(rest_[size]) < 0)) ++size;
            if (size == 0) break;
            name += rtl::from_utf8(rest_.substr(0, size));
            rest_.remove_prefix(size);
        }
        if (name.empty() || name.size() > 0x4000) return std::nullopt;
        return name;
    }

    bool sids() {
        skip_space();
        return rest_.starts_with('{') ? list([this] { return sid_literal(); }) : sid_literal();
    }
    bool values() {
        skip_space();
        return rest_.starts_with('{') ? list([this] { return value(); }) : value();
    }
    template <typename Item>
    bool list(Item item) {
        if (!take("{")) return false;
        std::vector<std::byte> outer;
        outer.swap(code_);
        bool sound = item();
        while (sound && take(",")) sound = item();
        std::vector<std::byte> members;
        members.swap(code_);
        code_.swap(outer);
        if (!sound || !take("}")) return false;
        put_counted(composite, members);
        return true;
    }

    bool value() {
        skip_space();
        if (rest_.empty()) return false;
        if (rest_[0] == '"') return string_literal();
        if (rest_[0] == '#') return octet_literal();
        if (equal_words(rest_.substr(0, 3), "SID")) return sid_literal();
        return integer_literal();
    }

    bool sid_literal() {
        skip_space();
        if (rest_.size() < 4 || !equal_words(rest_.substr(0, 4), "SID(")) {
            // A bare account is understood too where only a SID can stand.
            const std::size_t size = std::min(rest_.find_first_of(",} \t)&|"), rest_.size());
            return account(rest_.substr(0, size)) && (rest_.remove_prefix(size), true);
        }
        rest_.remove_prefix(4);
        const std::size_t end = rest_.find(')');
        if (end == std::string_view::npos || !account(rest_.substr(0, end))) return false;
        rest_.remove_prefix(end + 1);
        return true;
    }
    bool account(std::string_view text) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        while (text.ends_with(' ')) text.remove_suffix(1);
        const auto found = sddl::parse_account(text);
        if (!found) return false;
        put_counted(condition::sid, found->bytes());
        return true;
    }

    bool string_literal() {
        const std::size_t end = rest_.find('"', 1);
        if (end == std::string_view::npos) return false;
        const Utf16 text = rtl::from_utf8(rest_.substr(1, end - 1));
        put_counted(unicode_string, rtl::as_bytes(text.data(), text.size() * sizeof(char16_t)));
        rest_.remove_prefix(end + 1);
        return true;
    }

    bool octet_literal() {
        rest_.remove_prefix(1);
        std::vector<std::byte> bytes;
        while (rest_.size() >= 2 && hex_digit(rest_[0]) >= 0) {
            if (hex_digit(rest_[1]) < 0) return false;
            bytes.push_back(static_cast<std::byte>(hex_digit(rest_[0]) * 16 + hex_digit(rest_[1])));
            rest_.remove_prefix(2);
        }
        put_counted(octet_string, bytes);
        return rest_.empty() || hex_digit(rest_[0]) < 0;
    }

    bool integer_literal() {
        const char sign = rest_[0];
        if (sign == '+' || sign == '-') rest_.remove_prefix(1);
        std::uint8_t base = 2;
        int radix = 10;
        if (rest_.starts_with("0x") || rest_.starts_with("0X")) {
            base = 3;
            radix = 16;
            rest_.remove_prefix(2);
        } else if (rest_.size() > 1 && rest_[0] == '0' && rest_[1] >= '0' && rest_[1] <= '7') {
            base = 1;
            radix = 8;
        }
        std::uint64_t magnitude = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), magnitude, radix);
        const std::uint64_t most = (std::uint64_t{1} << 63) - (sign == '-' ? 0 : 1);
        if (error != std::errc() || magnitude > most) return false;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        if (!rest_.empty() && is_plain(rest_[0])) return false;
        put(int64);
        const rtl::Le64 number = sign == '-' ? ~magnitude + 1 : magnitude;
        const Bytes raw = rtl::as_bytes(&number, sizeof(number));
        code_.insert(code_.end(), raw.begin(), raw.end());
        put(sign == '+' ? 1 : sign == '-' ? 2 : 3);
        put(base);
        return true;
    }

    std::string_view rest_;
    std::vector<std::byte> code_;
};

}  // namespace

Result<std::vector<std::byte>> parse_condition(std::string_view text) {
    auto code = Parser(text).run();
    if (!code) return fail(STATUS_INVALID_ACE_CONDITION);
    return std::move(*code);
}

}  // namespace regent::se
