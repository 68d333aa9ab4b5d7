// Names of privileges.
#pragma once

#include <string_view>

#include "nt/ntseapi.h"

namespace regent::se {

// "SeSecurityPrivilege"; empty for a number that no privilege has.
std::string_view privilege_name(unsigned privilege);

}  // namespace regent::se
