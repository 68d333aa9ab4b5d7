#include "se/token.h"

#include <algorithm>

namespace regent::se {
namespace {

std::atomic<std::uint64_t> next_id{1};

constexpr std::uint32_t overflow_id = 65534;  // what an unmapped user of a namespace looks like

bool is_same(Bytes sid, const Sid& known) {
    return sid.size() == known.size() && std::memcmp(sid.data(), &known, sid.size()) == 0;
}

std::vector<std::byte> list_for(std::initializer_list<Sid> full_access) {
    AclBuilder list;
    for (const Sid& sid : full_access) list.add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, sid);
    return std::move(list.finish()).value();  // three entries always fit
}

void add_group(std::vector<TokenGroup>& groups, const Sid& sid, bool may_own = false) {
    groups.push_back({sid, TokenGroup::Use::enabled, may_own});
}

Token::Parts unix_parts(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups) {
    Token::Parts parts;
    parts.user = from_uid(uid);
    parts.uid = uid;
    parts.gid = gid;
    parts.primary_group = from_gid(gid);
    parts.held = parts.enabled = privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE);
    for (const Sid& sid : {well_known::world(), well_known::local(), well_known::interactive(),
                           well_known::authenticated_users(), well_known::users()}) {
        add_group(parts.groups, sid);
    }
    add_group(parts.groups, from_gid(gid));
    for (std::uint32_t group : groups) {
        if (group != gid) add_group(parts.groups, from_gid(group));
    }
    parts.default_owner = parts.user;
    return parts;
}

Ref<Token> anonymous_token(std::uint32_t uid, std::uint32_t gid) {
    Token::Parts parts;
    parts.user = parts.default_owner = well_known::anonymous();
    parts.primary_group = well_known::anonymous();
    parts.uid = uid;
    parts.gid = gid;
    add_group(parts.groups, well_known::world());
    parts.default_dacl = list_for({parts.user, well_known::local_system()});
    return rtl::make_ref<Token>(std::move(parts));
}

}  // namespace

Token::Token(Parts parts)
    : id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      parts_(std::move(parts)),
      enabled_(parts_.enabled & parts_.held) {}

Ref<Token> Token::system() {
    static const Ref<Token> token = [] {
        Parts parts;
        parts.user = well_known::local_system();
        parts.primary_group = well_known::local_system();
        parts.default_owner = well_known::administrators();
        parts.held = parts.enabled = all_privileges;
        add_group(parts.groups, well_known::administrators(), true);
        add_group(parts.groups, well_known::world());
        add_group(parts.groups, well_known::authenticated_users());
        parts.default_dacl = list_for({well_known::local_system(), well_known::administrators()});
        return rtl::make_ref<Token>(std::move(parts));
    }();
    return token;
}

Ref<Token> Token::for_unix_user(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups) {
    if (uid == 0) return for_administrator(uid, gid, groups);
    if (uid == overflow_id) return anonymous_token(uid, gid);
    Parts parts = unix_parts(uid, gid, groups);
    parts.default_dacl = list_for({parts.user, well_known::local_system()});
    return rtl::make_ref<Token>(std::move(parts));
}

Ref<Token> Token::for_administrator(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups) {
    Parts parts = unix_parts(uid, gid, groups);
    add_group(parts.groups, well_known::administrators(), true);
    // What administrators create belongs to all of them.
    parts.default_owner = well_known::administrators();
    parts.held = parts.enabled = all_privileges;
    parts.default_dacl = list_for({well_known::administrators(), well_known::local_system()});
    return rtl::make_ref<Token>(std::move(parts));
}

bool Token::matches_allow(Bytes sid) const {
    if (is_same(sid, parts_.user)) return true;
    return std::ranges::any_of(parts_.groups, [&](const TokenGroup& group) {
        return group.use == TokenGroup::Use::enabled && is_same(sid, group.sid);
    });
}

bool Token::matches_deny(Bytes sid) const {
    if (is_same(sid, parts_.user)) return true;
    return std::ranges::any_of(parts_.groups, [&](const TokenGroup& group) {
        return group.use != TokenGroup::Use::disabled && is_same(sid, group.sid);
    });
}

bool Token::may_assign_owner(const Sid& owner) const {
    if (owner == parts_.user || enabled(SE_RESTORE_PRIVILEGE)) return true;
    return std::ranges::any_of(parts_.groups, [&](const TokenGroup& group) {
        return group.use == TokenGroup::Use::enabled && group.may_own && group.sid == owner;
    });
}

bool Token::is_admin() const { return matches_allow(well_known::administrators().bytes()); }

Result<bool> Token::enable(unsigned privilege, bool on) {
    if (!holds(privilege)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    PrivilegeSet bit = privilege_bit(privilege);
    PrivilegeSet before = on ? enabled_.fetch_or(bit) : enabled_.fetch_and(~bit);
    return (before & bit) != 0;
}

}  // namespace regent::se
