#include "rtl/time.h"

#include <ctime>

namespace regent::rtl {

namespace {

std::int64_t nt_time_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return nt_epoch_offset + static_cast<std::int64_t>(now.tv_sec) * 10000000 + now.tv_nsec / 100;
}

}  // namespace

std::int64_t nt_time_now() { return nt_time_of(CLOCK_REALTIME); }
std::int64_t nt_time_tick() { return nt_time_of(CLOCK_REALTIME_COARSE); }

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace regent::rtl
