#include "rpc/client_identity.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace regent::rpc {

constexpr gid_t overflow_gid = 65534;
constexpr uid_t overflow_uid = 65534;

std::optional<gid_t> admin_group(const std::string& name) {
    std::vector<char> buffer(1024);
    group entry{};
    group* found = nullptr;
    // A group may have any number of members.
    while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE) {
        buffer.resize(buffer.size() * 2);
    }
    // What a namespace does not map looks like a member of the overflow group.
    if (found == nullptr || entry.gr_gid == overflow_gid) return std::nullopt;
    return entry.gr_gid;
}

namespace {

bool is_administrator(const PeerCredentials& peer, std::optional<gid_t> admins) {
    if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
    if (peer.uid == overflow_uid) return false;
    return admins && (peer.gid == *admins || std::ranges::count(peer.groups, *admins) != 0);
}

// S-1-5-5-X-Y, as Windows names logon sessions: after the session's LUID.
se::Sid logon_sid(std::uint64_t session) {
    return se::Sid(5, {5, static_cast<std::uint32_t>(session >> 32), static_cast<std::uint32_t>(session)});
}

}  // namespace

Ref<se::Token> token_of(const PeerCredentials& peer, std::optional<gid_t> admins) {
    const std::vector<std::uint32_t> groups(peer.groups.begin(), peer.groups.end());
    const Ref<se::Token> plain = is_administrator(peer, admins)
                                     ? se::Token::for_administrator(peer.uid, peer.gid, groups)
                                     : se::Token::for_unix_user(peer.uid, peer.gid, groups);
    if (plain->user() == se::well_known::anonymous()) return plain;
    se::Token::Parts parts = plain->snapshot();
    if (peer.uid == 0) parts.groups.push_back({se::well_known::local_system()});
    parts.groups.push_back({logon_sid(parts.logon_id), se::usual_group | SE_GROUP_LOGON_ID});
    return rtl::make_ref<se::Token>(std::move(parts));
}

}  // namespace regent::rpc
