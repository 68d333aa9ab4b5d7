// HKLM\HARDWARE: this machine, as /proc and /sys describe it. Volatile, made new at every boot.
#pragma once

#include "rtl/status.h"

namespace regent::nt {

// REQUIRES: an empty volatile hive is mounted at \Registry\Machine\HARDWARE. What cannot be read is left out.
Result<void> describe_hardware();

}  // namespace regent::nt
