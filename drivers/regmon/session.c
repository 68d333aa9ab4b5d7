/* The consumer's side: one session at a time, its READ requests, and who wakes them. */
#include "regmon.h"

#include <wdmsec.h>

#include "common/parameters.h"
#if defined(__GNUC__)
#include <cpuid.h>
#else
#include <intrin.h>
#endif

#define MAXIMUM_RINGS 64
#define PROBES 8          /* rings that a producer tries before it drops */
#define READY_BYTES 65536 /* a READ finding this much does not wait for more */

SESSION g_Session;

static DRIVER_DISPATCH RegmonCreate, RegmonCleanup, RegmonClose, RegmonControl;
static IO_WORKITEM_ROUTINE FlushWorker;
static KDEFERRED_ROUTINE FlushTick;

static PDEVICE_OBJECT g_Device;
static UNICODE_STRING g_Altitude;
static WCHAR g_AltitudeBuffer[64];
static PDRIVER_OBJECT g_Driver;
static FAST_MUTEX g_Lock;    /* who owns the session, and the consumer's side of all rings */
static PFILE_OBJECT g_Owner; /* of the session; NULL: none */
static volatile LONG g_Opens;
static ULONGLONG g_Batches;
static volatile LONG64 g_WakeUps;

/* READ requests that wait, oldest first. */
static IO_CSQ g_Queue;
static LIST_ENTRY g_Reads;
static KSPIN_LOCK g_ReadsLock;
static KTIMER g_Timer;
static KDPC g_Dpc;
static PIO_WORKITEM g_WorkItem;
static volatile LONG g_WorkQueued;
static IO_REMOVE_LOCK g_WorkLock; /* held while the work item is queued or runs */

/* ---- raw time ---- */

static BOOLEAN g_UseTsc;
static ULONGLONG g_RawBase;
static LARGE_INTEGER g_CounterBase;
static LARGE_INTEGER g_TimeBase;

ULONGLONG RawNow(VOID) {
    if (g_UseTsc) return ReadTimeStampCounter();
    return (ULONGLONG)KeQueryPerformanceCounter(NULL).QuadPart;
}

static BOOLEAN TscIsInvariant(void) {
#if defined(__GNUC__)
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 0x100) != 0;
#else
    int registers[4];
    __cpuid(registers, 0x80000000);
    if ((ULONG)registers[0] < 0x80000007) return FALSE;
    __cpuid(registers, 0x80000007);
    return (registers[3] & 0x100) != 0;
#endif
}

static VOID InitializeTime(VOID) {
    g_UseTsc = TscIsInvariant();
    KeQuerySystemTime(&g_TimeBase);
    g_CounterBase = KeQueryPerformanceCounter(NULL);
    g_RawBase = RawNow();
}

/* Raw ticks a second: the raw clock against the performance counter since the driver was loaded. */
static ULONGLONG RawFrequency(VOID) {
    LARGE_INTEGER frequency;
    LARGE_INTEGER counter = KeQueryPerformanceCounter(&frequency);
    ULONGLONG ticks = RawNow() - g_RawBase;
    ULONGLONG elapsed = (ULONGLONG)(counter.QuadPart - g_CounterBase.QuadPart);

    if (!g_UseTsc || elapsed == 0) return (ULONGLONG)frequency.QuadPart;
    /* In two steps: ticks times frequency does not fit in 64 bits. */
    return ticks / elapsed * (ULONGLONG)frequency.QuadPart +
           ticks % elapsed * ((ULONGLONG)frequency.QuadPart / 1000) / elapsed * 1000;
}

/* ---- the producers' side ---- */

PRING AcquireRing(VOID) {
    ULONG start = (HandleToULong(PsGetCurrentThreadId()) >> 2) * 0x9E3779B1u >> 16;
    ULONG i;

    for (i = 0; i < PROBES; i++) {
        PRING ring = &g_Session.Rings[(start + i) % g_Session.RingCount];
        if (ReadShared(&ring->Busy) == 0 && InterlockedCompareExchange(&ring->Busy, 1, 0) == 0) return ring;
    }
    return NULL;
}

VOID ReleaseRing(PRING Ring) { StoreRelease32(&Ring->Busy, 0); }

static VOID QueueFlush(VOID) {
    if (InterlockedExchange(&g_WorkQueued, 1) != 0) return; /* queued already: it will see what we have */
    if (!NT_SUCCESS(IoAcquireRemoveLock(&g_WorkLock, NULL))) return;
    InterlockedIncrement64(&g_WakeUps);
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
    RtlZeroMemory(gap, sizeof(*gap));
    gap->Header.Size = sizeof(*gap);
    gap->Header.Kind = REGMON_KIND_GAP;
    gap->Header.Operation = Ring->GapReason;
    gap->Time = Ring->GapTime;
    gap->Count = Ring->GapCount;
    gap->Ring = Ring->Index;
    Ring->GapCount = 0;
    *Used += sizeof(*gap);
    (*Records)++;
}

/* Definitions go first. An event's definition was in its ring before the event was in its own, so the ends of the event
   rings are noted before the definitions are read. REQUIRES: g_Lock. */
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
    batch->RawFrequency = RawFrequency();
    batch->RawBase = g_RawBase;
    batch->TimeBase = g_TimeBase.QuadPart;
    if (*Records != 0) g_Batches++;
    return used;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information) {
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

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

    if (buffer == NULL) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    ExAcquireFastMutex(&g_Lock);
    if (g_Owner == stack->FileObject) {
        used = FillBatch(buffer, stack->Parameters.DeviceIoControl.OutputBufferLength, &records);
        status =
            records != 0 || !ReadShared(&g_Session.Recording) || Now >= Deadline(Irp) ? STATUS_SUCCESS : STATUS_PENDING;
    }
    ExReleaseFastMutex(&g_Lock);
    return status == STATUS_PENDING ? status : Complete(Irp, status, used);
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

/* ---- the session ---- */

static ULONG CallerId(VOID) { return HandleToULong(PsGetCurrentProcessId()); }

static NTSTATUS Start(PFILE_OBJECT File) {
    NTSTATUS status;
    ULONG i;

    if (g_Owner != NULL && (g_Owner != File || ReadShared(&g_Session.Recording))) return STATUS_DEVICE_BUSY;
    for (i = 0; i < g_Session.RingCount; i++) RingReset(&g_Session.Rings[i]);
    NamesReset();
    g_Session.Excluded = g_Session.BusyDrops = 0;
    g_Batches = 0;
    WriteShared(&g_WakeUps, 0);
    g_Session.ExcludedProcessId = (g_Session.Config.Flags & REGMON_CONFIG_INCLUDE_SELF) != 0 ? 0 : CallerId();
    status = CmRegisterCallbackEx(RegmonCallback, &g_Altitude, g_Driver, NULL, &g_Session.Cookie, NULL);
    if (!NT_SUCCESS(status)) return status;
    WriteShared(&g_Owner, File);
    InterlockedExchange(&g_Session.Recording, 1); /* the cookie is there: the callback may use it */
    return STATUS_SUCCESS;
}

/* After this no callout runs and none will. */
static VOID Stop(VOID) {
    if (!ReadShared(&g_Session.Recording)) return;
    InterlockedExchange(&g_Session.Recording, 0);
    CmUnRegisterCallback(g_Session.Cookie);
}

/* What the consumer leaves unread is dropped, by name. */
static VOID EndSession(VOID) {
    ULONG i;

    Stop();
    for (i = 0; i < g_Session.RingCount; i++) {
        PRING ring = &g_Session.Rings[i];
        ULONGLONG answered = ring->Delivered;
        ULONG reason;
        for (reason = 0; reason < REGMON_DROP_REASONS; reason++) answered += ring->Dropped[reason];
        ring->Dropped[REGMON_DROP_CLOSED] += ring->Produced - answered;
        ring->Head = ring->Tail;
    }
    WriteShared(&g_Owner, NULL);
}

static NTSTATUS Configure(PFILE_OBJECT File, PREGMON_CONFIG Config, ULONG Length) {
    if (Length < sizeof(*Config)) return STATUS_INVALID_PARAMETER;
    if (ReadShared(&g_Session.Recording) || (g_Owner != NULL && g_Owner != File)) return STATUS_DEVICE_BUSY;
    if (Config->DataBytes > REGMON_DATA_MAXIMUM) return STATUS_INVALID_PARAMETER;
    if ((Config->Flags & ~(ULONG)REGMON_CONFIG_INCLUDE_SELF) != 0) return STATUS_INVALID_PARAMETER;
    g_Session.Config = *Config;
    if (g_Session.Config.FlushMilliseconds == 0) g_Session.Config.FlushMilliseconds = 1;
    return STATUS_SUCCESS;
}

static NTSTATUS QueryStats(PREGMON_STATS Stats, ULONG Length, PULONG_PTR Information) {
    ULONGLONG answered = 0;
    ULONG i, reason;

    if (Length < sizeof(*Stats)) return STATUS_BUFFER_TOO_SMALL;
    RtlZeroMemory(Stats, sizeof(*Stats));
    /* What was answered is read before what was produced, so that Pending is never negative while events arrive. */
    for (i = 0; i < g_Session.RingCount; i++) {
        Stats->Delivered += g_Session.Rings[i].Delivered;
        for (reason = 0; reason < REGMON_DROP_REASONS; reason++)
            Stats->Dropped[reason] += ReadShared(&g_Session.Rings[i].Dropped[reason]);
    }
    Stats->Dropped[REGMON_DROP_RING_BUSY] += (ULONGLONG)ReadShared(&g_Session.BusyDrops);
    for (reason = 0; reason < REGMON_DROP_REASONS; reason++) answered += Stats->Dropped[reason];
    answered += Stats->Delivered;
    Stats->Produced = Stats->Dropped[REGMON_DROP_RING_BUSY];
    for (i = 0; i < g_Session.RingCount; i++) Stats->Produced += ReadShared(&g_Session.Rings[i].Produced);
    Stats->Pending = Stats->Produced > answered ? Stats->Produced - answered : 0;
    Stats->Excluded = (ULONGLONG)ReadShared(&g_Session.Excluded);
    Stats->Batches = g_Batches;
    Stats->WakeUps = (ULONGLONG)ReadShared(&g_WakeUps);
    Stats->Rings = g_Session.RingCount;
    Stats->RingBytes = g_Session.Rings[0].Size;
    Stats->Recording = (ULONG)ReadShared(&g_Session.Recording);
    Stats->Consumers = (ULONG)ReadShared(&g_Opens);
    *Information = sizeof(*Stats);
    return STATUS_SUCCESS;
}

static NTSTATUS Read(PIRP Irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PREGMON_READ read = Irp->AssociatedIrp.SystemBuffer;

    if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*read))
        return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < REGMON_READ_MINIMUM || Irp->MdlAddress == NULL)
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    if (ReadShared(&g_Owner) != stack->FileObject) return Complete(Irp, STATUS_INVALID_DEVICE_STATE, 0);
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

static NTSTATUS NTAPI RegmonControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_REGMON_READ) return Read(Irp);
    ExAcquireFastMutex(&g_Lock);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
        case IOCTL_REGMON_CONFIGURE:
            status = Configure(stack->FileObject, buffer, stack->Parameters.DeviceIoControl.InputBufferLength);
            break;
        case IOCTL_REGMON_START:
            status = Start(stack->FileObject);
            break;
        case IOCTL_REGMON_STOP:
            if (g_Owner != stack->FileObject)
                status = STATUS_INVALID_DEVICE_STATE;
            else
                Stop();
            break;
        case IOCTL_REGMON_QUERY_STATS:
            status = QueryStats(buffer, stack->Parameters.DeviceIoControl.OutputBufferLength, &information);
            break;
        default:
            status = STATUS_INVALID_DEVICE_REQUEST;
            break;
    }
    ExReleaseFastMutex(&g_Lock);
    if (!ReadShared(&g_Session.Recording)) WakeConsumer(); /* a READ that waits for more hears that there is no more */
    return Complete(Irp, status, information);
}

static NTSTATUS NTAPI RegmonCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedIncrement(&g_Opens);
    return Complete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS NTAPI RegmonCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP read;

    UNREFERENCED_PARAMETER(DeviceObject);
    ExAcquireFastMutex(&g_Lock);
    if (g_Owner == file) EndSession();
    ExReleaseFastMutex(&g_Lock);
    while ((read = IoCsqRemoveNextIrp(&g_Queue, file)) != NULL) Complete(read, STATUS_CANCELLED, 0);
    InterlockedDecrement(&g_Opens);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI RegmonClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- the queue of READ requests ---- */

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
    Complete(Irp, STATUS_CANCELLED, 0);
}

/* ---- life ---- */

static ULONG PowerOfTwo(ULONG Value) {
    ULONG power = 65536;
    while (power < Value && power < 0x10000000) power <<= 1;
    return power;
}

static NTSTATUS MakeRings(PUNICODE_STRING RegistryPath) {
    ULONG count = ReadDwordParameter(RegistryPath, L"Rings", 16);
    ULONG size = PowerOfTwo(ReadDwordParameter(RegistryPath, L"RingKilobytes", 4096) * 1024);
    ULONG i;

    g_Session.RingCount = count == 0 ? 1 : count > MAXIMUM_RINGS ? MAXIMUM_RINGS : count;
    g_Session.Rings = ExAllocatePoolWithTag(NonPagedPool, g_Session.RingCount * sizeof(RING), DRIVER_POOL_TAG);
    if (g_Session.Rings == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(g_Session.Rings, g_Session.RingCount * sizeof(RING));
    for (i = 0; i < g_Session.RingCount; i++) {
        if (!NT_SUCCESS(RingInitialize(&g_Session.Rings[i], size, (USHORT)i))) return STATUS_INSUFFICIENT_RESOURCES;
    }
    return NamesInitialize(size);
}

static VOID FreeRings(VOID) {
    ULONG i;

    for (i = 0; g_Session.Rings != NULL && i < g_Session.RingCount; i++) RingUninitialize(&g_Session.Rings[i]);
    if (g_Session.Rings != NULL) ExFreePoolWithTag(g_Session.Rings, DRIVER_POOL_TAG);
    g_Session.Rings = NULL;
    NamesUninitialize();
}

static NTSTATUS MakeDevice(PDRIVER_OBJECT DriverObject) {
    static UNICODE_STRING name = RTL_CONSTANT_STRING(REGMON_DEVICE_NAME);
    static UNICODE_STRING link = RTL_CONSTANT_STRING(REGMON_LINK_NAME);
    /* What is read here is everybody's business: for the system and administrators only. */
    static UNICODE_STRING sddl = RTL_CONSTANT_STRING(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    NTSTATUS status = IoCreateDeviceSecure(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                           &sddl, NULL, &g_Device);

    if (!NT_SUCCESS(status)) return status;
    g_WorkItem = IoAllocateWorkItem(g_Device);
    status = g_WorkItem == NULL ? STATUS_INSUFFICIENT_RESOURCES : IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        if (g_WorkItem != NULL) IoFreeWorkItem(g_WorkItem);
        IoDeleteDevice(g_Device);
    }
    return status;
}

static VOID ReadAltitude(PUNICODE_STRING RegistryPath) {
    g_Altitude.Buffer = g_AltitudeBuffer;
    g_Altitude.Length = 0;
    g_Altitude.MaximumLength = sizeof(g_AltitudeBuffer);
    if (!NT_SUCCESS(ReadStringParameter(RegistryPath, L"Altitude", &g_Altitude)) || g_Altitude.Length == 0)
        RtlInitUnicodeString(&g_Altitude, REGMON_DEFAULT_ALTITUDE);
}

NTSTATUS SessionInitialize(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status;

    g_Driver = DriverObject;
    ExInitializeFastMutex(&g_Lock);
    InitializeListHead(&g_Reads);
    KeInitializeSpinLock(&g_ReadsLock);
    IoCsqInitialize(&g_Queue, CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease, CsqCompleteCanceled);
    KeInitializeTimer(&g_Timer);
    KeInitializeDpc(&g_Dpc, FlushTick, NULL);
    IoInitializeRemoveLock(&g_WorkLock, DRIVER_POOL_TAG, 0, 0);
    g_Session.Config.OperationMask = ~0ull;
    g_Session.Config.DataBytes = REGMON_DATA_DEFAULT;
    g_Session.Config.FlushMilliseconds = 20;
    ReadAltitude(RegistryPath);
    InitializeTime();
    status = MakeRings(RegistryPath);
    if (NT_SUCCESS(status)) status = MakeDevice(DriverObject);
    if (!NT_SUCCESS(status)) {
        FreeRings();
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = RegmonCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = RegmonCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RegmonClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = RegmonControl;
    g_Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

/* No handle is open any more, so no session is, and no READ waits; only the timer and its worker may still be under
 * way. */
VOID SessionUninitialize(PDRIVER_OBJECT DriverObject) {
    static UNICODE_STRING link = RTL_CONSTANT_STRING(REGMON_LINK_NAME);

    UNREFERENCED_PARAMETER(DriverObject);
    KeCancelTimer(&g_Timer);
    KeFlushQueuedDpcs();
    if (NT_SUCCESS(IoAcquireRemoveLock(&g_WorkLock, NULL))) IoReleaseRemoveLockAndWait(&g_WorkLock, NULL);
    IoFreeWorkItem(g_WorkItem);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(g_Device);
    FreeRings();
}
