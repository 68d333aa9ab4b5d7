// One case of a .regtest file: every line run, every answer compared.
#pragma once

#include "session.h"

namespace regent::regtest {

struct Tally {
    unsigned checks = 0;
    unsigned failed = 0;
    unsigned skipped = 0;  // lines that this way cannot say
};

// `mode` stands in reports; "win32" says lines by Reg*. `files` is the host folder behind $F. Failures are printed.
void run_case(const Script& script, const Case& one, const std::string& mode, const std::string& files, Tally& tally);

}  // namespace regent::regtest
