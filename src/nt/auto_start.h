// Drivers that start with the system: services of ControlSet\Services with Start 0, 1 and 2.
#pragma once

#include <string>
#include <vector>

namespace regent::nt {

// Loads them in NT's order: by Start; boot and system drivers by ServiceGroupOrder\List, then by Tag; else by name.
// A driver that fails does not keep the system from starting: a line in `messages` says what happened.
void start_drivers(std::vector<std::string>& messages);

}  // namespace regent::nt
