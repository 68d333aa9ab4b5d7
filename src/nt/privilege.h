// Privileges that a service asks of its caller.
#pragma once

#include "nt/ntseapi.h"
#include "ob/process.h"

namespace regent::nt {

inline bool may(unsigned privilege) { return ob::current().kernel() || ob::current().token().enabled(privilege); }

}  // namespace regent::nt
