// Timers that programs set: a KTIMER, and a routine that may run in the thread that set it.
#pragma once

#include "ex/apc.h"
#include "rtl/lock.h"
#include "wdk/wdm.h"

namespace regent::ex {

// Body of a "Timer" object. Settings are synchronised by a lock of rank timer; the expiry reads one that cannot be
// changed before it has run. The KTIMER is the first member: waits look there.
class UserTimer {
public:
    struct Setting {
        LARGE_INTEGER due{};
        LONG period = 0;  // milliseconds; 0: once
        PTIMER_APC_ROUTINE routine = nullptr;
        PVOID context = nullptr;
    };

    explicit UserTimer(TIMER_TYPE type);
    ~UserTimer();
    UserTimer(const UserTimer&) = delete;
    UserTimer& operator=(const UserTimer&) = delete;

    DISPATCHER_HEADER& header() { return timer_.Header; }
    // Both tell whether it was signaled, and end what was set before: a routine that was queued does not run.
    bool set(const Setting& setting);
    bool cancel();

private:
    static VOID NTAPI expired(PKDPC, PVOID self, PVOID, PVOID);
    void stop_locked() RG_REQUIRES(lock_);

    KTIMER timer_{};
    KDPC dpc_{};
    Mutex<LockRank::timer> lock_;
    Setting setting_;
    Ref<ApcQueue> queue_;  // null: no routine
};

}  // namespace regent::ex
