#include "cancel_device.h"

#include "parameters.h"

/* One per open handle. The remove lock lets cleanup wait for the reads that other threads are just queuing: after it,
   no request of this file can enter the queue any more. */
typedef struct _FILE_CONTEXT {
    IO_REMOVE_LOCK Lock;
} FILE_CONTEXT, *PFILE_CONTEXT;

static DRIVER_DISPATCH CancelCreate, CancelClose, CancelCleanup, CancelRead, CancelDeviceControl;
static KDEFERRED_ROUTINE CancelTick;

static PCANCEL_EXTENSION g_Extension; /* of the driver's only device */

/* ---- the queue ---- */

static VOID NTAPI CsqInsert(PIO_CSQ Csq, PIRP Irp) {
    PCANCEL_EXTENSION extension = CONTAINING_RECORD(Csq, CANCEL_EXTENSION, Queue);
    InsertTailList(&extension->PendingReads, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI CsqRemove(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The first request behind `Irp` (NULL: from the head) that belongs to the file `PeekContext` (NULL: any). */
static PIRP NTAPI CsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext) {
    PCANCEL_EXTENSION extension = CONTAINING_RECORD(Csq, CANCEL_EXTENSION, Queue);
    PLIST_ENTRY head = &extension->PendingReads;
    PLIST_ENTRY entry = Irp == NULL ? head->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; entry != head; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == (PFILE_OBJECT)PeekContext)
            return next;
    }
    return NULL;
}

static VOID NTAPI CsqAcquire(PIO_CSQ Csq, PKIRQL Irql) {
    PCANCEL_EXTENSION extension = CONTAINING_RECORD(Csq, CANCEL_EXTENSION, Queue);
    KeAcquireSpinLock(&extension->QueueLock, Irql);
}

static VOID NTAPI CsqRelease(PIO_CSQ Csq, KIRQL Irql) {
    PCANCEL_EXTENSION extension = CONTAINING_RECORD(Csq, CANCEL_EXTENSION, Queue);
    KeReleaseSpinLock(&extension->QueueLock, Irql);
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information) {
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI CsqCompleteCanceled(PIO_CSQ Csq, PIRP Irp) {
    PCANCEL_EXTENSION extension = CONTAINING_RECORD(Csq, CANCEL_EXTENSION, Queue);
    InterlockedIncrement(&extension->ReadsCancelled);
    Complete(Irp, STATUS_CANCELLED, 0);
}

/* The tick: the oldest read gets the next number. */
static VOID NTAPI CancelTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2) {
    PCANCEL_EXTENSION extension = Context;
    PIRP irp = IoCsqRemoveNextIrp(&extension->Queue, NULL);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (irp == NULL) return;
    *(PULONG)irp->AssociatedIrp.SystemBuffer = ++extension->NextNumber;
    InterlockedIncrement(&extension->ReadsCompleted);
    Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

/* ---- the requests ---- */

static NTSTATUS NTAPI CancelCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PFILE_CONTEXT context = ExAllocatePoolWithTag(NonPagedPool, sizeof(*context), DRIVER_POOL_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (context == NULL) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    IoInitializeRemoveLock(&context->Lock, DRIVER_POOL_TAG, 0, 0);
    file->FsContext = context;
    return Complete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

/* The last reference: no request is pending and none can come, so the context may go. */
static NTSTATUS NTAPI CancelClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    UNREFERENCED_PARAMETER(DeviceObject);
    ExFreePoolWithTag(file->FsContext, DRIVER_POOL_TAG);
    file->FsContext = NULL;
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* The last handle: what was read through it is cancelled. */
static NTSTATUS NTAPI CancelCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PCANCEL_EXTENSION extension = DeviceObject->DeviceExtension;
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PFILE_CONTEXT context = file->FsContext;
    PIRP pending;

    if (NT_SUCCESS(IoAcquireRemoveLock(&context->Lock, Irp))) IoReleaseRemoveLockAndWait(&context->Lock, Irp);
    while ((pending = IoCsqRemoveNextIrp(&extension->Queue, file)) != NULL)
        CsqCompleteCanceled(&extension->Queue, pending);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PCANCEL_EXTENSION extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_CONTEXT context = stack->FileObject->FsContext;
    NTSTATUS status;

    if (stack->Parameters.Read.Length < sizeof(ULONG)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    status = IoAcquireRemoveLock(&context->Lock, Irp);
    if (!NT_SUCCESS(status)) return Complete(Irp, status, 0);
    /* The queue marks the request pending; from here on it may be completed at any moment by somebody else. */
    IoCsqInsertIrp(&extension->Queue, Irp, NULL);
    IoReleaseRemoveLock(&context->Lock, Irp);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI CancelDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PCANCEL_EXTENSION extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR information = 0;
    NTSTATUS status;

    if (extension->Control == NULL) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    status = extension->Control(stack->Parameters.DeviceIoControl.IoControlCode, Irp->AssociatedIrp.SystemBuffer,
                                stack->Parameters.DeviceIoControl.InputBufferLength,
                                stack->Parameters.DeviceIoControl.OutputBufferLength, &information);
    return Complete(Irp, status, information);
}

NTSTATUS CancelAnswerQuery(PEXPERIMENT_COUNTS Counts, PVOID Buffer, ULONG OutputLength, PULONG_PTR Information) {
    if (OutputLength < sizeof(*Counts)) return STATUS_BUFFER_TOO_SMALL;
    Counts->ReadsCompleted = (ULONG)ReadShared(&g_Extension->ReadsCompleted);
    Counts->ReadsCancelled = (ULONG)ReadShared(&g_Extension->ReadsCancelled);
    RtlCopyMemory(Buffer, Counts, sizeof(*Counts));
    *Information = sizeof(*Counts);
    return STATUS_SUCCESS;
}

/* ---- life ---- */

static NTSTATUS MakeName(PUNICODE_STRING Target, PWCHAR Buffer, USHORT Bytes, PCWSTR Prefix, PCWSTR Name) {
    NTSTATUS status;

    Target->Buffer = Buffer;
    Target->Length = 0;
    Target->MaximumLength = Bytes;
    status = RtlAppendUnicodeToString(Target, Prefix);
    return NT_SUCCESS(status) ? RtlAppendUnicodeToString(Target, Name) : status;
}

static WCHAR g_LinkBuffer[64];
static UNICODE_STRING g_Link;

static VOID InitializeExtension(PCANCEL_EXTENSION Extension, CANCEL_CONTROL* Control, ULONG Period) {
    LARGE_INTEGER due;

    Extension->Control = Control;
    InitializeListHead(&Extension->PendingReads);
    KeInitializeSpinLock(&Extension->QueueLock);
    IoCsqInitialize(&Extension->Queue, CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease, CsqCompleteCanceled);
    KeInitializeDpc(&Extension->TimerDpc, CancelTick, Extension);
    KeInitializeTimer(&Extension->Timer);
    due.QuadPart = -(LONGLONG)Period * 10000;
    KeSetTimerEx(&Extension->Timer, due, (LONG)Period, &Extension->TimerDpc);
}

NTSTATUS CancelDeviceCreate(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PCWSTR Name,
                            CANCEL_CONTROL* Control) {
    ULONG period = ReadDwordParameter(RegistryPath, L"PeriodMilliseconds", 100);
    WCHAR nameBuffer[64];
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    NTSTATUS status = MakeName(&name, nameBuffer, sizeof(nameBuffer), L"\\Device\\", Name);

    if (NT_SUCCESS(status)) status = MakeName(&g_Link, g_LinkBuffer, sizeof(g_LinkBuffer), L"\\DosDevices\\", Name);
    if (!NT_SUCCESS(status)) return status;
    status = IoCreateDevice(DriverObject, sizeof(CANCEL_EXTENSION), &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &device);
    if (!NT_SUCCESS(status)) return status;
    status = IoCreateSymbolicLink(&g_Link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    g_Extension = device->DeviceExtension;
    InitializeExtension(g_Extension, Control, period == 0 ? 1 : period);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CancelCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CancelClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = CancelCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = CancelRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CancelDeviceControl;
    device->Flags |= DO_BUFFERED_IO;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID CancelDeviceDelete(PDRIVER_OBJECT DriverObject) {
    KeCancelTimer(&g_Extension->Timer);
    KeFlushQueuedDpcs(); /* a tick that has begun is over now */
    IoDeleteSymbolicLink(&g_Link);
    IoDeleteDevice(DriverObject->DeviceObject);
    g_Extension = NULL;
}
