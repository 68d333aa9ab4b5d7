// NtFreezeRegistry: while the gate is shut nothing is written to hive files on purpose; changes in memory go on.
#pragma once

#include <chrono>

#include "rtl/lock.h"

namespace regent::cm {

// Internally synchronised. One per program; open unless somebody froze it.
class FlushGate {
public:
    // Shuts the gate until thaw() or until the time is over, whichever is first; again while shut: a new time.
    void freeze(std::chrono::seconds timeout);
    void thaw();
    bool shut() const;
    // Returns when the gate is open.
    void wait_until_open();

private:
    using Clock = std::chrono::steady_clock;
    bool shut_locked() const RG_REQUIRES(lock_) { return Clock::now() < until_; }

    mutable Mutex<LockRank::registry> lock_;
    ConditionVariable opened_;
    Clock::time_point until_ RG_GUARDED_BY(lock_){};
};
FlushGate& flush_gate();

}  // namespace regent::cm
