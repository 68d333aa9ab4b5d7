// The waiting side: one wait, from the fast look to the sleep.
#include "ex/bugcheck.h"
#include "ex/dispatcher_impl.h"
#include "ex/futex.h"
#include "ex/verifier.h"
#include "rtl/time.h"

namespace regent::ex {
namespace {

constexpr LONGLONG ticks_per_second = 10'000'000;

// NT's timeout as an absolute time of one of the host's clocks.
struct Deadline {
    bool forever = true;
    bool poll = false;
    FutexClock clock = FutexClock::monotonic;
    timespec when{};
};

timespec to_timespec(LONGLONG ticks) {
    timespec value{};
    value.tv_sec = static_cast<time_t>(ticks / ticks_per_second);
    value.tv_nsec = static_cast<long>(ticks % ticks_per_second) * 100;
    return value;
}

Deadline make_deadline(const LARGE_INTEGER* timeout) {
    Deadline deadline;
    if (timeout == nullptr) return deadline;
    const LONGLONG value = timeout->QuadPart;
    deadline.forever = false;
    deadline.poll = value == 0;
    if (value > 0) {
        deadline.clock = FutexClock::realtime;
        deadline.when = to_timespec(value > rtl::nt_epoch_offset ? value - rtl::nt_epoch_offset : 0);
        return deadline;
    }
    const LONGLONG now = rtl::monotonic_ns() / 100;
    // A relative time too large to add is forever.
    if (value < -(INT64_MAX - now - ticks_per_second)) {
        deadline.forever = true;
        return deadline;
    }
    deadline.when = to_timespec(now - value);
    return deadline;
}

bool passed(const Deadline& deadline) {
    if (deadline.forever) return false;
    if (deadline.poll) return true;
    timespec now{};
    clock_gettime(deadline.clock == FutexClock::realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return now.tv_sec != deadline.when.tv_sec ? now.tv_sec > deadline.when.tv_sec
                                              : now.tv_nsec >= deadline.when.tv_nsec;
}

// The status that breaks this wait before it begins, or WAIT_0. Takes the alert.
NTSTATUS broken_locked(ThreadState& thread, bool alertable, KPROCESSOR_MODE mode) {
    if (thread.interrupted && mode == UserMode) return STATUS_THREAD_IS_TERMINATING;
    if (!alertable) return STATUS_WAIT_0;
    if (std::exchange(thread.alerted, false)) return STATUS_ALERTED;
    return thread.apcs->empty_locked() ? STATUS_WAIT_0 : STATUS_USER_APC;
}

void sleep_until_woken(ThreadState& thread, const Deadline& deadline) {
    while (thread.woken.load(std::memory_order_acquire) == 0) {
        if (passed(deadline)) return;
        futex_wait(&thread.woken, 0, deadline.forever ? nullptr : &deadline.when, deadline.clock);
    }
}

// Sleeps until somebody ends the wait or time is up. REQUIRES: the waiter is on its lists, the lock is not held.
NTSTATUS finish_wait(Waiter& waiter, const Deadline& deadline) {
    ThreadState& thread = *waiter.thread;
    sleep_until_woken(thread, deadline);
    if (thread.woken.load(std::memory_order_acquire) == 0) {
        ExclusiveGuard guard(dispatcher_lock());
        if (!waiter.satisfied) {
            unlink_locked(waiter);
            thread.waiter = nullptr;
            return STATUS_TIMEOUT;
        }
    }
    // Satisfied: whoever did it still holds the waiter until `woken` says otherwise.
    sleep_until_woken(thread, Deadline{});
    return waiter.result;
}

bool has_duplicate(std::span<DISPATCHER_HEADER* const> objects) {
    for (std::size_t i = 0; i < objects.size(); ++i) {
        for (std::size_t j = i + 1; j < objects.size(); ++j) {
            if (objects[i] == objects[j]) return true;
        }
    }
    return false;
}

// Takes what is there already. Returns false when the wait has to sleep.
bool satisfied_now_locked(Waiter& waiter, NTSTATUS* status) {
    std::size_t ready = 0;
    for (std::size_t i = 0; i < waiter.blocks.size(); ++i) {
        if (!ready_locked(*waiter.blocks[i].object, *waiter.thread)) continue;
        if (waiter.type == WaitAny) {
            *status = consume_locked(*waiter.blocks[i].object, *waiter.thread) + static_cast<NTSTATUS>(i);
            return true;
        }
        ++ready;
    }
    if (ready != waiter.blocks.size() || waiter.blocks.empty()) return false;
    *status = STATUS_WAIT_0;
    for (WaitBlock& block : waiter.blocks) {
        if (consume_locked(*block.object, *waiter.thread) == STATUS_ABANDONED_WAIT_0) *status = STATUS_ABANDONED_WAIT_0;
    }
    return true;
}

// Puts a block on every list; from here on state changes of the objects come under the lock.
void link_locked(Waiter& waiter) {
    for (WaitBlock& block : waiter.blocks) {
        block.waiter = &waiter;
        block.linked = true;
        InsertTailList(&block.object->WaitListHead, &block.entry);
        set_waiters_bit(*block.object);
    }
    waiter.thread->waiter = &waiter;
}

NTSTATUS wait_on_blocks(Waiter& waiter, const LARGE_INTEGER* timeout) {
    const Deadline deadline = make_deadline(timeout);
    ThreadState& thread = *waiter.thread;
    thread.woken.store(0, std::memory_order_relaxed);
    {
        ExclusiveGuard guard(dispatcher_lock());
        NTSTATUS status = STATUS_WAIT_0;
        for (const WaitBlock& block : waiter.blocks) {
            if (type_of(*block.object) == MutantObject && state_of(*block.object) == INT32_MIN &&
                ready_locked(*block.object, thread)) {
                return STATUS_MUTANT_LIMIT_EXCEEDED;
            }
        }
        if (satisfied_now_locked(waiter, &status)) return status;
        status = broken_locked(thread, waiter.alertable, waiter.mode);
        if (status != STATUS_WAIT_0) return status;
        if (deadline.poll) return STATUS_TIMEOUT;
        link_locked(waiter);
        // Again: until the waiters bit was set an event could be set without the lock.
        if (satisfied_now_locked(waiter, &status)) {
            unlink_locked(waiter);
            thread.waiter = nullptr;
            return status;
        }
    }
    return finish_wait(waiter, deadline);
}

void check_irql(const ThreadState& thread, const LARGE_INTEGER* timeout) {
    if (thread.irql >= DISPATCH_LEVEL && (timeout == nullptr || timeout->QuadPart != 0)) {
        verifier::check_wait(thread.irql, false);
        KeBugCheckEx(0xB8, reinterpret_cast<ULONG_PTR>(&thread), thread.irql, 0, 0);
    }
}

// Most waits are for few objects: their blocks are not worth 64 to set up.
template <std::size_t Limit>
NTSTATUS wait_for(ThreadState& thread, std::span<DISPATCHER_HEADER* const> objects, WAIT_TYPE type, bool alertable,
                  const LARGE_INTEGER* timeout, KPROCESSOR_MODE mode) {
    std::array<WaitBlock, Limit> blocks;
    for (std::size_t i = 0; i < objects.size(); ++i) blocks[i].object = objects[i];
    Waiter waiter;
    waiter.thread = &thread;
    waiter.blocks = std::span(blocks).first(objects.size());
    waiter.type = type;
    waiter.mode = mode;
    waiter.alertable = alertable;
    return wait_on_blocks(waiter, timeout);
}

}  // namespace

NTSTATUS wait(std::span<DISPATCHER_HEADER* const> objects, WAIT_TYPE type, bool alertable, const LARGE_INTEGER* timeout,
              KPROCESSOR_MODE mode) {
    if (objects.empty() || objects.size() > MAXIMUM_WAIT_OBJECTS) return STATUS_INVALID_PARAMETER;
    if (type == WaitAll && has_duplicate(objects)) return STATUS_INVALID_PARAMETER_MIX;
    ThreadState& thread = thread_state();
    check_irql(thread, timeout);
    return objects.size() <= THREAD_WAIT_OBJECTS
               ? wait_for<THREAD_WAIT_OBJECTS>(thread, objects, type, alertable, timeout, mode)
               : wait_for<MAXIMUM_WAIT_OBJECTS>(thread, objects, type, alertable, timeout, mode);
}

NTSTATUS wait(DISPATCHER_HEADER& object, const LARGE_INTEGER* timeout) {
    ThreadState& thread = thread_state();
    check_irql(thread, timeout);
    WaitBlock block;
    block.object = &object;
    Waiter waiter;
    waiter.thread = &thread;
    waiter.blocks = std::span(&block, 1);
    return wait_on_blocks(waiter, timeout);
}

NTSTATUS delay(bool alertable, const LARGE_INTEGER* interval, KPROCESSOR_MODE mode) {
    ThreadState& thread = thread_state();
    check_irql(thread, interval);
    Waiter waiter;  // waits for nothing but time
    waiter.thread = &thread;
    waiter.mode = mode;
    waiter.alertable = alertable;
    const NTSTATUS status = wait_on_blocks(waiter, interval);
    return status == STATUS_TIMEOUT ? STATUS_SUCCESS : status;
}

void alert(ThreadState& thread) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    if (thread.waiter != nullptr && thread.waiter->alertable) {
        satisfy_locked(*thread.waiter, STATUS_ALERTED, released);
    } else {
        thread.alerted = true;
    }
}

void interrupt(ThreadState& thread) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    thread.interrupted = true;
    if (thread.waiter != nullptr && thread.waiter->mode == UserMode) {
        satisfy_locked(*thread.waiter, STATUS_THREAD_IS_TERMINATING, released);
    }
}

}  // namespace regent::ex

using namespace regent::ex;

extern "C" {

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout) {
    DISPATCHER_HEADER* header = static_cast<DISPATCHER_HEADER*>(Object);
    const bool mutex = verifier::active() && type_of(*header) == MutantObject;
    if (mutex) verifier::lock_wanted(Object, "mutex", true);
    const NTSTATUS status = wait({&header, 1}, WaitAny, Alertable != FALSE, Timeout, WaitMode);
    if (mutex && status != STATUS_WAIT_0) verifier::lock_released(Object);
    if (status == STATUS_MUTANT_LIMIT_EXCEEDED) ExRaiseStatus(status);
    return status;
}

NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray) {
    // NT would write to the caller's blocks; ours are on the stack, but a driver must not get away with too few.
    const ULONG limit = WaitBlockArray != nullptr ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;
    if (Count > limit) KeBugCheckEx(0x0C, 0, 0, 0, 0);
    const auto headers = reinterpret_cast<DISPATCHER_HEADER* const*>(Object);
    const NTSTATUS status = wait({headers, Count}, WaitType, Alertable != FALSE, Timeout, WaitMode);
    if (status == STATUS_MUTANT_LIMIT_EXCEEDED) ExRaiseStatus(status);
    return status;
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval) {
    return delay(Alertable != FALSE, Interval, WaitMode);
}

}  // extern "C"
