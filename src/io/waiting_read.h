// What the built-in devices have in common that hand out records and let a reader wait for the next one.
#pragma once

#include <algorithm>

#include "io/request.h"
#include "rtl/time.h"

namespace regent::io {

// What `read` gives for a wait of so many milliseconds, asked until it gives something, the reader's time is over or
// its request was cancelled, which nobody wakes the wait for: it is looked at in slices.
template <typename Read>
auto read_within(const IRP& irp, ULONG wait_milliseconds, const Read& read) {
    constexpr std::int64_t slice_ms = 50;
    const std::int64_t deadline = rtl::monotonic_ns() + std::int64_t{wait_milliseconds} * 1'000'000;
    for (;;) {
        const std::int64_t left_ms = (deadline - rtl::monotonic_ns()) / 1'000'000;
        auto records = read(static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, slice_ms)));
        if (!records.empty() || left_ms <= 0 || is_cancelled(irp)) return records;
    }
}

}  // namespace regent::io
