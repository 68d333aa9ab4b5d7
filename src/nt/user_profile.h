// The hives of a user: users/<SID>/NTUSER.DAT at \Registry\User\<SID>, UsrClass.dat at \Registry\User\<SID>_Classes.
#pragma once

#include <expected>

#include "nt/system.h"
#include "se/token.h"

namespace regent::nt {

// Mounts the user's hives, made when missing; at a user's first call to this executive. One caller at a time.
std::expected<void, BootFailure> ensure_user_profile(const se::Token& token);

}  // namespace regent::nt
