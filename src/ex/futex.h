// Sleeping on a 32-bit word of this process. Spurious returns are normal: callers look at the word again.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdint>

namespace regent::ex {

enum class FutexClock { monotonic, realtime };

// Sleeps while *word == expected, until woken or until the absolute `deadline` (null: forever).
inline bool futex_wait(const volatile void* word, std::uint32_t expected, const timespec* deadline = nullptr,
                       FutexClock clock = FutexClock::monotonic) {
    const int operation =
        FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | (clock == FutexClock::realtime ? FUTEX_CLOCK_REALTIME : 0);
    return syscall(SYS_futex, word, operation, expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY) == 0;
}

// The word may already be gone: waking an address nobody sleeps on does nothing.
inline void futex_wake(const volatile void* word, int count = INT_MAX) {
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, nullptr, nullptr, 0);
}

// The half of a 64-bit word that a futex can watch (the supported machines are little-endian).
inline const volatile void* low_half(const volatile void* word) { return word; }

}  // namespace regent::ex
