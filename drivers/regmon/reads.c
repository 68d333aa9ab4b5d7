/* READ requests: the batches that answer them, those that wait, and who wakes them. */
#include "regmon.h"

#define READY_BYTES 65536 /* a READ finding this much does not wait for more */

static IO_WORKITEM_ROUTINE FlushWorker;
static KDEFERRED_ROUTINE FlushTick;

static IO_CSQ g_Queue; /* requests that wait, oldest first */
static LIST_ENTRY g_Reads;
static KSPIN_LOCK g_ReadsLock;
static KTIMER g_Timer;
static KDPC g_Dpc;
static PIO_WORKITEM g_WorkItem;
static volatile LONG g_WorkQueued;
static IO_REMOVE_LOCK g_WorkLock; /* held while the work item is queued or runs */

NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information) {
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- who wakes the consumer ---- */

static VOID QueueFlush(VOID) {
    if (InterlockedExchange(&g_WorkQueued, 1) != 0) return; /* queued already: it will see what we have */
    if (!NT_SUCCESS(IoAcquireRemoveLock(&g_WorkLock, NULL))) return;
    InterlockedIncrement64(&g_Session.WakeUps);
    IoQueueWorkItem(g_WorkItem, FlushWorker, DelayedWorkQueue, NULL);
}

VOID WakeConsumer(void) {
    BOOLEAN waiting;
    KIRQL irql;

    KeAcquireSpinLock(&g_ReadsLock, &irql);
    waiting = (BOOLEAN)!IsListEmpty(&g_Reads);
    KeReleaseSpinLock(&g_ReadsLock, irql);
    if (waiting) QueueFlush(); /* nobody waits: the next READ finds the records */
}

static VOID NTAPI FlushTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    QueueFlush();
}

static VOID ArmTimer(ULONG Milliseconds) {
    LARGE_INTEGER due;

    due.QuadPart = -(LONGLONG)(Milliseconds == 0 ? 1 : Milliseconds) * 10000;
    KeSetTimer(&g_Timer, due, &g_Dpc);
}

/* ---- batches ---- */

static ULONG PendingBytes(VOID) {
    ULONG bytes = RingUsed(NamesRing());
    ULONG i;

    for (i = 0; i < g_Session.RingCount; i++) bytes += RingUsed(&g_Session.Rings[i]);
    return bytes;
}

/* The gap at the end of a ring that stopped before another record could say it. Only when nobody produces. */
static VOID DrainGap(PRING Ring, PUCHAR Buffer, ULONG Length, PULONG Used, PULONG Records) {
    PREGMON_GAP gap = (PREGMON_GAP)(Buffer + *Used);

    if (Ring->GapCount == 0 || Length - *Used < sizeof(*gap)) return;
    RingTellGap(Ring, gap);
    *Used += sizeof(*gap);
    (*Records)++;
}

/* Definitions go first. An event's definition was in its ring before the event was in its own, so the ends of the event
   rings are noted before the definitions are read. REQUIRES: g_Session.Lock. */
static ULONG FillBatch(PUCHAR Buffer, ULONG Length, PULONG Records) {
    LONG64 ends[MAXIMUM_RINGS];
    PREGMON_BATCH batch = (PREGMON_BATCH)Buffer;
    ULONG used = sizeof(*batch);
    BOOLEAN all;
    ULONG i;

    RtlZeroMemory(batch, sizeof(*batch));
    *Records = 0;
    for (i = 0; i < g_Session.RingCount; i++) ends[i] = LoadAcquire64(&g_Session.Rings[i].Tail);
    all = RingDrain(NamesRing(), LoadAcquire64(&NamesRing()->Tail), Buffer, Length, &used, Records);
    for (i = 0; i < g_Session.RingCount && all; i++) {
        PRING ring = &g_Session.Rings[i];
        all = RingDrain(ring, ends[i], Buffer, Length, &used, Records);
        if (all) WriteShared(&ring->Kicked, 0);
        if (all && !ReadShared(&g_Session.Recording)) DrainGap(ring, Buffer, Length, &used, Records);
    }
    batch->Bytes = used;
    batch->Records = *Records;
    if (!ReadShared(&g_Session.Recording)) batch->Flags |= REGMON_BATCH_STOPPED;
    if (!all) batch->Flags |= REGMON_BATCH_MORE;
    ClockDescribe(batch);
    if (*Records != 0) g_Session.Batches++;
    return used;
}

/* ---- requests ---- */

/* The time at which a waiting READ gives up, in its packet. */
static ULONGLONG Deadline(PIRP Irp) { return (ULONGLONG)(ULONG_PTR)Irp->Tail.Overlay.DriverContext[0]; }

/* Answers the request when there is something to say, or when `Now` is past its deadline; returns its final status, or
   STATUS_PENDING, and then the caller still owns it. */
static NTSTATUS TryRead(PIRP Irp, ULONGLONG Now) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    NTSTATUS status = STATUS_CANCELLED; /* the session has ended */
    ULONG records = 0;
    ULONG used = 0;

    if (buffer == NULL) return CompleteRequest(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    ExAcquireFastMutex(&g_Session.Lock);
    if (g_Session.Owner == stack->FileObject) {
        used = FillBatch(buffer, stack->Parameters.DeviceIoControl.OutputBufferLength, &records);
        status =
            records != 0 || !ReadShared(&g_Session.Recording) || Now >= Deadline(Irp) ? STATUS_SUCCESS : STATUS_PENDING;
    }
    ExReleaseFastMutex(&g_Session.Lock);
    return status == STATUS_PENDING ? status : CompleteRequest(Irp, status, used);
}

static VOID Wait(PIRP Irp) {
    IoCsqInsertIrp(&g_Queue, Irp, NULL);
    ArmTimer(g_Session.Config.FlushMilliseconds);
}

/* One run answers every READ that can be answered, and lets the timer look after the others. */
static VOID NTAPI FlushWorker(PDEVICE_OBJECT DeviceObject, PVOID Context) {
    LIST_ENTRY waiting;
    PIRP irp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    InitializeListHead(&waiting);
    InterlockedExchange(&g_WorkQueued, 0);
    while ((irp = IoCsqRemoveNextIrp(&g_Queue, NULL)) != NULL) {
        if (TryRead(irp, KeQueryInterruptTime()) == STATUS_PENDING)
            InsertTailList(&waiting, &irp->Tail.Overlay.ListEntry);
    }
    while (!IsListEmpty(&waiting)) Wait(CONTAINING_RECORD(RemoveHeadList(&waiting), IRP, Tail.Overlay.ListEntry));
    IoReleaseRemoveLock(&g_WorkLock, NULL);
}

NTSTATUS ReadsRequest(PIRP Irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PREGMON_READ read = Irp->AssociatedIrp.SystemBuffer;

    if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*read))
        return CompleteRequest(Irp, STATUS_INVALID_PARAMETER, 0);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < REGMON_READ_MINIMUM || Irp->MdlAddress == NULL)
        return CompleteRequest(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    if (ReadShared(&g_Session.Owner) != stack->FileObject) return CompleteRequest(Irp, STATUS_INVALID_DEVICE_STATE, 0);
    Irp->Tail.Overlay.DriverContext[0] =
        (PVOID)(ULONG_PTR)(KeQueryInterruptTime() + (ULONGLONG)read->WaitMilliseconds * 10000);
    if (read->WaitMilliseconds == 0 || !ReadShared(&g_Session.Recording) || PendingBytes() >= READY_BYTES) {
        Irp->Tail.Overlay.DriverContext[0] = NULL; /* its deadline has passed: answered in any case */
        return TryRead(Irp, 0);
    }
    /* The packet must not be touched once it is in the queue. */
    Wait(Irp);
    return STATUS_PENDING;
}

VOID ReadsCancel(PFILE_OBJECT File) {
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&g_Queue, File)) != NULL) CompleteRequest(irp, STATUS_CANCELLED, 0);
}

/* ---- the queue ---- */

static VOID NTAPI CsqInsert(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    InsertTailList(&g_Reads, &Irp->Tail.Overlay.ListEntry);
}
static VOID NTAPI CsqRemove(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}
static PIRP NTAPI CsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext) {
    PLIST_ENTRY entry = Irp == NULL ? g_Reads.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(Csq);
    for (; entry != &g_Reads; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == (PFILE_OBJECT)PeekContext)
            return next;
    }
    return NULL;
}
static VOID NTAPI CsqAcquire(PIO_CSQ Csq, PKIRQL Irql) {
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&g_ReadsLock, Irql);
}
static VOID NTAPI CsqRelease(PIO_CSQ Csq, KIRQL Irql) {
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&g_ReadsLock, Irql);
}
static VOID NTAPI CsqCompleteCanceled(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    CompleteRequest(Irp, STATUS_CANCELLED, 0);
}

NTSTATUS ReadsInitialize(PDEVICE_OBJECT Device) {
    InitializeListHead(&g_Reads);
    KeInitializeSpinLock(&g_ReadsLock);
    IoCsqInitialize(&g_Queue, CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease, CsqCompleteCanceled);
    KeInitializeTimer(&g_Timer);
    KeInitializeDpc(&g_Dpc, FlushTick, NULL);
    IoInitializeRemoveLock(&g_WorkLock, DRIVER_POOL_TAG, 0, 0);
    g_WorkItem = IoAllocateWorkItem(Device);
    return g_WorkItem == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

/* No READ waits any more; the timer and its worker may still be under way. */
VOID ReadsUninitialize(VOID) {
    KeCancelTimer(&g_Timer);
    KeFlushQueuedDpcs();
    if (NT_SUCCESS(IoAcquireRemoveLock(&g_WorkLock, NULL))) IoReleaseRemoveLockAndWait(&g_WorkLock, NULL);
    IoFreeWorkItem(g_WorkItem);
}
