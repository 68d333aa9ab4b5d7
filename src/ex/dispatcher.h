// Dispatcher objects and waits: one implementation for Ke* and for the NtWait* services. An object is its
// DISPATCHER_HEADER; the type byte says what a satisfied wait does to it.
#pragma once

#include <span>

#include "ex/thread_state.h"
#include "wdk/wdm.h"

namespace regent::ex {

// Waits for one (WaitAny) or all of the objects. Timeout in NT's form: null forever, negative relative, else absolute.
// Returns STATUS_WAIT_0+i, STATUS_ABANDONED_WAIT_0+i, STATUS_TIMEOUT; STATUS_ALERTED and STATUS_USER_APC
// only when alertable (the caller delivers);
// STATUS_THREAD_IS_TERMINATING when `mode` is UserMode and interrupt() was called for the thread.
// ERRORS, in this order: INVALID_PARAMETER (no object or more than 64), INVALID_PARAMETER_MIX (WaitAll with the same
// object twice), MUTANT_LIMIT_EXCEEDED.
NTSTATUS wait(std::span<DISPATCHER_HEADER* const> objects, WAIT_TYPE type, bool alertable, const LARGE_INTEGER* timeout,
              KPROCESSOR_MODE mode = KernelMode);
NTSTATUS wait(DISPATCHER_HEADER& object, const LARGE_INTEGER* timeout = nullptr);
// Sleeps; STATUS_SUCCESS, or what breaks a wait.
NTSTATUS delay(bool alertable, const LARGE_INTEGER* interval, KPROCESSOR_MODE mode = KernelMode);

// Breaks the thread's current alertable wait, or its next one.
void alert(ThreadState& thread);
// Breaks every UserMode wait of the thread, now and later: its client is gone.
void interrupt(ThreadState& thread);

// For objects that end once: threads, processes. initialize gives the not-signaled state.
void initialize_header(DISPATCHER_HEADER& header, KOBJECTS type, bool signaled);
void signal(DISPATCHER_HEADER& header);
bool is_signaled(const DISPATCHER_HEADER& header);

// STATUS_MUTANT_NOT_OWNED, or the previous state through `previous`.
NTSTATUS release_mutant(KMUTANT& mutant, LONG* previous);
// Of a mutant that goes away: whoever holds it holds it no more. Nobody waits for it.
void discard_mutant(KMUTANT& mutant);
// STATUS_SEMAPHORE_LIMIT_EXCEEDED, or the previous count.
NTSTATUS release_semaphore(KSEMAPHORE& semaphore, LONG adjustment, LONG* previous);

}  // namespace regent::ex
