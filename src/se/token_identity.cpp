// Tokens of those who exist: the executive itself, and Unix users.
#include "se/token.h"

namespace regent::se {
namespace {

constexpr std::uint32_t overflow_id = 65534;  // what an unmapped user of a namespace looks like

std::vector<std::byte> list_for(std::initializer_list<Sid> full_access) {
    AclBuilder list;
    for (const Sid& sid : full_access) list.add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, sid);
    return std::move(list.finish()).value();  // three entries always fit
}

void add_group(std::vector<TokenGroup>& groups, const Sid& sid, bool may_own = false) {
    groups.push_back({sid, usual_group | (may_own ? SE_GROUP_OWNER : 0)});
}

Token::Parts unix_parts(std::uint32_t uid, std::uint32_t gid, std::span<const std::uint32_t> groups) {
    Token::Parts parts;
    parts.user = from_uid(uid);
    parts.uid = uid;
    parts.gid = gid;
    parts.primary_group = from_gid(gid);
    parts.held = parts.enabled = parts.enabled_by_default = privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE);
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
    parts.integrity = SECURITY_MANDATORY_UNTRUSTED_RID;
    add_group(parts.groups, well_known::world());
    parts.default_dacl = list_for({parts.user, well_known::local_system()});
    return rtl::make_ref<Token>(std::move(parts));
}

}  // namespace

Ref<Token> Token::system() {
    static const Ref<Token> token = [] {
        Parts parts;
        parts.user = well_known::local_system();
        parts.primary_group = well_known::local_system();
        parts.default_owner = well_known::administrators();
        parts.held = parts.enabled = parts.enabled_by_default = all_privileges;
        parts.integrity = SECURITY_MANDATORY_SYSTEM_RID;
        add_group(parts.groups, well_known::administrators(), true);
        add_group(parts.groups, well_known::world());
        add_group(parts.groups, well_known::authenticated_users());
        parts.default_dacl = list_for({well_known::local_system(), well_known::administrators()});
        return rtl::make_ref<Token>(std::move(parts));
    }();
    return token;
}

Ref<Token> Token::anonymous() {
    static const Ref<Token> token = anonymous_token(overflow_id, overflow_id);
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
    parts.held = parts.enabled = parts.enabled_by_default = all_privileges;
    parts.integrity = uid == 0 ? SECURITY_MANDATORY_SYSTEM_RID : SECURITY_MANDATORY_HIGH_RID;
    parts.default_dacl = list_for({well_known::administrators(), well_known::local_system()});
    return rtl::make_ref<Token>(std::move(parts));
}

}  // namespace regent::se
