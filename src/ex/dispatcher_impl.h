// Internals of waits and signals shared by dispatcher.cpp, wait.cpp, objects.cpp and timer.cpp.
//
// 1. Type, waiters bit (Inserted) and SignalState of a header share one aligned 64-bit word.
// 2. A waiter sets the waiters bit before it looks at the state; while the bit is set every change of state goes
//    through the dispatcher lock.
// 3. Without the bit an event is set by one compare-and-swap, which is the setter's last access to the object.
// 4. Satisfied waiters are collected and released after the lock is dropped; a waiter returns only after its release.
//    With 3 this lets a waiter free the object at once.
#pragma once

#include <array>

#include "ex/dispatcher.h"
#include "rtl/lock.h"

namespace regent::ex {

using DispatcherLock = Mutex<LockRank::dispatcher>;
DispatcherLock& dispatcher_lock();

struct WaitBlock {
    LIST_ENTRY entry;  // in DISPATCHER_HEADER.WaitListHead
    Waiter* waiter = nullptr;
    DISPATCHER_HEADER* object = nullptr;
    bool linked = false;
};

// One wait in progress; lives on the waiting thread's stack.
struct Waiter {
    ThreadState* thread = nullptr;
    std::span<WaitBlock> blocks;
    WAIT_TYPE type = WaitAny;
    KPROCESSOR_MODE mode = KernelMode;
    bool alertable = false;
    bool satisfied = false;
    NTSTATUS result = STATUS_SUCCESS;
    Waiter* next_released = nullptr;
};

// Waiters to release once the lock is dropped.
class ReleaseList {
public:
    ReleaseList() = default;
    ReleaseList(const ReleaseList&) = delete;
    ReleaseList& operator=(const ReleaseList&) = delete;
    ~ReleaseList();  // REQUIRES: the dispatcher lock is not held
    void add(Waiter& waiter) {
        waiter.next_released = first_;
        first_ = &waiter;
    }

private:
    Waiter* first_ = nullptr;
};

// All below: REQUIRES the dispatcher lock.
bool ready_locked(const DISPATCHER_HEADER& header, const ThreadState& thread);
// Does to a ready object what a satisfied wait does; WAIT_0 or ABANDONED_WAIT_0.
NTSTATUS consume_locked(DISPATCHER_HEADER& header, ThreadState& thread);
// Ends a wait with `result` and takes its blocks off the lists.
void satisfy_locked(Waiter& waiter, NTSTATUS result, ReleaseList& released);
void unlink_locked(Waiter& waiter);
// Satisfies the waiters that the object's state allows, oldest first.
void deliver_locked(DISPATCHER_HEADER& header, ReleaseList& released);
void set_state_locked(DISPATCHER_HEADER& header, LONG state);
LONG state_of(const DISPATCHER_HEADER& header);
// The type never changes, but it shares a word with what does.
inline UCHAR type_of(const DISPATCHER_HEADER& header) { return __atomic_load_n(&header.Type, __ATOMIC_RELAXED); }
// Marks the object as waited for.
void set_waiters_bit(DISPATCHER_HEADER& header);
// Gives up every mutant the thread holds: it ends.
void abandon_mutants(ThreadState& thread);

}  // namespace regent::ex
