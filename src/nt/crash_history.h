// What bug checks leave behind in the store's folder `crash`: a report and a minidump each, and how often a driver
// stopped the system since the system last stopped by itself. A driver that did so twice is not started automatically
// any more.
#pragma once

#include <string>
#include <vector>

#include "ex/bugcheck.h"

namespace regent::nt {

class CrashHistory {
public:
    // `store` is the store's directory.
    explicit CrashHistory(const std::string& store) : folder_(store + "/crash") {}

    // Writes the report and counts for its driver. Fails silently: the process is ending, its standard error has it
    // too.
    void record(const ex::BugCheck& check) const;
    // Drivers that were counted twice or more.
    std::vector<std::string> repeat_offenders() const;
    // The system stops by itself, or the driver was dealt with: the count begins anew. Reports stay.
    void forget() const;

private:
    std::string counts_file() const { return folder_ + "/counts"; }

    std::string folder_;
};

}  // namespace regent::nt
