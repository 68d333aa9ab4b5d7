// Conditions as text: the postfix form over a stack of texts, with the parentheses that precedence needs.
#include <algorithm>
#include <charconv>

#include "rtl/utf16.h"
#include "se/condition.h"
#include "se/sddl_tables.h"

namespace regent::se {
namespace {

using namespace condition;

enum class Binding : std::uint8_t { or_, and_, term };
enum class Kind : std::uint8_t { condition, attribute, literal, sid_literal, sid_list };

struct Text {
    std::string text;
    Kind kind;
    Binding binding = Binding::term;
};

Utf16 units_of(Bytes bytes) {
    Utf16 text(bytes.size() / 2, u'\0');
    if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * 2);
    return text;
}

class Printer {
public:
    explicit Printer(Bytes code) : rest_(code) {}

    std::optional<std::string> run() {
        while (!rest_.empty()) {
            const auto code = std::to_integer<std::uint8_t>(rest_[0]);
            if (code == padding) {
                if (!std::ranges::all_of(rest_, [](std::byte b) { return b == std::byte{0}; })) return std::nullopt;
                break;
            }
            rest_ = rest_.subspan(1);
            if (!step(code) || stack_.size() > max_depth) return std::nullopt;
        }
        if (stack_.size() != 1 || (stack_[0].kind != Kind::condition && stack_[0].kind != Kind::attribute)) {
            return std::nullopt;
        }
        return std::move(stack_[0].text);
    }

private:
    bool step(std::uint8_t code) {
        if (code == logical_and || code == logical_or) return combine(code);
        if (code == logical_not) return negate();
        if (code >= local_attribute && code <= device_attribute) return attribute(code);
        if (code == exists || code == not_exists) return prefix(code == exists ? "Exists " : "Not_Exists ", false);
        if (const char* word = membership(code)) return prefix(word, true);
        if (code >= equal && code <= not_any_of) return relate(code);
        auto literal = take_literal(code, true);
        if (!literal) return false;
        stack_.push_back(std::move(*literal));
        return true;
    }

    static const char* membership(std::uint8_t code) {
        static constexpr const char* words[] = {
            "Member_of ",     "Device_Member_of ",     "Member_of_Any ",     "Device_Member_of_Any ",
            "Not_Member_of ", "Not_Device_Member_of ", "Not_Member_of_Any ", "Not_Device_Member_of_Any "};
        if (code >= member_of && code <= device_member_of_any) return words[code - member_of];
        if (code >= not_member_of && code <= not_device_member_of_any) return words[4 + code - not_member_of];
        return nullptr;
    }

    std::optional<Text> pop() {
        if (stack_.empty()) return std::nullopt;
        Text top = std::move(stack_.back());
        stack_.pop_back();
        return top;
    }
    static std::string bound(Text& part, Binding least) {
        return part.binding < least ? "(" + part.text + ")" : std::move(part.text);
    }
    static bool says_something(const std::optional<Text>& part) {
        return part && (part->kind == Kind::condition || part->kind == Kind::attribute);
    }
    // A text that doubles its size again and again would need no bytes to speak of.
    bool push(std::string text, Binding binding) {
        if (text.size() > 0x100000) return false;
        stack_.push_back({std::move(text), Kind::condition, binding});
        return true;
    }

    bool combine(std::uint8_t code) {
        auto right = pop();
        auto left = pop();
        if (!says_something(left) || !says_something(right)) return false;
        const Binding mine = code == logical_and ? Binding::and_ : Binding::or_;
        // What stands on the right was put in parentheses by whoever wrote it so.
        const Binding inner = mine == Binding::or_ ? Binding::and_ : Binding::term;
        const char* sign = code == logical_and ? " && " : " || ";
        return push(bound(*left, mine) + sign + bound(*right, inner), mine);
    }
    bool negate() {
        auto operand = pop();
        if (!says_something(operand)) return false;
        return push("!(" + operand->text + ")", Binding::term);
    }
    bool prefix(const char* word, bool wants_sids) {
        auto operand = pop();
        if (!operand) return false;
        const bool fits = wants_sids ? operand->kind == Kind::sid_literal || operand->kind == Kind::sid_list
                                     : operand->kind == Kind::attribute;
        return fits && push(word + operand->text, Binding::term);
    }
    bool relate(std::uint8_t code) {
        static constexpr const char* signs[] = {" == ", " != ",       " < ",   " <= ",    " > ",
                                                " >= ", " Contains ", nullptr, " Any_of "};
        const char* sign = code == not_contains ? " Not_Contains "
                           : code == not_any_of ? " Not_Any_of "
                           : code <= any_of     ? signs[code - equal]
                                                : nullptr;
        auto right = pop();
        auto left = pop();
        if (sign == nullptr || !left || !right || left->kind != Kind::attribute || right->kind == Kind::condition) {
            return false;
        }
        return push(left->text + sign + right->text, Binding::term);
    }

    std::optional<Bytes> take(std::size_t size) {
        const auto taken = rtl::slice(rest_, 0, size);
        if (taken) rest_ = rest_.subspan(size);
        return taken;
    }
    std::optional<Bytes> take_counted() {
        const auto size = take(4);
        return size ? take(rtl::load<std::uint32_t>(*size, 0).value_or(0)) : std::nullopt;
    }

    bool attribute(std::uint8_t code) {
        static constexpr const char* prefixes[] = {"", "@User.", "@Resource.", "@Device."};
        const auto name = take_counted();
        if (!name || name->empty() || name->size() % 2 != 0) return false;
        std::string text = prefixes[code - local_attribute];
        bool first = true;
        for (char16_t unit : units_of(*name)) {
            const bool letter = (unit >= 'A' && unit <= 'Z') || (unit >= 'a' && unit <= 'z') || unit == '_';
            const bool plain = letter || (unit >= '0' && unit <= '9') || unit == ':' || unit == '.' || unit == '/';
            // A local name must not look like a number or a prefix.
            if (first && code == local_attribute ? letter : plain) {
                text += static_cast<char>(unit);
            } else {
                char digits[6];
                std::snprintf(digits, sizeof(digits), "%%%04x", unit);
                text += digits;
            }
            first = false;
        }
        stack_.push_back({std::move(text), Kind::attribute});
        return true;
    }

    std::optional<Text> take_literal(std::uint8_t code, bool may_be_composite) {
        if (code == int64) return integer();
        if (code == composite && may_be_composite) return members();
        if (code != unicode_string && code != octet_string && code != condition::sid) return std::nullopt;
        const auto content = take_counted();
        if (!content) return std::nullopt;
        if (code == condition::sid) {
            const auto sid = Sid::from_bytes(*content);
            if (!sid || sid->size() != content->size()) return std::nullopt;
            return Text{"SID(" + sddl::account_text(*sid) + ")", Kind::sid_literal};
        }
        if (code == octet_string) {
            std::string text = "#";
            for (std::byte byte : *content) {
                char digits[3];
                std::snprintf(digits, sizeof(digits), "%02x", std::to_integer<unsigned>(byte));
                text += digits;
            }
            return Text{std::move(text), Kind::literal};
        }
        if (content->size() % 2 != 0) return std::nullopt;
        const Utf16 units = units_of(*content);
        // Text has no way to say these: the first ends the literal, the second the text.
        if (units.find(u'"') != Utf16::npos || units.find(u'\0') != Utf16::npos) return std::nullopt;
        const std::string text = rtl::to_utf8(units);
        if (rtl::from_utf8(text) != units) return std::nullopt;
        return Text{"\"" + text + "\"", Kind::literal};
    }

    std::optional<Text> integer() {
        const auto content = take(10);
        if (!content) return std::nullopt;
        const std::uint64_t value = *rtl::load<std::uint64_t>(*content, 0);
        const auto sign = std::to_integer<unsigned>((*content)[8]);
        const auto base = std::to_integer<unsigned>((*content)[9]);
        const bool negative = static_cast<std::int64_t>(value) < 0;
        if (sign < 1 || sign > 3 || base < 1 || base > 3 || negative != (sign == 2 && value != 0)) return std::nullopt;
        char digits[32];
        const int radix = base == 1 ? 8 : base == 2 ? 10 : 16;
        const auto end = std::to_chars(digits, digits + sizeof(digits), negative ? ~value + 1 : value, radix).ptr;
        std::string text = sign == 1 ? "+" : sign == 2 ? "-" : "";
        text += base == 1 ? "0" : base == 3 ? "0x" : "";
        return Text{text.append(digits, end), Kind::literal};
    }

    std::optional<Text> members() {
        const auto content = take_counted();
        if (!content || content->empty()) return std::nullopt;
        const Bytes after = std::exchange(rest_, *content);
        std::string text = "{";
        bool all_sids = true;
        while (!rest_.empty()) {
            const auto code = std::to_integer<std::uint8_t>(rest_[0]);
            rest_ = rest_.subspan(1);
            const auto member = take_literal(code, false);
            if (!member) return std::nullopt;
            all_sids = all_sids && member->kind == Kind::sid_literal;
            if (text.size() > 1) text += ", ";
            text += member->text;
        }
        rest_ = after;
        return Text{text + "}", all_sids ? Kind::sid_list : Kind::literal};
    }

    Bytes rest_;
    std::vector<Text> stack_;
};

}  // namespace

Result<std::string> condition_to_text(Bytes expression) {
    if (expression.size() < sizeof(signature) || std::memcmp(expression.data(), signature, sizeof(signature)) != 0) {
        return fail(STATUS_INVALID_ACE_CONDITION);
    }
    auto text = Printer(expression.subspan(sizeof(signature))).run();
    if (!text) return fail(STATUS_INVALID_ACE_CONDITION);
    return std::move(*text);
}

}  // namespace regent::se
