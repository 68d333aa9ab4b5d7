// The four experiments of docs/lab, each run on a store of its own.
#pragma once

#include <string>

namespace regent::app {

struct LabOptions {
    int experiment = 1;    // 1..4
    std::string profile;   // RegistryCallbackProfile of the driver; empty: as the driver host chooses
    bool measure = false;  // 4 only: what the callback costs in four designs
    bool json = false;     // end with {"experiment":N,"expected":...,"observed":...}
};
// The exit code: 0 when what the driver observed is what the workload did.
int run_lab(const LabOptions& options);

}  // namespace regent::app
