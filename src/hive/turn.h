// The right to do something slow, for one thread at a time. Unlike a mutex, who waits for it may be satisfied by what
// the holder did and leaves without having had it: so followers of a group commit never hold the leader of the next one
// up. Ranked as the flusher's lock. Internally synchronised.
#pragma once

#include "rtl/lock.h"

namespace regent::hive {

class RG_CAPABILITY("mutex") Turn {
public:
    void lock() RG_ACQUIRE() {
        take_unless([] { return false; });
    }
    // False, and the turn not taken, once `satisfied` holds; it is asked again whenever the turn ends.
    template <typename Predicate>
    bool take_unless(Predicate satisfied) RG_NO_ANALYSIS {
        rtl::rank_acquired(rtl::LockRank::flusher);
        bool left = false;
        {
            rtl::ExclusiveGuard guard(lock_);
            ++waiting_;
            ended_.wait(lock_, [&]() RG_NO_ANALYSIS { return (left = satisfied()) || !taken_; });
            --waiting_;
            if (!left) taken_ = true;
        }
        if (left) rtl::rank_released(rtl::LockRank::flusher);
        return !left;
    }
    void unlock() RG_RELEASE() {
        bool somebody = false;
        {
            rtl::ExclusiveGuard guard(lock_);
            taken_ = false;
            somebody = waiting_ != 0;
        }
        if (somebody) ended_.notify_all();
        rtl::rank_released(rtl::LockRank::flusher);
    }

private:
    rtl::Mutex<rtl::LockRank::leaf> lock_;
    rtl::ConditionVariable ended_;
    unsigned waiting_ RG_GUARDED_BY(lock_) = 0;
    bool taken_ RG_GUARDED_BY(lock_) = false;
};

}  // namespace regent::hive
