#include "se/token.h"

#include <algorithm>

namespace regent::se {
namespace {

// Of tokens and of their states: no number is given twice.
std::atomic<std::uint64_t> next_id{1};
std::uint64_t new_id() { return next_id.fetch_add(1, std::memory_order_relaxed); }

bool is_same(Bytes sid, const Sid& known) {
    return sid.size() == known.size() && std::memcmp(sid.data(), &known, sid.size()) == 0;
}

}  // namespace

Token::Token(Parts parts)
    : id_(new_id()),
      parts_([&] {
          if (parts.logon_id == 0) parts.logon_id = id_;
          return std::move(parts);
      }()),
      answer_id_(new_id()),
      enabled_(parts_.enabled & parts_.held),
      integrity_(parts_.integrity),
      attributes_(std::make_unique<std::atomic<std::uint32_t>[]>(parts_.groups.size())),
      defaults_{parts_.default_owner, parts_.primary_group, parts_.default_dacl} {
    for (std::size_t i = 0; i < parts_.groups.size(); ++i) attributes_[i] = parts_.groups[i].attributes;
}

Token::Parts Token::snapshot() const {
    Parts parts = parts_;
    for (std::size_t i = 0; i < parts.groups.size(); ++i) parts.groups[i].attributes = group_attributes(i);
    parts.held = held();
    parts.enabled = enabled();
    parts.integrity = integrity();
    ExclusiveGuard guard(lock_);
    parts.default_owner = defaults_.owner;
    parts.primary_group = defaults_.group;
    parts.default_dacl = defaults_.dacl;
    return parts;
}

Sid Token::default_owner() const {
    ExclusiveGuard guard(lock_);
    return defaults_.owner;
}

Sid Token::primary_group() const {
    ExclusiveGuard guard(lock_);
    return defaults_.group;
}

std::vector<std::byte> Token::default_dacl() const {
    ExclusiveGuard guard(lock_);
    return defaults_.dacl;
}

bool Token::matches(Bytes sid, Match match, Identity identity) const {
    if (identity == Identity::restricting) {
        return std::ranges::any_of(parts_.restricting, [&](const Sid& one) { return is_same(sid, one); });
    }
    if (is_same(sid, parts_.user)) return match == Match::deny || !parts_.user_deny_only;
    const std::uint32_t any_of =
        match == Match::deny ? SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY : SE_GROUP_ENABLED;
    for (std::size_t i = 0; i < parts_.groups.size(); ++i) {
        if ((group_attributes(i) & any_of) != 0 && is_same(sid, parts_.groups[i].sid)) return true;
    }
    return false;
}

bool Token::may_assign_owner(const Sid& owner) const {
    if (enabled(SE_RESTORE_PRIVILEGE) || (owner == parts_.user && !parts_.user_deny_only)) return true;
    constexpr std::uint32_t needed = SE_GROUP_ENABLED | SE_GROUP_OWNER;
    for (std::size_t i = 0; i < parts_.groups.size(); ++i) {
        if ((group_attributes(i) & needed) == needed && parts_.groups[i].sid == owner) return true;
    }
    return false;
}

bool Token::is_admin() const { return matches_allow(well_known::administrators().bytes()); }

Result<bool> Token::enable(unsigned privilege, bool on) {
    if (!holds(privilege)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    const PrivilegeSet bit = privilege_bit(privilege);
    const PrivilegeSet before = on ? enabled_.fetch_or(bit) : enabled_.fetch_and(~bit);
    // One that is given up meanwhile stays so.
    if (!holds(privilege)) enabled_.fetch_and(~bit);
    return (before & bit) != 0;
}

void Token::remove(unsigned privilege) {
    removed_.fetch_or(privilege_bit(privilege));
    enabled_.fetch_and(~privilege_bit(privilege));
}

void Token::changed() { answer_id_.store(new_id(), std::memory_order_release); }

Result<void> Token::enable_group(std::size_t index, bool on) {
    std::uint32_t now = group_attributes(index);
    if (on && (now & SE_GROUP_USE_FOR_DENY_ONLY) != 0) return fail(STATUS_CANT_ENABLE_DENY_ONLY);
    if (!on && (now & SE_GROUP_MANDATORY) != 0) return fail(STATUS_CANT_DISABLE_MANDATORY);
    if (on) {
        attributes_[index].fetch_or(SE_GROUP_ENABLED);
    } else {
        attributes_[index].fetch_and(~std::uint32_t{SE_GROUP_ENABLED});
    }
    changed();
    return {};
}

Result<void> Token::set_default_owner(const Sid& owner) {
    if (!may_assign_owner(owner)) return fail(STATUS_INVALID_OWNER);
    {
        ExclusiveGuard guard(lock_);
        defaults_.owner = owner;
    }
    changed();
    return {};
}

Result<void> Token::set_primary_group(const Sid& group) {
    const bool ours = group == parts_.user || group == parts_.primary_group ||
                      std::ranges::any_of(parts_.groups, [&](const TokenGroup& one) { return one.sid == group; });
    if (!ours) return fail(STATUS_INVALID_PRIMARY_GROUP);
    {
        ExclusiveGuard guard(lock_);
        defaults_.group = group;
    }
    changed();
    return {};
}

void Token::set_default_dacl(std::vector<std::byte> acl) {
    {
        ExclusiveGuard guard(lock_);
        defaults_.dacl.swap(acl);
    }
    changed();
}

void Token::set_integrity(std::uint32_t level) {
    integrity_.store(level, std::memory_order_relaxed);
    changed();
}

Sid integrity_sid(std::uint32_t level) { return Sid(16, {level}); }

std::optional<std::uint32_t> integrity_level(Bytes sid) {
    const auto parsed = Sid::from_bytes(sid);
    if (!parsed || parsed->authority() != 16 || parsed->subauthority_count() != 1) return std::nullopt;
    return parsed->subauthority(0);
}

}  // namespace regent::se
