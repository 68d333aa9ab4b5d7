// Cancel-safe queues (IoCsq*). The driver owns list and lock; this code owns the race between a request's removal and
// its cancellation: whoever takes the cancel routine out of the packet owns the packet.
#include "io/request.h"
#include "rtl/foreign_call.h"
#include "wdk/ntddk.h"

using regent::rtl::call_routine;

namespace {

// DriverContext[3] of a queued packet: the queue, or the context the driver gave. Both start with their kind.
PVOID& slot_of(PIRP irp) { return irp->Tail.Overlay.DriverContext[3]; }

PIO_CSQ queue_of(PIRP irp) {
    auto* const context = static_cast<PIO_CSQ_IRP_CONTEXT>(slot_of(irp));
    if (context->Type != IO_TYPE_CSQ_IRP_CONTEXT) return static_cast<PIO_CSQ>(slot_of(irp));
    return context->Csq;
}

// The packet is in nobody's queue any more; a context of the driver's must not lead to it.
void disarm(PIRP irp) {
    auto* const context = static_cast<PIO_CSQ_IRP_CONTEXT>(slot_of(irp));
    if (context != nullptr && context->Type == IO_TYPE_CSQ_IRP_CONTEXT) context->Irp = nullptr;
    slot_of(irp) = nullptr;
}

VOID cancel_queued(PDEVICE_OBJECT, PIRP irp) {
    IoReleaseCancelSpinLock(irp->CancelIrql);
    PIO_CSQ csq = queue_of(irp);
    KIRQL irql;
    call_routine(csq->CsqAcquireLock, csq, &irql);
    call_routine(csq->CsqRemoveIrp, csq, irp);
    disarm(irp);
    call_routine(csq->CsqReleaseLock, csq, irql);
    call_routine(csq->CsqCompleteCanceledIrp, csq, irp);
}

NTSTATUS insert(PIO_CSQ csq, PIRP irp, PVOID insert_context) {
    if (csq->Type != IO_TYPE_CSQ_EX) {
        call_routine(csq->CsqInsertIrp, csq, irp);
        return STATUS_SUCCESS;
    }
    // The slot holds the longer kind for a queue of type EX.
    const PVOID routine = reinterpret_cast<PVOID>(csq->CsqInsertIrp);
    return call_routine(reinterpret_cast<PIO_CSQ_INSERT_IRP_EX>(routine), csq, irp, insert_context);
}

void initialize(PIO_CSQ csq, ULONG type, PVOID insert_routine, PIO_CSQ_REMOVE_IRP remove, PIO_CSQ_PEEK_NEXT_IRP peek,
                PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release, PIO_CSQ_COMPLETE_CANCELED_IRP complete) {
    *csq = IO_CSQ{
        type, reinterpret_cast<PIO_CSQ_INSERT_IRP>(insert_routine), remove, peek, acquire, release, complete, nullptr};
}

}  // namespace

extern "C" {

NTSTATUS IoCsqInitialize(PIO_CSQ csq, PIO_CSQ_INSERT_IRP insert_routine, PIO_CSQ_REMOVE_IRP remove,
                         PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                         PIO_CSQ_COMPLETE_CANCELED_IRP complete) {
    initialize(csq, IO_TYPE_CSQ, reinterpret_cast<PVOID>(insert_routine), remove, peek, acquire, release, complete);
    return STATUS_SUCCESS;
}

NTSTATUS IoCsqInitializeEx(PIO_CSQ csq, PIO_CSQ_INSERT_IRP_EX insert_routine, PIO_CSQ_REMOVE_IRP remove,
                           PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                           PIO_CSQ_COMPLETE_CANCELED_IRP complete) {
    initialize(csq, IO_TYPE_CSQ_EX, reinterpret_cast<PVOID>(insert_routine), remove, peek, acquire, release, complete);
    return STATUS_SUCCESS;
}

NTSTATUS IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context, PVOID insert_context) {
    if (context != nullptr) *context = IO_CSQ_IRP_CONTEXT{IO_TYPE_CSQ_IRP_CONTEXT, irp, csq};
    slot_of(irp) = context != nullptr ? static_cast<PVOID>(context) : csq;
    KIRQL irql;
    call_routine(csq->CsqAcquireLock, csq, &irql);
    const NTSTATUS status = insert(csq, irp, insert_context);
    if (!NT_SUCCESS(status)) {  // not inserted: the caller still owns the packet
        disarm(irp);
        call_routine(csq->CsqReleaseLock, csq, irql);
        return status;
    }
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, cancel_queued);
    // Cancelled before the routine was there: then nobody else will take it out.
    if (regent::io::is_cancelled(*irp) && IoSetCancelRoutine(irp, nullptr) != nullptr) {
        call_routine(csq->CsqRemoveIrp, csq, irp);
        disarm(irp);
        call_routine(csq->CsqReleaseLock, csq, irql);
        call_routine(csq->CsqCompleteCanceledIrp, csq, irp);
        return status;
    }
    call_routine(csq->CsqReleaseLock, csq, irql);
    return status;
}

VOID IoCsqInsertIrp(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context) {
    IoCsqInsertIrpEx(csq, irp, context, nullptr);
}

PIRP IoCsqRemoveIrp(PIO_CSQ csq, PIO_CSQ_IRP_CONTEXT context) {
    KIRQL irql;
    call_routine(csq->CsqAcquireLock, csq, &irql);
    PIRP irp = context->Irp;
    if (irp != nullptr && IoSetCancelRoutine(irp, nullptr) != nullptr) {
        call_routine(csq->CsqRemoveIrp, csq, irp);
        disarm(irp);
    } else {
        irp = nullptr;  // gone, or its cancellation has begun
    }
    call_routine(csq->CsqReleaseLock, csq, irql);
    return irp;
}

PIRP IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peek_context) {
    KIRQL irql;
    call_routine(csq->CsqAcquireLock, csq, &irql);
    PIRP irp = call_routine(csq->CsqPeekNextIrp, csq, nullptr, peek_context);
    // One whose cancellation has begun waits for our lock to leave the list; look behind it.
    while (irp != nullptr && IoSetCancelRoutine(irp, nullptr) == nullptr)
        irp = call_routine(csq->CsqPeekNextIrp, csq, irp, peek_context);
    if (irp != nullptr) {
        call_routine(csq->CsqRemoveIrp, csq, irp);
        disarm(irp);
    }
    call_routine(csq->CsqReleaseLock, csq, irql);
    return irp;
}

// ---- remove locks. `Common` stands first in both layouts (free and checked), and is all the host uses.

VOID IoInitializeRemoveLockEx(PIO_REMOVE_LOCK lock, ULONG, ULONG, ULONG, ULONG size) {
    memset(static_cast<void*>(lock), 0, size);
    lock->Common.IoCount = 1;
    KeInitializeEvent(&lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(PIO_REMOVE_LOCK lock, PVOID, PCSTR, ULONG, ULONG) {
    InterlockedIncrement(&lock->Common.IoCount);
    if (!__atomic_load_n(&lock->Common.Removed, __ATOMIC_SEQ_CST)) return STATUS_SUCCESS;
    if (InterlockedDecrement(&lock->Common.IoCount) == 0) KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_DELETE_PENDING;
}

VOID IoReleaseRemoveLockEx(PIO_REMOVE_LOCK lock, PVOID, ULONG) {
    if (InterlockedDecrement(&lock->Common.IoCount) == 0) KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

// The caller holds the lock once: that, and the count it was made with, are given back here.
VOID IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK lock, PVOID, ULONG) {
    __atomic_store_n(&lock->Common.Removed, TRUE, __ATOMIC_SEQ_CST);
    InterlockedDecrement(&lock->Common.IoCount);
    if (InterlockedDecrement(&lock->Common.IoCount) > 0)
        KeWaitForSingleObject(&lock->Common.RemoveEvent, Executive, KernelMode, FALSE, nullptr);
}

}  // extern "C"
