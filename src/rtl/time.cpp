#include "rtl/time.h"

#include <ctime>

namespace regent::rtl {

std::int64_t nt_time_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return nt_epoch_offset + static_cast<std::int64_t>(now.tv_sec) * 10000000 + now.tv_nsec / 100;
}

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace regent::rtl
