#include "cm/flush_gate.h"

namespace regent::cm {

FlushGate& flush_gate() {
    static FlushGate& gate = *new FlushGate;
    return gate;
}

void FlushGate::freeze(std::chrono::seconds timeout) {
    {
        ExclusiveGuard guard(lock_);
        until_ = Clock::now() + timeout;
    }
    opened_.notify_all();  // those who wait look at the new time
}

void FlushGate::thaw() {
    {
        ExclusiveGuard guard(lock_);
        until_ = {};
    }
    opened_.notify_all();
}

bool FlushGate::shut() const {
    ExclusiveGuard guard(lock_);
    return shut_locked();
}

void FlushGate::wait_until_open() {
    ExclusiveGuard guard(lock_);
    while (shut_locked()) {
        const Clock::time_point until = until_;
        opened_.wait_until(lock_, until, [&]() RG_NO_ANALYSIS { return until_ != until; });
    }
}

}  // namespace regent::cm
