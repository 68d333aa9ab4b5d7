// Tokens made from tokens: duplicates and filtered ones.
#include <algorithm>

#include "se/token.h"

namespace regent::se {
namespace {

bool contains(const std::vector<Sid>& list, const Sid& sid) { return std::ranges::find(list, sid) != list.end(); }

void deny_only(std::uint32_t& attributes) {
    attributes |= SE_GROUP_USE_FOR_DENY_ONLY;
    attributes &= ~std::uint32_t{SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_OWNER};
}

// What a limited user keeps of an administrator's token (LUA_TOKEN; the list is inferred from Windows' filtered
// tokens).
constexpr PrivilegeSet limited_privileges = privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE) |
                                            privilege_bit(SE_SHUTDOWN_PRIVILEGE) | privilege_bit(SE_UNDOCK_PRIVILEGE) |
                                            privilege_bit(SE_INC_WORKING_SET_PRIVILEGE) |
                                            privilege_bit(SE_TIME_ZONE_PRIVILEGE);

void limit(Token::Parts& parts) {
    for (TokenGroup& group : parts.groups) {
        if (group.sid == well_known::administrators()) deny_only(group.attributes);
    }
    parts.held &= limited_privileges;
    parts.integrity = std::min<std::uint32_t>(parts.integrity, SECURITY_MANDATORY_MEDIUM_RID);
    if (parts.default_owner == well_known::administrators()) parts.default_owner = parts.user;
}

}  // namespace

Ref<Token> filter_token(const Token& token, const TokenFilter& filter) {
    Token::Parts parts = token.snapshot();
    for (TokenGroup& group : parts.groups) {
        if (contains(filter.disabled, group.sid)) deny_only(group.attributes);
    }
    if (contains(filter.disabled, parts.user)) parts.user_deny_only = true;
    PrivilegeSet removed = filter.removed;
    if ((filter.flags & DISABLE_MAX_PRIVILEGE) != 0) removed |= ~privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE);
    parts.held &= ~removed;
    if ((filter.flags & LUA_TOKEN) != 0) limit(parts);
    parts.enabled &= parts.held;
    parts.enabled_by_default &= parts.held;
    if ((filter.flags & SANDBOX_INERT) != 0) parts.sandbox_inert = true;
    // A token that is restricted already stays restricted to what both lists have.
    if (!filter.restricting.empty()) {
        if (parts.restricting.empty()) {
            parts.restricting = filter.restricting;
            parts.write_restricted = (filter.flags & WRITE_RESTRICTED) != 0;
        } else {
            std::erase_if(parts.restricting, [&](const Sid& sid) { return !contains(filter.restricting, sid); });
            // No SID in both: restricted to nobody.
            if (parts.restricting.empty()) parts.restricting.push_back(Sid());
            if ((filter.flags & WRITE_RESTRICTED) == 0) parts.write_restricted = false;
        }
    }
    return rtl::make_ref<Token>(std::move(parts));
}

Ref<Token> duplicate_token(const Token& token, bool impersonation, SECURITY_IMPERSONATION_LEVEL level,
                           bool effective_only) {
    Token::Parts parts = token.snapshot();
    parts.impersonation = impersonation;
    parts.level = impersonation ? level : SecurityAnonymous;
    if (effective_only) {
        std::erase_if(parts.groups, [](const TokenGroup& group) {
            return (group.attributes & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY)) == 0;
        });
        parts.held &= parts.enabled;
        parts.enabled_by_default &= parts.held;
    }
    return rtl::make_ref<Token>(std::move(parts));
}

}  // namespace regent::se
