// What the kernel's primitives remember about each host thread: IRQL, regions, the driver routine it is in, its wait.
#pragma once

#include <atomic>
#include <cstdint>

#include "ex/apc.h"
#include "wdk/wdm.h"

namespace regent::ex {

struct Waiter;

// One call from the host into a driver; they nest (a callback may call a service that calls another driver).
struct DriverFrame {
    const void* routine = nullptr;  // the driver's code
    const char* purpose = "";       // "DriverEntry", "registry callback"...
    DriverFrame* previous = nullptr;
};

// One per host thread, made at first use, gone at thread exit (where held mutants are abandoned).
// Fields are the thread's own except where they say otherwise.
struct ThreadState {
    ThreadState();
    ~ThreadState();
    ThreadState(const ThreadState&) = delete;
    ThreadState& operator=(const ThreadState&) = delete;

    KIRQL irql = PASSIVE_LEVEL;
    std::int32_t critical_regions = 0;
    std::int32_t guarded_regions = 0;
    KPRIORITY priority = 8;
    std::uint32_t tid = 0;
    DriverFrame* frame = nullptr;
    struct _RG_SEH_FRAME* exceptions = nullptr;  // innermost __try block of an ELF driver
    std::atomic<std::uint32_t> woken{0};         // futex word of this thread's wait
    LIST_ENTRY mutants;                          // held; guarded by the dispatcher lock
    Waiter* waiter = nullptr;                    // the wait in progress; guarded by the dispatcher lock
    bool alerted = false;                        // guarded by the dispatcher lock
    bool interrupted = false;                    // guarded by the dispatcher lock
    Ref<ApcQueue> apcs;                          // user APCs; there from first to last
};

// Of the thread's APC queue, in its first and last moment.
void enter_apc_queue(ThreadState& thread);
void leave_apc_queue(ThreadState& thread);

ThreadState& make_thread_state();
extern constinit thread_local ThreadState* thread_state_pointer __attribute__((tls_model("initial-exec")));
inline ThreadState& thread_state() {
    ThreadState* const state = thread_state_pointer;
    return state != nullptr ? *state : make_thread_state();
}

}  // namespace regent::ex
