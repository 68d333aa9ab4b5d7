// regent driver test and regent trace: a driver against scripted operations, on a store of its own in this process.
#pragma once

#include <string>
#include <vector>

namespace regent::app {

struct DriverTestOptions {
    std::string driver;                   // the file: .so or .sys
    std::vector<std::string> scripts;     // .regtest files
    std::vector<std::string> parameters;  // Name=text or Name=dword:N, below the service key's Parameters
    std::vector<std::string> altitudes;   // trace: the filters to look at
    bool verify = false;                  // watched by the verifier
    unsigned budget = 0;                  // milliseconds that it lets a callback take; 0: as many as usual
    bool verbose = false;                 // what the driver prints
};
// Loads the driver, runs the scripts' cases, unloads it. The exit code: 0 when every line was answered as expected the
// driver left nothing behind, and the verifier found nothing.
int test_driver(const DriverTestOptions& options);

}  // namespace regent::app
