#include "se/access_by_type.h"

#include <algorithm>

#include "se/access_walk.h"

namespace regent::se {
namespace {

using namespace walk;

constexpr unsigned max_level = 4;

// The parts of an object, and what one list says about each. Invariant: an element that is granted a right has nothing
// below it that is undecided about it.
class Parts {
public:
    Parts(std::span<const ObjectType> types, ACCESS_MASK wanted)
        : types_(types), wanted_(wanted), granted_(count()), denied_(count()) {}

    std::size_t count() const { return std::max<std::size_t>(types_.size(), 1); }
    ACCESS_MASK granted(std::size_t element) const { return granted_[element]; }
    // The element that an entry's type means; nothing: the entry does not count.
    std::optional<std::size_t> find(Bytes type) const {
        if (type.empty()) return 0;
        for (std::size_t i = 0; i < types_.size(); ++i) {
            if (std::ranges::equal(types_[i].type, type)) return i;
        }
        return std::nullopt;
    }
    bool undecided_below(std::size_t element, ACCESS_MASK mask) const {
        for (std::size_t i = element; i < end_of(element); ++i) {
            if ((mask & undecided(i)) != 0) return true;
        }
        return false;
    }
    void decide(std::size_t element, ACCESS_MASK mask, Match effect) {
        const ACCESS_MASK here = mask & undecided(element);
        for (std::size_t i = element; i < end_of(element); ++i) {
            (effect == Match::allow ? granted_ : denied_)[i] |= mask & undecided(i);
        }
        for (std::size_t part = element; part != 0;) {
            part = parent_of(part);
            if (effect == Match::deny) {
                denied_[part] |= here & undecided(part);
            } else {
                granted_[part] |= granted_to_all_parts(part) & undecided(part);
            }
        }
    }

private:
    ACCESS_MASK undecided(std::size_t element) const { return wanted_ & ~granted_[element] & ~denied_[element]; }
    std::size_t end_of(std::size_t element) const {
        std::size_t end = element + 1;
        while (end < types_.size() && types_[end].level > types_[element].level) ++end;
        return std::min(end, count());
    }
    std::size_t parent_of(std::size_t element) const {
        std::size_t parent = element;
        while (types_[parent].level >= types_[element].level) --parent;
        return parent;
    }
    ACCESS_MASK granted_to_all_parts(std::size_t element) const {
        ACCESS_MASK all = wanted_;
        for (std::size_t i = element + 1; i < end_of(element); ++i) {
            if (types_[i].level == types_[element].level + 1) all &= granted_[i];
        }
        return all;
    }

    const std::span<const ObjectType> types_;
    const ACCESS_MASK wanted_;
    std::vector<ACCESS_MASK> granted_;
    std::vector<ACCESS_MASK> denied_;
};

struct Question {
    DescriptorView descriptor;
    const Token& token;
    const GENERIC_MAPPING& mapping;
    std::span<const ObjectType> types;
    const Sid* self;
};

bool has_owner_rights_entry(const AclView& dacl, const Parts& parts) {
    for (AceView ace : dacl) {
        const auto entry = entry_of(ace);
        if (!entry || !same_sid(entry->content.sid, well_known::owner_rights())) continue;
        if (parts.find(entry->content.type)) return true;
    }
    return false;
}

// What the list grants of `wanted`, for each element.
std::vector<ACCESS_MASK> by_list(const Question& question, ACCESS_MASK wanted, Identity identity) {
    Parts parts(question.types, wanted & ~never_by_entry);
    const auto dacl = question.descriptor.dacl();
    if (!dacl) {
        parts.decide(0, wanted, Match::allow);
    } else {
        const Subject subject{question.descriptor, question.token, identity,
                              owns(question.descriptor, question.token, identity), question.self};
        if (subject.is_owner && !has_owner_rights_entry(*dacl, parts)) parts.decide(0, owner_implied, Match::allow);
        for (AceView ace : *dacl) {
            const auto entry = entry_of(ace);
            if (!entry || !subject.concerns(*entry)) continue;
            const auto element = parts.find(entry->content.type);
            if (!element) continue;
            const ACCESS_MASK mask = map_generic(entry->mask, question.mapping) & ~never_by_entry;
            if (parts.undecided_below(*element, mask) && subject.applies(*entry))
                parts.decide(*element, mask, entry->effect);
        }
    }
    std::vector<ACCESS_MASK> granted(parts.count());
    for (std::size_t i = 0; i < granted.size(); ++i) granted[i] = parts.granted(i);
    return granted;
}

std::vector<ACCESS_MASK> by_lists(const Question& question, ACCESS_MASK wanted) {
    std::vector<ACCESS_MASK> granted = by_list(question, wanted, Identity::whole);
    if (!question.token.is_restricted()) return granted;
    const ACCESS_MASK free = unrestricted_rights(question.token, question.mapping);
    const std::vector<ACCESS_MASK> again = by_list(question, wanted, Identity::restricting);
    for (std::size_t i = 0; i < granted.size(); ++i) granted[i] &= again[i] | free;
    return granted;
}

}  // namespace

bool is_object_tree(std::span<const ObjectType> types) {
    for (std::size_t i = 0; i < types.size(); ++i) {
        if ((types[i].level == 0) != (i == 0) || types[i].level > max_level) return false;
        if (i != 0 && types[i].level > types[i - 1].level + 1) return false;
    }
    return true;
}

Result<std::vector<TypeAccess>> access_check_by_type(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                                     const GENERIC_MAPPING& mapping, std::span<const ObjectType> types,
                                                     const Sid* self, PrivilegeSet* used) {
    if (!is_object_tree(types)) return fail(STATUS_INVALID_PARAMETER);
    const std::size_t count = std::max<std::size_t>(types.size(), 1);
    const auto refused = [&](NTSTATUS status) { return std::vector<TypeAccess>(count, {status, 0}); };
    if (token.is_impersonation() && token.level() < SecurityImpersonation)
        return refused(STATUS_BAD_IMPERSONATION_LEVEL);
    const bool maximum = (desired & MAXIMUM_ALLOWED) != 0;
    const ACCESS_MASK asked = map_generic(desired, mapping) & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED);
    if (asked == 0 && !maximum) return refused(STATUS_ACCESS_DENIED);
    const ACCESS_MASK mandatory = mandatory_rights(descriptor, token, mapping);
    if ((asked & ~mandatory) != 0) return refused(STATUS_ACCESS_DENIED);
    const ACCESS_MASK wanted =
        asked | (maximum ? (mapping.GenericAll | STANDARD_RIGHTS_REQUIRED) & mandatory : ACCESS_MASK{0});
    const auto privileged = by_privilege(token, wanted);
    if (!privileged) return refused(privileged.error().code());
    const std::vector<ACCESS_MASK> listed = by_lists({descriptor, token, mapping, types, self}, wanted);
    std::vector<TypeAccess> answers(count);
    for (std::size_t i = 0; i < count; ++i) {
        const ACCESS_MASK granted = privileged->granted | listed[i];
        const bool enough = (asked & ~granted) == 0 && granted != 0;
        answers[i] = {enough ? STATUS_SUCCESS : STATUS_ACCESS_DENIED, granted & wanted};
    }
    const auto is_granted = [](const TypeAccess& answer) { return NT_SUCCESS(answer.status); };
    if (used != nullptr && std::ranges::any_of(answers, is_granted)) *used = privileged->used;
    return answers;
}

}  // namespace regent::se
