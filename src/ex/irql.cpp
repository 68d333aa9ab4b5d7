// IRQL and regions are a thread's own numbers here; spin locks really spin, then sleep.
#include <string>
#include <utility>

#include "ex/bugcheck.h"
#include "ex/futex.h"
#include "ex/hooks.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"

using regent::ex::thread_state;
using regent::ex::ThreadState;

namespace {

// A spin lock's word: low half 0 free, 1 held, 2 held and slept for; high half the holder's thread id.
constexpr std::uint32_t lock_free = 0;
constexpr std::uint32_t lock_held = 1;
constexpr std::uint32_t lock_contended = 2;
constexpr int spins = 200;

std::uint32_t* state_of(PKSPIN_LOCK lock) { return reinterpret_cast<std::uint32_t*>(lock); }
std::uint32_t* owner_of(PKSPIN_LOCK lock) { return state_of(lock) + 1; }

bool try_lock(PKSPIN_LOCK lock) {
    std::uint32_t expected = lock_free;
    return __atomic_compare_exchange_n(state_of(lock), &expected, lock_held, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void lock_slowly(PKSPIN_LOCK lock, const ThreadState& thread) {
    if (__atomic_load_n(owner_of(lock), __ATOMIC_RELAXED) == thread.tid) {
        KeBugCheckEx(0x0F, reinterpret_cast<ULONG_PTR>(lock), 0, 0, 0);
    }
    for (int i = 0; i < spins; ++i) {
        if (__atomic_load_n(state_of(lock), __ATOMIC_RELAXED) == lock_free && try_lock(lock)) return;
        YieldProcessor();
    }
    while (__atomic_exchange_n(state_of(lock), lock_contended, __ATOMIC_ACQUIRE) != lock_free) {
        regent::ex::futex_wait(state_of(lock), lock_contended);
    }
}

constexpr const char* spin_lock = "spin lock";

void lock(PKSPIN_LOCK lock, const ThreadState& thread) {
    regent::ex::verifier::wants(lock, spin_lock);
    if (!try_lock(lock)) lock_slowly(lock, thread);
    __atomic_store_n(owner_of(lock), thread.tid, __ATOMIC_RELAXED);
}

void unlock(PKSPIN_LOCK lock) {
    regent::ex::verifier::gave_back(lock);
    __atomic_store_n(owner_of(lock), 0, __ATOMIC_RELAXED);
    const std::uint32_t state = __atomic_exchange_n(state_of(lock), lock_free, __ATOMIC_RELEASE);
    if (state == lock_contended) regent::ex::futex_wake(state_of(lock), 1);
    if (state == lock_free) KeBugCheckEx(0x10, reinterpret_cast<ULONG_PTR>(lock), 0, 0, 0);
}

KIRQL raise_to(ThreadState& thread, KIRQL irql) {
    const KIRQL old = thread.irql;
    if (irql < old) KeBugCheckEx(0xC4, 0x30, old, irql, 0);
    thread.irql = irql;
    return old;
}

void lower_to(ThreadState& thread, KIRQL irql) {
    if (irql > thread.irql) KeBugCheckEx(0xC4, 0x31, thread.irql, irql, 0);
    thread.irql = irql;
}

void leave_region(std::int32_t& count, const char* routine) {
    if (count > 0) {
        --count;
    } else {
        const regent::ex::DriverFrame* const frame = thread_state().frame;
        const void* const driver_routine = frame != nullptr ? frame->routine : nullptr;
        regent::ex::verifier::complain(regent::ex::driver_of(driver_routine),
                                       regent::ex::verifier::rules::region_not_entered,
                                       std::string(routine) + " without its enter", driver_routine);
    }
}

}  // namespace

extern "C" {

KIRQL KeGetCurrentIrql(VOID) { return thread_state().irql; }
KIRQL KfRaiseIrql(KIRQL NewIrql) { return raise_to(thread_state(), NewIrql); }
KIRQL KeRaiseIrqlToDpcLevel(VOID) { return raise_to(thread_state(), DISPATCH_LEVEL); }
VOID KeLowerIrql(KIRQL NewIrql) { lower_to(thread_state(), NewIrql); }

VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock) { __atomic_store_n(SpinLock, 0, __ATOMIC_RELEASE); }

KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) {
    ThreadState& thread = thread_state();
    const KIRQL old = raise_to(thread, DISPATCH_LEVEL);
    lock(SpinLock, thread);
    return old;
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) {
    ThreadState& thread = thread_state();
    if (thread.irql != DISPATCH_LEVEL) {
        KeBugCheckEx(0xC4, 0x32, thread.irql, reinterpret_cast<ULONG_PTR>(SpinLock), 0);
    }
    unlock(SpinLock);
    lower_to(thread, NewIrql);
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) { lock(SpinLock, thread_state()); }
VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) { unlock(SpinLock); }

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
    if (!try_lock(SpinLock)) return FALSE;
    regent::ex::verifier::took(SpinLock, spin_lock);
    __atomic_store_n(owner_of(SpinLock), thread_state().tid, __ATOMIC_RELAXED);
    return TRUE;
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    LockHandle->LockQueue.Next = nullptr;
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
    KeReleaseSpinLock(LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    LockHandle->LockQueue.Lock = SpinLock;
    KeAcquireSpinLockAtDpcLevel(SpinLock);
}

VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
    KeReleaseSpinLockFromDpcLevel(LockHandle->LockQueue.Lock);
}

VOID KeEnterCriticalRegion(VOID) { ++thread_state().critical_regions; }
VOID KeLeaveCriticalRegion(VOID) { leave_region(thread_state().critical_regions, "KeLeaveCriticalRegion"); }
VOID KeEnterGuardedRegion(VOID) { ++thread_state().guarded_regions; }
VOID KeLeaveGuardedRegion(VOID) { leave_region(thread_state().guarded_regions, "KeLeaveGuardedRegion"); }

BOOLEAN KeAreAllApcsDisabled(VOID) {
    const ThreadState& thread = thread_state();
    return thread.guarded_regions > 0 || thread.irql >= APC_LEVEL;
}

BOOLEAN KeAreApcsDisabled(VOID) { return thread_state().critical_regions > 0 || KeAreAllApcsDisabled(); }

PKTHREAD KeGetCurrentThread(VOID) {
    if (regent::ex::hooks().current_thread != nullptr) return regent::ex::hooks().current_thread();
    return reinterpret_cast<PKTHREAD>(&thread_state());
}

KPROCESSOR_MODE ExGetPreviousMode(VOID) {
    const auto mode = regent::ex::hooks().previous_mode;
    return mode != nullptr ? mode() : static_cast<KPROCESSOR_MODE>(KernelMode);
}

// The host schedules; the number is only remembered, for the calling thread.
KPRIORITY KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority) {
    if (Thread != KeGetCurrentThread()) return 8;
    return std::exchange(thread_state().priority, Priority);
}

VOID KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState) {
    memset(ApcState, 0, sizeof *ApcState);
    if (regent::ex::hooks().attach_process == nullptr) return;
    ApcState->Process = static_cast<PKPROCESS>(regent::ex::hooks().attach_process(Process));
}

VOID KeUnstackDetachProcess(PRKAPC_STATE ApcState) {
    if (regent::ex::hooks().detach_process != nullptr) regent::ex::hooks().detach_process(ApcState->Process);
}

}  // extern "C"
