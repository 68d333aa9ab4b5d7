// NT time: 100 ns intervals since 1601-01-01 UTC.
#pragma once

#include <cstdint>

namespace regent::rtl {

inline constexpr std::int64_t nt_epoch_offset = 116444736000000000;  // 1970-01-01 in NT time

// The wall clock as NT time.
std::int64_t nt_time_now();
// The same as of the last clock tick, some milliseconds old, for a fraction of the price.
std::int64_t nt_time_tick();
// The monotonic clock in nanoseconds.
std::int64_t monotonic_ns();

}  // namespace regent::rtl
