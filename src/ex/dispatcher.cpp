#include "ex/dispatcher_impl.h"

#include "ex/futex.h"

namespace regent::ex {

DispatcherLock& dispatcher_lock() {
    static DispatcherLock* lock = new DispatcherLock;  // outlives every thread
    return *lock;
}

ReleaseList::~ReleaseList() {
    while (first_ != nullptr) {
        // Once `woken` is set the waiter and its stack may be gone; only the thread's word is touched after that.
        std::atomic<std::uint32_t>& woken = first_->thread->woken;
        first_ = first_->next_released;
        woken.store(1, std::memory_order_release);
        futex_wake(&woken, 1);
    }
}

// Reads the word as a whole, as KeSetEvent's compare-and-swap writes it: the one orders what follows after the other.
LONG state_of(const DISPATCHER_HEADER& header) {
    const auto* word = reinterpret_cast<const std::uint64_t*>(&header);
    return static_cast<LONG>(__atomic_load_n(word, __ATOMIC_ACQUIRE) >> 32);
}

void set_state_locked(DISPATCHER_HEADER& header, LONG state) {
    __atomic_store_n(&header.SignalState, state, __ATOMIC_SEQ_CST);
}

void set_waiters_bit(DISPATCHER_HEADER& header) { __atomic_store_n(&header.Inserted, 1, __ATOMIC_SEQ_CST); }

void initialize_header(DISPATCHER_HEADER& header, KOBJECTS type, bool signaled) {
    header.Lock = 0;
    header.Type = static_cast<UCHAR>(type);
    header.Size = sizeof(DISPATCHER_HEADER) / sizeof(ULONG);
    header.SignalState = signaled ? 1 : 0;
    InitializeListHead(&header.WaitListHead);
}

bool ready_locked(const DISPATCHER_HEADER& header, const ThreadState& thread) {
    if (state_of(header) > 0) return true;
    if (type_of(header) != MutantObject) return false;
    const auto& mutant = reinterpret_cast<const KMUTANT&>(header);
    return mutant.OwnerThread == reinterpret_cast<const _KTHREAD*>(&thread);
}

namespace {

NTSTATUS consume_mutant_locked(KMUTANT& mutant, ThreadState& thread) {
    const LONG state = state_of(mutant.Header) - 1;
    set_state_locked(mutant.Header, state);
    if (state != 0) return STATUS_WAIT_0;  // one more level for its owner
    mutant.OwnerThread = reinterpret_cast<_KTHREAD*>(&thread);
    InsertTailList(&thread.mutants, &mutant.MutantListEntry);
    thread.critical_regions += mutant.ApcDisable;
    if (!mutant.Abandoned) return STATUS_WAIT_0;
    mutant.Abandoned = FALSE;
    return STATUS_ABANDONED_WAIT_0;
}

bool all_ready_locked(const Waiter& waiter) {
    for (const WaitBlock& block : waiter.blocks) {
        if (!ready_locked(*block.object, *waiter.thread)) return false;
    }
    return true;
}

// Whether the wait can end now, and with what. Consumes the objects when it can.
bool try_satisfy_locked(Waiter& waiter, std::size_t index, ReleaseList& released) {
    if (waiter.type == WaitAny) {
        const NTSTATUS base = consume_locked(*waiter.blocks[index].object, *waiter.thread);
        satisfy_locked(waiter, base + static_cast<NTSTATUS>(index), released);
        return true;
    }
    if (!all_ready_locked(waiter)) return false;
    NTSTATUS result = STATUS_WAIT_0;
    for (WaitBlock& block : waiter.blocks) {
        if (consume_locked(*block.object, *waiter.thread) == STATUS_ABANDONED_WAIT_0) result = STATUS_ABANDONED_WAIT_0;
    }
    satisfy_locked(waiter, result, released);
    return true;
}

}  // namespace

NTSTATUS consume_locked(DISPATCHER_HEADER& header, ThreadState& thread) {
    switch (type_of(header)) {
        case EventSynchronizationObject:
        case TimerSynchronizationObject:
            set_state_locked(header, 0);
            return STATUS_WAIT_0;
        case SemaphoreObject:
            set_state_locked(header, state_of(header) - 1);
            return STATUS_WAIT_0;
        case MutantObject:
            return consume_mutant_locked(reinterpret_cast<KMUTANT&>(header), thread);
        default:  // notification events and timers, threads, processes stay as they are
            return STATUS_WAIT_0;
    }
}

void unlink_locked(Waiter& waiter) {
    for (WaitBlock& block : waiter.blocks) {
        if (!block.linked) continue;
        block.linked = false;
        DISPATCHER_HEADER& object = *block.object;
        if (RemoveEntryList(&block.entry)) __atomic_store_n(&object.Inserted, 0, __ATOMIC_SEQ_CST);
    }
}

void satisfy_locked(Waiter& waiter, NTSTATUS result, ReleaseList& released) {
    waiter.result = result;
    waiter.satisfied = true;
    waiter.thread->waiter = nullptr;
    unlink_locked(waiter);
    released.add(waiter);
}

void deliver_locked(DISPATCHER_HEADER& header, ReleaseList& released) {
    PLIST_ENTRY entry = header.WaitListHead.Flink;
    while (entry != &header.WaitListHead) {
        WaitBlock& block = *CONTAINING_RECORD(entry, WaitBlock, entry);
        Waiter& waiter = *block.waiter;
        if (!ready_locked(header, *waiter.thread)) return;
        const bool satisfied =
            try_satisfy_locked(waiter, static_cast<std::size_t>(&block - waiter.blocks.data()), released);
        // A satisfied waiter may have had several blocks here: start again.
        entry = satisfied ? header.WaitListHead.Flink : entry->Flink;
    }
}

void signal(DISPATCHER_HEADER& header) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    set_state_locked(header, 1);
    deliver_locked(header, released);
}

bool is_signaled(const DISPATCHER_HEADER& header) { return state_of(header) > 0; }

}  // namespace regent::ex
