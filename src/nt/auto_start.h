// Drivers that start with the system: services of ControlSet\Services with Start 0, 1 and 2.
#pragma once

#include <string>
#include <vector>

#include "nt/crash_history.h"

namespace regent::nt {

// Loads them in NT's order: by Start; boot and system drivers by ServiceGroupOrder\List, then by Tag; else by name.
// A driver that fails does not keep the system from starting: a line in `messages` says what happened.
// One that stopped the system again and again is disabled first (Start 4), which a line says too.
void start_drivers(const CrashHistory& crashes, std::vector<std::string>& messages);

}  // namespace regent::nt
