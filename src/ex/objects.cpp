// Events, semaphores and mutants: how their state changes.
#include "ex/dispatcher_impl.h"
#include "ex/verifier.h"

namespace regent::ex {
namespace {

// Type, waiters bit and state as one word (dispatcher_impl.h, 1).
constexpr int state_shift = 32;
constexpr std::uint64_t waiters_bit = std::uint64_t{1} << 24;

std::uint64_t* header_word(DISPATCHER_HEADER& header) { return reinterpret_cast<std::uint64_t*>(&header); }

std::uint64_t with_state(std::uint64_t word, LONG state) {
    return (word & 0xffffffffu) | std::uint64_t{static_cast<ULONG>(state)} << state_shift;
}

LONG set_event_slowly(DISPATCHER_HEADER& header) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    const LONG previous = state_of(header);
    set_state_locked(header, 1);
    deliver_locked(header, released);
    return previous;
}

LONG set_event(DISPATCHER_HEADER& header) {
    std::uint64_t word = __atomic_load_n(header_word(header), __ATOMIC_ACQUIRE);
    for (;;) {
        if ((word & waiters_bit) != 0) return set_event_slowly(header);
        if (__atomic_compare_exchange_n(header_word(header), &word, with_state(word, 1), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_ACQUIRE)) {
            return static_cast<LONG>(word >> state_shift);
        }
    }
}

// Takes the mutant from the thread that holds it.
void free_mutant_locked(KMUTANT& mutant, ReleaseList& released) {
    RemoveEntryList(&mutant.MutantListEntry);
    mutant.OwnerThread = nullptr;
    set_state_locked(mutant.Header, 1);
    deliver_locked(mutant.Header, released);
}

}  // namespace

NTSTATUS release_mutant(KMUTANT& mutant, LONG* previous) {
    ThreadState& thread = thread_state();
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    if (mutant.OwnerThread != reinterpret_cast<_KTHREAD*>(&thread)) return STATUS_MUTANT_NOT_OWNED;
    const LONG state = state_of(mutant.Header);
    if (previous != nullptr) *previous = state;
    if (state + 1 < 1) {
        set_state_locked(mutant.Header, state + 1);
        return STATUS_SUCCESS;
    }
    thread.critical_regions -= mutant.ApcDisable;
    free_mutant_locked(mutant, released);
    return STATUS_SUCCESS;
}

void discard_mutant(KMUTANT& mutant) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    if (mutant.OwnerThread != nullptr) free_mutant_locked(mutant, released);
}

NTSTATUS release_semaphore(KSEMAPHORE& semaphore, LONG adjustment, LONG* previous) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    const LONG count = state_of(semaphore.Header);
    if (adjustment <= 0 || adjustment > semaphore.Limit - count) return STATUS_SEMAPHORE_LIMIT_EXCEEDED;
    if (previous != nullptr) *previous = count;
    set_state_locked(semaphore.Header, count + adjustment);
    deliver_locked(semaphore.Header, released);
    return STATUS_SUCCESS;
}

void abandon_mutants(ThreadState& thread) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    while (!IsListEmpty(&thread.mutants)) {
        KMUTANT& mutant = *CONTAINING_RECORD(thread.mutants.Flink, KMUTANT, MutantListEntry);
        mutant.Abandoned = TRUE;
        free_mutant_locked(mutant, released);
    }
}

}  // namespace regent::ex

using namespace regent::ex;
using regent::ExclusiveGuard;

extern "C" {

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
    const KOBJECTS kind = Type == NotificationEvent ? EventNotificationObject : EventSynchronizationObject;
    initialize_header(Event->Header, kind, State != FALSE);
}

LONG KeSetEvent(PRKEVENT Event, KPRIORITY, BOOLEAN) { return set_event(Event->Header); }

LONG KeResetEvent(PRKEVENT Event) { return __atomic_exchange_n(&Event->Header.SignalState, 0, __ATOMIC_SEQ_CST); }

VOID KeClearEvent(PRKEVENT Event) { KeResetEvent(Event); }

LONG KePulseEvent(PRKEVENT Event, KPRIORITY, BOOLEAN) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    const LONG previous = state_of(Event->Header);
    if (IsListEmpty(&Event->Header.WaitListHead)) {
        set_state_locked(Event->Header, 0);
        return previous;
    }
    set_state_locked(Event->Header, 1);
    deliver_locked(Event->Header, released);
    set_state_locked(Event->Header, 0);
    return previous;
}

LONG KeReadStateEvent(PRKEVENT Event) { return state_of(Event->Header); }

VOID KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
    initialize_header(Semaphore->Header, SemaphoreObject, false);
    Semaphore->Header.SignalState = Count;
    Semaphore->Limit = Limit;
}

LONG KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY, LONG Adjustment, BOOLEAN) {
    LONG previous = 0;
    const NTSTATUS status = release_semaphore(*Semaphore, Adjustment, &previous);
    if (!NT_SUCCESS(status)) ExRaiseStatus(status);
    return previous;
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore) { return state_of(Semaphore->Header); }

VOID KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner) {
    initialize_header(Mutant->Header, MutantObject, true);
    InitializeListHead(&Mutant->MutantListEntry);
    Mutant->OwnerThread = nullptr;
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = 0;
    if (InitialOwner == FALSE) return;
    ExclusiveGuard guard(dispatcher_lock());
    consume_locked(Mutant->Header, thread_state());
}

VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG) {
    KeInitializeMutant(Mutex, FALSE);
    Mutex->ApcDisable = 1;
}

LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN) {
    verifier::gave_back(Mutex);
    LONG previous = 0;
    const NTSTATUS status = release_mutant(*Mutex, &previous);
    if (!NT_SUCCESS(status)) ExRaiseStatus(status);
    return previous;
}

LONG KeReadStateMutex(PRKMUTEX Mutex) { return state_of(Mutex->Header); }

}  // extern "C"
