/* The device: one session at a time, its rings, and who may ask for what. */
#include "regmon.h"

#include <wdmsec.h>

#include "common/parameters.h"

#define PROBES 8 /* rings that a producer tries before it drops */

SESSION g_Session;

static DRIVER_DISPATCH RegmonCreate, RegmonCleanup, RegmonClose, RegmonControl;

static PDEVICE_OBJECT g_Device;
static UNICODE_STRING g_Altitude;
static WCHAR g_AltitudeBuffer[64];
static PDRIVER_OBJECT g_Driver;
static volatile LONG g_Opens;

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

/* ---- the session ---- */

static ULONG CallerId(VOID) { return HandleToULong(PsGetCurrentProcessId()); }

static NTSTATUS Start(PFILE_OBJECT File) {
    NTSTATUS status;
    ULONG i;

    if (g_Session.Owner != NULL && (g_Session.Owner != File || ReadShared(&g_Session.Recording)))
        return STATUS_DEVICE_BUSY;
    for (i = 0; i < g_Session.RingCount; i++) RingReset(&g_Session.Rings[i]);
    NamesReset();
    g_Session.Excluded = g_Session.BusyDrops = 0;
    g_Session.Batches = 0;
    WriteShared(&g_Session.WakeUps, 0);
    g_Session.ExcludedProcessId = (g_Session.Config.Flags & REGMON_CONFIG_INCLUDE_SELF) != 0 ? 0 : CallerId();
    status = CmRegisterCallbackEx(RegmonCallback, &g_Altitude, g_Driver, NULL, &g_Session.Cookie, NULL);
    if (!NT_SUCCESS(status)) return status;
    WriteShared(&g_Session.Owner, File);
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
    WriteShared(&g_Session.Owner, NULL);
}

static NTSTATUS Configure(PFILE_OBJECT File, PREGMON_CONFIG Config, ULONG Length) {
    if (Length < sizeof(*Config)) return STATUS_INVALID_PARAMETER;
    if (ReadShared(&g_Session.Recording) || (g_Session.Owner != NULL && g_Session.Owner != File))
        return STATUS_DEVICE_BUSY;
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
    Stats->Batches = g_Session.Batches;
    Stats->WakeUps = (ULONGLONG)ReadShared(&g_Session.WakeUps);
    Stats->Rings = g_Session.RingCount;
    Stats->RingBytes = g_Session.Rings[0].Size;
    Stats->Recording = (ULONG)ReadShared(&g_Session.Recording);
    Stats->Consumers = (ULONG)ReadShared(&g_Opens);
    *Information = sizeof(*Stats);
    return STATUS_SUCCESS;
}

/* ---- the device ---- */

static NTSTATUS NTAPI RegmonControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_REGMON_READ) return ReadsRequest(Irp);
    ExAcquireFastMutex(&g_Session.Lock);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
        case IOCTL_REGMON_CONFIGURE:
            status = Configure(stack->FileObject, buffer, stack->Parameters.DeviceIoControl.InputBufferLength);
            break;
        case IOCTL_REGMON_START:
            status = Start(stack->FileObject);
            break;
        case IOCTL_REGMON_STOP:
            if (g_Session.Owner != stack->FileObject)
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
    ExReleaseFastMutex(&g_Session.Lock);
    if (!ReadShared(&g_Session.Recording)) WakeConsumer(); /* a READ that waits for more hears that there is no more */
    return CompleteRequest(Irp, status, information);
}

static NTSTATUS NTAPI RegmonCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedIncrement(&g_Opens);
    return CompleteRequest(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS NTAPI RegmonCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    UNREFERENCED_PARAMETER(DeviceObject);
    ExAcquireFastMutex(&g_Session.Lock);
    if (g_Session.Owner == file) EndSession();
    ExReleaseFastMutex(&g_Session.Lock);
    ReadsCancel(file);
    InterlockedDecrement(&g_Opens);
    return CompleteRequest(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI RegmonClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    UNREFERENCED_PARAMETER(DeviceObject);
    return CompleteRequest(Irp, STATUS_SUCCESS, 0);
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
    status = ReadsInitialize(g_Device);
    if (NT_SUCCESS(status)) {
        status = IoCreateSymbolicLink(&link, &name);
        if (!NT_SUCCESS(status)) ReadsUninitialize();
    }
    if (!NT_SUCCESS(status)) IoDeleteDevice(g_Device);
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
    ExInitializeFastMutex(&g_Session.Lock);
    g_Session.Config.OperationMask = ~0ull;
    g_Session.Config.DataBytes = REGMON_DATA_DEFAULT;
    g_Session.Config.FlushMilliseconds = 20;
    ReadAltitude(RegistryPath);
    ClockInitialize();
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

/* No handle is open any more, so no session is, and no READ waits. */
VOID SessionUninitialize(PDRIVER_OBJECT DriverObject) {
    static UNICODE_STRING link = RTL_CONSTANT_STRING(REGMON_LINK_NAME);

    UNREFERENCED_PARAMETER(DriverObject);
    ReadsUninitialize();
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(g_Device);
    FreeRings();
}
