// Timers and deferred procedure calls. One thread expires timers, one runs DPCs at DISPATCH_LEVEL.
//
// A set timer is on the timer list, sorted by due time (interrupt time, 100 ns). Absolute due times are turned into
// interrupt time when they are set: later changes of the host's clock do not move them.
#include <thread>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/dispatcher_impl.h"
#include "ex/futex.h"
#include "ex/system_thread.h"
#include "ex/work_queue.h"
#include "rtl/time.h"

namespace regent::ex {
namespace {

constexpr UCHAR timer_set = 1;  // KTIMER.Header.Absolute: on the timer list

void add_routine_of(DriverId driver, const KDPC* dpc, std::vector<const void*>& routines) {
    if (dpc == nullptr) return;
    const auto* const routine = reinterpret_cast<const void*>(dpc->DeferredRoutine);
    if (driver_of(routine) == driver) routines.push_back(routine);
}

// The DPC queue. KDPC.DpcData is not null while queued. Lock order: dispatcher, then this.
class DpcQueue {
public:
    bool insert(KDPC& dpc, PVOID argument1, PVOID argument2) {
        {
            ExclusiveGuard guard(lock_);
            if (dpc.DpcData != nullptr) return false;
            dpc.DpcData = this;
            dpc.SystemArgument1 = argument1;
            dpc.SystemArgument2 = argument2;
            dpc.DpcListEntry.Next = nullptr;
            *tail_ = &dpc.DpcListEntry;
            tail_ = &dpc.DpcListEntry.Next;
            if (!started_) {
                started_ = true;
                spawn_system_thread("rg-dpc", [](void* queue) { static_cast<DpcQueue*>(queue)->run(); }, this);
            }
        }
        changed_.notify_all();
        return true;
    }

    bool remove(KDPC& dpc) {
        ExclusiveGuard guard(lock_);
        if (dpc.DpcData == nullptr) return false;
        PSINGLE_LIST_ENTRY* link = &first_;
        while (*link != &dpc.DpcListEntry) link = &(*link)->Next;
        *link = dpc.DpcListEntry.Next;
        if (tail_ == &dpc.DpcListEntry.Next) tail_ = link;
        dpc.DpcData = nullptr;
        return true;
    }

    // Waits for everything that is queued or running now.
    void flush() {
        ExclusiveGuard guard(lock_);
        changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return first_ == nullptr && running_ == nullptr; });
    }

    void find_routines(DriverId driver, std::vector<const void*>& routines) {
        ExclusiveGuard guard(lock_);
        if (running_ != nullptr && driver_of(running_) == driver) routines.push_back(running_);
        for (PSINGLE_LIST_ENTRY entry = first_; entry != nullptr; entry = entry->Next)
            add_routine_of(driver, CONTAINING_RECORD(entry, KDPC, DpcListEntry), routines);
    }

private:
    void run() {
        for (;;) {
            PKDPC dpc = nullptr;
            KDPC copy;
            {
                ExclusiveGuard guard(lock_);
                running_ = nullptr;
                changed_.notify_all();
                changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return first_ != nullptr; });
                dpc = CONTAINING_RECORD(first_, KDPC, DpcListEntry);
                first_ = first_->Next;
                if (first_ == nullptr) tail_ = &first_;
                copy = *dpc;
                running_ = reinterpret_cast<const void*>(copy.DeferredRoutine);
                dpc->DpcData = nullptr;  // from here on it may be queued again, or freed
            }
            const KIRQL old = KeRaiseIrqlToDpcLevel();
            call_driver("DPC", copy.DeferredRoutine, dpc, copy.DeferredContext, copy.SystemArgument1,
                        copy.SystemArgument2);
            KeLowerIrql(old);
        }
    }

    Mutex<LockRank::work_queue> lock_;
    ConditionVariable changed_;
    PSINGLE_LIST_ENTRY first_ RG_GUARDED_BY(lock_) = nullptr;
    PSINGLE_LIST_ENTRY* tail_ RG_GUARDED_BY(lock_) = &first_;
    const void* running_ RG_GUARDED_BY(lock_) = nullptr;
    bool started_ RG_GUARDED_BY(lock_) = false;
};

DpcQueue& dpcs() {
    static DpcQueue* instance = new DpcQueue;
    return *instance;
}

ULONGLONG interrupt_time() { return static_cast<ULONGLONG>(rtl::monotonic_ns()) / 100; }

// The set timers. Everything is guarded by the dispatcher lock.
class TimerList {
public:
    TimerList() { InitializeListHead(&timers_); }

    // The due time must be in the timer.
    void insert_locked(KTIMER& timer) {
        PLIST_ENTRY entry = timers_.Flink;
        while (entry != &timers_ &&
               CONTAINING_RECORD(entry, KTIMER, TimerListEntry)->DueTime.QuadPart <= timer.DueTime.QuadPart) {
            entry = entry->Flink;
        }
        InsertTailList(entry, &timer.TimerListEntry);
        timer.Header.Absolute = timer_set;
        if (!started_) {
            started_ = true;
            spawn_system_thread("rg-timer", [](void* list) { static_cast<TimerList*>(list)->run(); }, this);
        }
        if (timers_.Flink == &timer.TimerListEntry) wake_locked();
    }

    bool remove_locked(KTIMER& timer) {
        if (timer.Header.Absolute != timer_set) return false;
        RemoveEntryList(&timer.TimerListEntry);
        timer.Header.Absolute = 0;
        return true;
    }

    void find_routines_locked(DriverId driver, std::vector<const void*>& routines) const {
        for (const LIST_ENTRY* entry = timers_.Flink; entry != &timers_; entry = entry->Flink)
            add_routine_of(driver, CONTAINING_RECORD(entry, const KTIMER, TimerListEntry)->Dpc, routines);
    }

private:
    void wake_locked() {
        changes_.fetch_add(1, std::memory_order_release);
        futex_wake(&changes_, 1);
    }

    void expire_locked(KTIMER& timer, ReleaseList& released) {
        remove_locked(timer);
        const ULONGLONG now = interrupt_time();
        if (timer.Period != 0) {
            timer.DueTime.QuadPart = now + ULONGLONG{timer.Period} * 10'000;
            insert_locked(timer);
        }
        if (timer.Dpc != nullptr) dpcs().insert(*timer.Dpc, nullptr, nullptr);
        set_state_locked(timer.Header, 1);
        deliver_locked(timer.Header, released);
    }

    // Expires what is due; the interrupt time of the next timer, or 0.
    ULONGLONG expire_due() {
        ReleaseList released;
        ExclusiveGuard guard(dispatcher_lock());
        while (!IsListEmpty(&timers_)) {
            KTIMER& timer = *CONTAINING_RECORD(timers_.Flink, KTIMER, TimerListEntry);
            if (timer.DueTime.QuadPart > interrupt_time()) return timer.DueTime.QuadPart;
            expire_locked(timer, released);
        }
        return 0;
    }

    void run() {
        for (;;) {
            const std::uint32_t seen = changes_.load(std::memory_order_acquire);
            const ULONGLONG next = expire_due();
            timespec when{};
            when.tv_sec = static_cast<time_t>(next / 10'000'000);
            when.tv_nsec = static_cast<long>(next % 10'000'000) * 100;
            futex_wait(&changes_, seen, next != 0 ? &when : nullptr);
        }
    }

    LIST_ENTRY timers_;
    bool started_ = false;
    std::atomic<std::uint32_t> changes_{0};
};

TimerList& timers() {
    static TimerList* instance = new TimerList;
    return *instance;
}

ULONGLONG due_of(LARGE_INTEGER due) {
    const ULONGLONG now = interrupt_time();
    if (due.QuadPart <= 0) return now + (0 - static_cast<ULONGLONG>(due.QuadPart));
    const LONGLONG ahead = due.QuadPart - rtl::nt_time_now();
    return ahead > 0 ? now + static_cast<ULONGLONG>(ahead) : now;
}

}  // namespace

std::vector<const void*> timers_of(DriverId driver) {
    std::vector<const void*> routines;
    dpcs().find_routines(driver, routines);
    ExclusiveGuard guard(dispatcher_lock());
    timers().find_routines_locked(driver, routines);
    return routines;
}

}  // namespace regent::ex

using namespace regent::ex;
using regent::ExclusiveGuard;

extern "C" {

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type) {
    memset(Timer, 0, sizeof *Timer);
    const KOBJECTS kind = Type == NotificationTimer ? TimerNotificationObject : TimerSynchronizationObject;
    initialize_header(Timer->Header, kind, false);
    InitializeListHead(&Timer->TimerListEntry);
}

VOID KeInitializeTimer(PKTIMER Timer) { KeInitializeTimerEx(Timer, NotificationTimer); }

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc) {
    ExclusiveGuard guard(dispatcher_lock());
    const bool was_set = timers().remove_locked(*Timer);
    set_state_locked(Timer->Header, 0);
    Timer->DueTime.QuadPart = due_of(DueTime);
    Timer->Period = Period > 0 ? static_cast<ULONG>(Period) : 0;
    Timer->Dpc = Dpc;
    timers().insert_locked(*Timer);
    return was_set;
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc) { return KeSetTimerEx(Timer, DueTime, 0, Dpc); }

BOOLEAN KeCancelTimer(PKTIMER Timer) {
    ExclusiveGuard guard(dispatcher_lock());
    return timers().remove_locked(*Timer);
}

BOOLEAN KeReadStateTimer(PKTIMER Timer) { return state_of(Timer->Header) > 0; }

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
    memset(Dpc, 0, sizeof *Dpc);
    Dpc->Type = DpcObject;
    Dpc->Importance = MediumImportance;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
}

BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2) {
    return dpcs().insert(*Dpc, SystemArgument1, SystemArgument2);
}

BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc) { return dpcs().remove(*Dpc); }
VOID KeFlushQueuedDpcs(VOID) { dpcs().flush(); }

VOID KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance) { Dpc->Importance = static_cast<UCHAR>(Importance); }

}  // extern "C"
