// regent driver load|unload|list|exports: drivers by their service keys.
#pragma once

#include <string>

namespace regent::app {

struct DriverOptions {
    std::string name;
    std::string image;  // with load: makes or changes the service key
    std::string start;  // boot, system, auto, demand, disabled; empty: as it is (demand for a new key)
    bool show_findings = true;
    std::string verify;   // off, report, stop: how the verifier watches it; empty: as it is
    unsigned budget = 0;  // milliseconds that it lets a callback take; 0: as it is
};
// Each returns the exit code, with one line on stderr for a failure. A driver that the verifier watches: what it has
// found so far is printed, and the code is 3 when that is not nothing.
inline constexpr int verifier_found = 3;
int load_driver(const DriverOptions& options);
int unload_driver(const std::string& name);
int list_drivers();
// What drivers in PE images may import, in the language of module definition files.
int list_exports();

}  // namespace regent::app
