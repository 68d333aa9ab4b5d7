// From what the kernel says of a client to the token it gets.
#pragma once

#include <optional>
#include <string>

#include "rpc/socket.h"
#include "se/token.h"

namespace regent::rpc {

// The group whose members are administrators, by name; nothing when the host has none of that name.
inline constexpr const char* usual_admin_group = "regadmin";
std::optional<gid_t> admin_group(const std::string& name);

// Root is an administrator and has SYSTEM's rights, with SYSTEM among its groups; members of `admins` and whoever this
// process runs as (who could read and write its files anyway) are administrators of high integrity; the overflow id is
// ANONYMOUS; all others are users. A user's SID follows from the uid alone. Each token is a logon session of its own,
// named by a logon SID among its groups.
Ref<se::Token> token_of(const PeerCredentials& peer, std::optional<gid_t> admins);

}  // namespace regent::rpc
