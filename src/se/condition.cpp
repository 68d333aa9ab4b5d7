// Evaluation: a stack machine over operands that are truth values, literals, or what attributes hold.
#include "se/condition.h"

#include <algorithm>

#include "se/claims.h"

namespace regent::se {
namespace {

using namespace condition;

struct Operand {
    enum class Kind : std::uint8_t { truth, literal, attribute } kind;
    Truth truth = Truth::unknown;
    std::vector<ClaimValue> values = {};  // an attribute without any has no value; a literal has at least one
    bool case_sensitive = false;
};

Truth truth_of(bool yes) { return yes ? Truth::yes : Truth::no; }
Truth negated(Truth truth) {
    if (truth == Truth::unknown) return truth;
    return truth == Truth::yes ? Truth::no : Truth::yes;
}

bool is_number(ClaimType type) {
    return type == ClaimType::int64 || type == ClaimType::uint64 || type == ClaimType::boolean;
}
bool comparable(const ClaimValue& a, const ClaimValue& b) {
    return a.type == b.type || (is_number(a.type) && is_number(b.type));
}

// -1, 0, 1. REQUIRES: comparable.
int compare(const ClaimValue& a, const ClaimValue& b, bool case_sensitive) {
    if (is_number(a.type)) {
        const auto below_zero = [](const ClaimValue& v) {
            return v.type == ClaimType::int64 && static_cast<std::int64_t>(v.number) < 0;
        };
        if (below_zero(a) != below_zero(b)) return below_zero(a) ? -1 : 1;
        return a.number == b.number ? 0 : a.number < b.number ? -1 : 1;  // two's complement keeps the order
    }
    if (a.type == ClaimType::string) return compare_text(a.bytes, b.bytes, case_sensitive);
    const int order =
        std::lexicographical_compare_three_way(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end()) < 0 ? -1
                                                                                                                   : 1;
    return std::ranges::equal(a.bytes, b.bytes) ? 0 : order;
}

class Machine {
public:
    Machine(Bytes code, const ConditionSubject& subject) : rest_(code), subject_(subject) {}

    Truth run() {
        while (!rest_.empty()) {
            const auto code = std::to_integer<std::uint8_t>(rest_[0]);
            if (code == padding) {
                if (!std::ranges::all_of(rest_, [](std::byte b) { return b == std::byte{0}; })) return Truth::unknown;
                break;
            }
            rest_ = rest_.subspan(1);
            if (!step(code) || stack_.size() > max_depth) return Truth::unknown;
        }
        if (stack_.size() != 1) return Truth::unknown;
        return to_truth(stack_.back()).value_or(Truth::unknown);
    }

private:
    bool step(std::uint8_t code) {
        switch (code) {
            case logical_and:
            case logical_or:
                return combine(code);
            case logical_not:
                return negate();
            case exists:
            case not_exists:
                return check_existence(code == exists);
            case local_attribute:
            case user_attribute:
            case resource_attribute:
            case device_attribute:
                return push_attribute(code == resource_attribute);
            default:
                break;
        }
        if (code >= member_of && code <= device_member_of_any) return check_membership(code, false);
        if (code >= not_member_of && code <= not_device_member_of_any) {
            return check_membership(static_cast<std::uint8_t>(code - not_member_of + member_of), true);
        }
        if (code >= equal && code <= not_any_of) return relate(code);
        Operand literal{Operand::Kind::literal};
        return take_literal(code, literal.values, true) && push(std::move(literal));
    }

    bool push(Operand operand) {
        stack_.push_back(std::move(operand));
        return true;
    }
    bool push(Truth truth) { return push(Operand{Operand::Kind::truth, truth}); }

    std::optional<Operand> pop() {
        if (stack_.empty()) return std::nullopt;
        Operand top = std::move(stack_.back());
        stack_.pop_back();
        return top;
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

    // A literal after its code; a composite's members one by one, no composite inside another, none empty.
    bool take_literal(std::uint8_t code, std::vector<ClaimValue>& values, bool may_be_composite) {
        if (code >= int8 && code <= int64) {
            const auto content = take(10);  // the value, its sign, its base
            if (!content) return false;
            values.push_back({ClaimType::int64, rtl::load<std::uint64_t>(*content, 0).value_or(0), {}});
            return true;
        }
        const bool counted = code == unicode_string || code == octet_string || code == condition::sid;
        const auto content = counted || (code == composite && may_be_composite) ? take_counted() : std::nullopt;
        if (!content) return false;
        if (code == composite) return take_members(*content, values);
        if (code == unicode_string && content->size() % 2 != 0) return false;
        if (code == condition::sid && !Sid::from_bytes(*content)) return false;
        const ClaimType type = code == unicode_string ? ClaimType::string
                               : code == octet_string ? ClaimType::octets
                                                      : ClaimType::sid;
        values.push_back({type, 0, *content});
        return true;
    }

    bool take_members(Bytes content, std::vector<ClaimValue>& values) {
        const Bytes after = std::exchange(rest_, content);
        while (!rest_.empty()) {
            const auto code = std::to_integer<std::uint8_t>(rest_[0]);
            rest_ = rest_.subspan(1);
            if (!take_literal(code, values, false)) return false;
        }
        rest_ = after;
        return !values.empty();
    }

    bool push_attribute(bool of_resource) {
        const auto name = take_counted();
        if (!name || name->empty() || name->size() % 2 != 0) return false;
        Operand attribute{Operand::Kind::attribute};
        if (of_resource) {
            if (auto claim = find_resource_attribute(subject_.object, *name)) {
                attribute.values = std::move(claim->values);
                attribute.case_sensitive = (claim->flags & claim_case_sensitive) != 0;
            }
        }
        return push(std::move(attribute));
    }

    // What an operand says by itself; nothing when it is a literal, which says nothing.
    static std::optional<Truth> to_truth(const Operand& operand) {
        if (operand.kind == Operand::Kind::truth) return operand.truth;
        if (operand.kind == Operand::Kind::literal) return std::nullopt;
        if (operand.values.size() != 1) return Truth::unknown;
        const ClaimValue& value = operand.values[0];
        if (is_number(value.type)) return truth_of(value.number != 0);
        return value.type == ClaimType::string ? truth_of(!value.bytes.empty()) : Truth::unknown;
    }

    bool combine(std::uint8_t code) {
        const auto right = pop();
        const auto left = pop();
        if (!left || !right) return false;
        const auto a = to_truth(*left);
        const auto b = to_truth(*right);
        if (!a || !b) return false;
        const Truth deciding = code == logical_and ? Truth::no : Truth::yes;
        if (*a == deciding || *b == deciding) return push(deciding);
        return push(*a == Truth::unknown || *b == Truth::unknown ? Truth::unknown : negated(deciding));
    }

    bool negate() {
        const auto operand = pop();
        const auto truth = operand ? to_truth(*operand) : std::nullopt;
        return truth && push(negated(*truth));
    }

    bool check_existence(bool wanted) {
        const auto operand = pop();
        if (!operand || operand->kind != Operand::Kind::attribute) return false;
        return push(truth_of(operand->values.empty() != wanted));
    }

    bool check_membership(std::uint8_t code, bool inverted) {
        const auto operand = pop();
        if (!operand || operand->kind != Operand::Kind::literal) return false;
        const auto is_sid = [](const ClaimValue& value) { return value.type == ClaimType::sid; };
        if (!std::ranges::all_of(operand->values, is_sid)) return false;
        const bool of_device = code == device_member_of || code == device_member_of_any;
        const auto is_member = [&](const ClaimValue& value) {
            return !of_device && subject_.token.matches(value.bytes, subject_.match, subject_.identity);
        };
        const bool any = code == member_of_any || code == device_member_of_any;
        const bool member =
            any ? std::ranges::any_of(operand->values, is_member) : std::ranges::all_of(operand->values, is_member);
        return push(truth_of(member != inverted));
    }

    bool relate(std::uint8_t code) {
        const auto right = pop();
        const auto left = pop();
        if (!left || !right || left->kind != Operand::Kind::attribute || right->kind == Operand::Kind::truth) {
            return false;
        }
        if (left->values.empty() || right->values.empty()) return push(Truth::unknown);
        if (!comparable(left->values[0], right->values[0])) return push(Truth::unknown);
        return push(relation(code, *left, *right));
    }

    static Truth relation(std::uint8_t code, const Operand& left, const Operand& right) {
        const bool case_sensitive = left.case_sensitive || right.case_sensitive;
        const auto same = [&](const ClaimValue& a, const ClaimValue& b) {
            return comparable(a, b) && compare(a, b, case_sensitive) == 0;
        };
        const auto has = [&](const Operand& set, const ClaimValue& one) {
            return std::ranges::any_of(set.values, [&](const ClaimValue& value) { return same(value, one); });
        };
        const auto covers = [&](const Operand& set, const Operand& part) {
            return std::ranges::all_of(part.values, [&](const ClaimValue& value) { return has(set, value); });
        };
        switch (code) {
            case equal:
            case not_equal:
                return truth_of((covers(left, right) && covers(right, left)) == (code == equal));
            case condition::contains:
            case not_contains:
                return truth_of(covers(left, right) == (code == condition::contains));
            case any_of:
            case not_any_of: {
                const auto in_left = [&](const ClaimValue& value) { return has(left, value); };
                return truth_of(std::ranges::any_of(right.values, in_left) == (code == any_of));
            }
            default:
                break;
        }
        // An order exists between single values that are not SIDs.
        if (left.values.size() != 1 || right.values.size() != 1 || left.values[0].type == ClaimType::sid) {
            return Truth::unknown;
        }
        const int order = compare(left.values[0], right.values[0], case_sensitive);
        if (code == less) return truth_of(order < 0);
        if (code == less_or_equal) return truth_of(order <= 0);
        return truth_of(code == greater ? order > 0 : order >= 0);
    }

    Bytes rest_;
    const ConditionSubject& subject_;
    std::vector<Operand> stack_;
};

}  // namespace

Truth evaluate_condition(Bytes expression, const ConditionSubject& subject) {
    if (expression.size() < sizeof(signature) || std::memcmp(expression.data(), signature, sizeof(signature)) != 0) {
        return Truth::unknown;
    }
    return Machine(expression.subspan(sizeof(signature)), subject).run();
}

}  // namespace regent::se
