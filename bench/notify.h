// W11: from a set to whoever waits for it.
#pragma once

#include <string>

#include "report.h"

namespace regent::bench {

// A thread in this process waits in NtNotifyChangeKey, another one sets a value: from the start of the set until the
// waiter runs, beside a futex wake of the same shape. Then the price of a set without watches and with 10,000
// elsewhere.
void measure_notify(Report& report, int runs, const std::string& subject);

}  // namespace regent::bench
