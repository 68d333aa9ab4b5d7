/* Names follow the WDK's samples. A driver's worth of the WDK contract in one file: a registry filter and a device with
   a cancel-safe queue. It is compiled, not run: with gcc and clang against include/wdk, and with mingw-w64 against its
   own DDK headers. */
#include <ntddk.h>
#include <ntstrsafe.h>

#define SAMPLE_TAG 'lpmS'
#define IOCTL_SAMPLE_READ CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _SAMPLE_EXTENSION {
    IO_CSQ Queue;
    LIST_ENTRY Pending;
    KSPIN_LOCK Lock;
    KTIMER Timer;
    KDPC Dpc;
    FAST_MUTEX Mutex;
    IO_REMOVE_LOCK RemoveLock;
    PIO_WORKITEM Item;
    LARGE_INTEGER Cookie;
    volatile LONG Count;
} SAMPLE_EXTENSION, *PSAMPLE_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleDispatch;
KDEFERRED_ROUTINE SampleDpc;
WORKER_THREAD_ROUTINE SampleWork;
KSTART_ROUTINE SampleThread;
IO_WORKITEM_ROUTINE SampleItem;

static PSAMPLE_EXTENSION Extension;

NTSTATUS NTAPI SampleCallback(PVOID Context, PVOID Argument1, PVOID Argument2) {
    PREG_SET_VALUE_KEY_INFORMATION Set = (PREG_SET_VALUE_KEY_INFORMATION)Argument2;
    PREG_POST_OPERATION_INFORMATION Post = (PREG_POST_OPERATION_INFORMATION)Argument2;
    LARGE_INTEGER Start = KeQueryPerformanceCounter(NULL);

    UNREFERENCED_PARAMETER(Context);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
        case RegNtPreSetValueKey:
            InterlockedIncrement(&Extension->Count);
            DbgPrint("set %wZ type %lu size %lu at %I64d\n", Set->ValueName, Set->Type, Set->DataSize, Start.QuadPart);
            return ExGetPreviousMode() == UserMode ? STATUS_SUCCESS : STATUS_CALLBACK_BYPASS;
        case RegNtPostSetValueKey:
            if (!NT_SUCCESS(Post->Status)) DbgPrint("%ws failed: %lx\n", L"set", Post->Status);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI SampleAcquire(PIO_CSQ Csq, PKIRQL Irql) {
    PSAMPLE_EXTENSION Ext = CONTAINING_RECORD(Csq, SAMPLE_EXTENSION, Queue);
    KeAcquireSpinLock(&Ext->Lock, Irql);
}

static VOID NTAPI SampleRelease(PIO_CSQ Csq, KIRQL Irql) {
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, SAMPLE_EXTENSION, Queue)->Lock, Irql);
}

static VOID NTAPI SampleInsert(PIO_CSQ Csq, PIRP Irp) {
    InsertTailList(&CONTAINING_RECORD(Csq, SAMPLE_EXTENSION, Queue)->Pending, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI SampleRemove(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI SamplePeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext) {
    PSAMPLE_EXTENSION Ext = CONTAINING_RECORD(Csq, SAMPLE_EXTENSION, Queue);
    PLIST_ENTRY Next = Irp == NULL ? Ext->Pending.Flink : Irp->Tail.Overlay.ListEntry.Flink;
    for (; Next != &Ext->Pending; Next = Next->Flink) {
        PIRP Candidate = CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry);
        PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Candidate);
        if (PeekContext == NULL || Stack->FileObject == (PFILE_OBJECT)PeekContext) return Candidate;
    }
    return NULL;
}

static VOID NTAPI SampleComplete(PIO_CSQ Csq, PIRP Irp) {
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

VOID NTAPI SampleDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedExchangeAdd(&((PSAMPLE_EXTENSION)Context)->Count, 2);
}

VOID NTAPI SampleWork(PVOID Parameter) { ExFreePoolWithTag(Parameter, SAMPLE_TAG); }

VOID NTAPI SampleItem(PDEVICE_OBJECT DeviceObject, PVOID Context) {
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
}

VOID NTAPI SampleThread(PVOID Context) {
    LARGE_INTEGER Interval;
    UNREFERENCED_PARAMETER(Context);
    Interval.QuadPart = -10 * 1000;
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS NTAPI SampleDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PWORK_QUEUE_ITEM Item;
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (Stack->MajorFunction) {
        case IRP_MJ_READ:
            IoCsqInsertIrp(&Extension->Queue, Irp, NULL);
            return STATUS_PENDING;
        case IRP_MJ_CLEANUP:
            while ((Irp = IoCsqRemoveNextIrp(&Extension->Queue, Stack->FileObject)) != NULL)
                SampleComplete(&Extension->Queue, Irp);
            break;
        case IRP_MJ_DEVICE_CONTROL:
            if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_SAMPLE_READ) break;
            Item = (PWORK_QUEUE_ITEM)ExAllocatePoolWithTag(NonPagedPool, sizeof *Item, SAMPLE_TAG);
            if (Item == NULL) return STATUS_INSUFFICIENT_RESOURCES;
            ExInitializeWorkItem(Item, SampleWork, Item);
            ExQueueWorkItem(Item, DelayedWorkQueue);
            break;
        default:
            ASSERT(Stack->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION);
            break;
    }
    return STATUS_SUCCESS;
}

VOID NTAPI SampleUnload(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING Link;
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Sample");
    CmUnRegisterCallback(Extension->Cookie);
    KeCancelTimer(&Extension->Timer);
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Sample");
    WCHAR Text[32];
    PDEVICE_OBJECT Device = NULL;
    LARGE_INTEGER Due;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(SAMPLE_EXTENSION), &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &Device);
    if (!NT_SUCCESS(Status)) return Status;
    Extension = (PSAMPLE_EXTENSION)Device->DeviceExtension;
    RtlZeroMemory(Extension, sizeof *Extension);
    InitializeListHead(&Extension->Pending);
    KeInitializeSpinLock(&Extension->Lock);
    ExInitializeFastMutex(&Extension->Mutex);
    IoInitializeRemoveLock(&Extension->RemoveLock, SAMPLE_TAG, 0, 0);
    KeInitializeTimer(&Extension->Timer);
    KeInitializeDpc(&Extension->Dpc, SampleDpc, Extension);
    Due.QuadPart = -10000;
    KeSetTimer(&Extension->Timer, Due, &Extension->Dpc);
    IoCsqInitialize(&Extension->Queue, SampleInsert, SampleRemove, SamplePeek, SampleAcquire, SampleRelease,
                    SampleComplete);
    DriverObject->MajorFunction[IRP_MJ_READ] = SampleDispatch;
    DriverObject->DriverUnload = SampleUnload;
    RtlStringCbPrintfW(Text, sizeof Text, L"%ws", Name.Buffer);
    if (wcslen(Text) != 14 || wcsncmp(Text, L"\\Device", 7) != 0) return STATUS_UNSUCCESSFUL;
    return CmRegisterCallback(SampleCallback, Extension, &Extension->Cookie);
}
