/* Experiment 4: experiment 3 with the printing moved to a worker thread. The callback only moves the failed create's
   entry to a list and, when the worker has nothing to do yet, queues a work item in the executive's delayed work queue.
   The worker takes everything that is on the list at once, however much that is, and then leaves the total in the
   registry: <service key>\Parameters\Failures, value Dumped. That is a create of its own, seen by our own callback like
   any other (the altitude that hides a callback's operations from itself does not reach another thread). Without the
   check of the thread a failing one would be printed, reported, and so on for ever.

   Parameters\Mode (REG_DWORD) selects how, for the measurement of docs/lab/04:
     0  one work item for all entries on the list (the default)
     1  one work item for each entry
     2  no worker: printed inside the callback, as in experiment 3 */
#include "common/cancel_device.h"
#include "common/parameters.h"
#include "common/pending_table.h"

#define MODE_BATCH 0
#define MODE_ITEM_EACH 1
#define MODE_INLINE 2

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Exp4Unload;
static EX_CALLBACK_FUNCTION Exp4Callback;

typedef struct _DUMP_ITEM {
    PIO_WORKITEM WorkItem;
    PPENDING_ENTRY Entry;
} DUMP_ITEM, *PDUMP_ITEM;

static LARGE_INTEGER g_Cookie;
static LARGE_INTEGER g_Frequency;
static PDEVICE_OBJECT g_Device;
static ULONG g_Mode;
static WCHAR g_SubtreeBuffer[260];
static UNICODE_STRING g_Subtree;
static volatile LONG64 g_Callouts;
static volatile LONG64 g_ValuesWritten;
static volatile LONG64 g_Creates;
static volatile LONG64 g_FailedCreates;
static volatile LONG64 g_Dumped;
static volatile LONG64 g_WorkItems;
static volatile LONG64 g_OwnSkipped;

static KSPIN_LOCK g_ListLock;
static LIST_ENTRY g_List; /* entries for the worker, oldest first */
static BOOLEAN
    g_WorkerQueued; /* the batch item is queued or its routine has not looked at the list for the last time */
static PIO_WORKITEM g_BatchItem;
static KEVENT g_Idle;                  /* signaled: no entry waits and no routine runs */
static LONG g_Outstanding;             /* entries handed over and not yet printed, by g_ListLock */
static volatile HANDLE g_WorkerThread; /* the thread that runs the batch routine now; NULL: none */
static UNICODE_STRING g_ReportPath;

/* ---- the worker's side ---- */

static VOID Dump(PPENDING_ENTRY Entry) {
    DbgPrint("exp4: create of %wZ failed with 0x%08X after %I64d us\n", &Entry->Name, Entry->Status,
             Entry->Elapsed * 1000000 / g_Frequency.QuadPart);
    InterlockedIncrement64(&g_Dumped);
    PendingFree(Entry);
}

static VOID Finished(LONG Count) {
    KIRQL irql;

    KeAcquireSpinLock(&g_ListLock, &irql);
    g_Outstanding -= Count;
    if (g_Outstanding == 0) KeSetEvent(&g_Idle, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&g_ListLock, irql);
}

/* Takes the whole list under the lock; FALSE, and the worker is not queued any more, when it is empty. */
static BOOLEAN TakeList(PLIST_ENTRY Batch) {
    BOOLEAN any;
    KIRQL irql;

    InitializeListHead(Batch);
    KeAcquireSpinLock(&g_ListLock, &irql);
    any = (BOOLEAN)!IsListEmpty(&g_List);
    if (any) {
        Batch->Flink = g_List.Flink;
        Batch->Blink = g_List.Blink;
        Batch->Flink->Blink = Batch;
        Batch->Blink->Flink = Batch;
        InitializeListHead(&g_List);
    } else {
        g_WorkerQueued = FALSE;
        WriteShared(&g_WorkerThread, NULL); /* this pool thread's next item may be another driver's */
    }
    KeReleaseSpinLock(&g_ListLock, irql);
    return any;
}

static VOID Report(VOID) {
    static UNICODE_STRING valueName = RTL_CONSTANT_STRING(L"Dumped");
    OBJECT_ATTRIBUTES attributes;
    ULONGLONG dumped = (ULONGLONG)ReadShared(&g_Dumped);
    HANDLE key;

    if (g_ReportPath.Buffer == NULL) return;
    InitializeObjectAttributes(&attributes, &g_ReportPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateKey(&key, KEY_SET_VALUE, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL))) return;
    ZwSetValueKey(key, &valueName, 0, REG_QWORD, &dumped, sizeof(dumped));
    ZwClose(key);
}

/* The device that the work item belongs to, and with it this driver's image, is referenced by the system until this
   routine has returned. */
static VOID NTAPI BatchWorker(PDEVICE_OBJECT DeviceObject, PVOID Context) {
    LIST_ENTRY batch;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    WriteShared(&g_WorkerThread, PsGetCurrentThreadId());
    while (TakeList(&batch)) {
        LONG count = 0;
        for (; !IsListEmpty(&batch); count++) Dump(CONTAINING_RECORD(RemoveHeadList(&batch), PENDING_ENTRY, Link));
        Report();
        Finished(count);
    }
}

static VOID NTAPI ItemWorker(PDEVICE_OBJECT DeviceObject, PVOID Context) {
    PDUMP_ITEM item = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    Dump(item->Entry);
    IoFreeWorkItem(item->WorkItem);
    ExFreePoolWithTag(item, DRIVER_POOL_TAG);
    Finished(1);
}

/* ---- the callback's side ---- */

static VOID HandOverToBatch(PPENDING_ENTRY Entry) {
    BOOLEAN queue;
    KIRQL irql;

    KeAcquireSpinLock(&g_ListLock, &irql);
    InsertTailList(&g_List, &Entry->Link);
    if (g_Outstanding++ == 0) KeClearEvent(&g_Idle);
    queue = (BOOLEAN)!g_WorkerQueued;
    g_WorkerQueued = TRUE;
    KeReleaseSpinLock(&g_ListLock, irql);
    if (!queue) return; /* the worker looks at the list again before it stops */
    InterlockedIncrement64(&g_WorkItems);
    IoQueueWorkItem(g_BatchItem, BatchWorker, DelayedWorkQueue, NULL);
}

static VOID HandOverAlone(PPENDING_ENTRY Entry) {
    PDUMP_ITEM item = ExAllocatePoolWithTag(NonPagedPool, sizeof(*item), DRIVER_POOL_TAG);
    KIRQL irql;

    if (item != NULL) item->WorkItem = IoAllocateWorkItem(g_Device);
    if (item == NULL || item->WorkItem == NULL) {
        if (item != NULL) ExFreePoolWithTag(item, DRIVER_POOL_TAG);
        Dump(Entry); /* no memory for the better way */
        return;
    }
    item->Entry = Entry;
    KeAcquireSpinLock(&g_ListLock, &irql);
    if (g_Outstanding++ == 0) KeClearEvent(&g_Idle);
    KeReleaseSpinLock(&g_ListLock, irql);
    InterlockedIncrement64(&g_WorkItems);
    IoQueueWorkItem(item->WorkItem, ItemWorker, DelayedWorkQueue, item);
}

static NTSTATUS OnPreCreate(PREG_CREATE_KEY_INFORMATION Information) {
    PPENDING_ENTRY entry = PendingCreate(Information->RootObject, Information->CompleteName);

    if (entry == NULL) return STATUS_INSUFFICIENT_RESOURCES; /* see experiment 3 */
    PendingPush(entry);
    return STATUS_SUCCESS;
}

static VOID OnPostCreate(PREG_POST_OPERATION_INFORMATION Information) {
    LARGE_INTEGER now = KeQueryPerformanceCounter(NULL);
    PPENDING_ENTRY entry = PendingPop();
    BOOLEAN interesting;

    if (entry == NULL) return;
    interesting = IsInSubtree(&g_Subtree, &entry->Name);
    if (interesting) InterlockedIncrement64(&g_Creates);
    if (!interesting || NT_SUCCESS(Information->Status)) {
        PendingFree(entry);
        return;
    }
    InterlockedIncrement64(&g_FailedCreates);
    entry->Status = Information->Status;
    entry->Elapsed = now.QuadPart - entry->Start.QuadPart;
    if (g_Mode == MODE_INLINE)
        Dump(entry);
    else if (g_Mode == MODE_ITEM_EACH)
        HandOverAlone(entry);
    else
        HandOverToBatch(entry);
}

static NTSTATUS NTAPI Exp4Callback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    REG_NOTIFY_CLASS operation = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;

    UNREFERENCED_PARAMETER(CallbackContext);
    if (ReadShared(&g_WorkerThread) ==
        PsGetCurrentThreadId()) { /* both notifications of its operations come on that thread */
        if (operation == RegNtPreCreateKeyEx) InterlockedIncrement64(&g_OwnSkipped);
        return STATUS_SUCCESS;
    }
    InterlockedIncrement64(&g_Callouts);
    switch (operation) {
        case RegNtPreCreateKeyEx:
            return OnPreCreate(Argument2);
        case RegNtPostCreateKeyEx:
            OnPostCreate(Argument2);
            break;
        case RegNtPostSetValueKey:
            if (NT_SUCCESS(((PREG_POST_OPERATION_INFORMATION)Argument2)->Status))
                InterlockedIncrement64(&g_ValuesWritten);
            break;
        default:
            break;
    }
    return STATUS_SUCCESS;
}

/* ---- life ---- */

static NTSTATUS Exp4Control(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                            PULONG_PTR Information) {
    EXPERIMENT_COUNTS counts;

    UNREFERENCED_PARAMETER(InputLength);
    if (ControlCode != IOCTL_EXPERIMENT_QUERY) return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(&counts, sizeof(counts));
    counts.Callouts = (ULONGLONG)ReadShared(&g_Callouts);
    counts.ValuesWritten = (ULONGLONG)ReadShared(&g_ValuesWritten);
    counts.Creates = (ULONGLONG)ReadShared(&g_Creates);
    counts.FailedCreates = (ULONGLONG)ReadShared(&g_FailedCreates);
    counts.Dumped = (ULONGLONG)ReadShared(&g_Dumped);
    counts.WorkItems = (ULONGLONG)ReadShared(&g_WorkItems);
    counts.OwnSkipped = (ULONGLONG)ReadShared(&g_OwnSkipped);
    counts.Pending = (ULONG)PendingCount();
    return CancelAnswerQuery(&counts, Buffer, OutputLength, Information);
}

static VOID FreeResources(PDRIVER_OBJECT DriverObject) {
    if (g_BatchItem != NULL) IoFreeWorkItem(g_BatchItem);
    if (g_ReportPath.Buffer != NULL) ExFreePoolWithTag(g_ReportPath.Buffer, DRIVER_POOL_TAG);
    CancelDeviceDelete(DriverObject);
}

/* First the source dries up, then what is on its way is drained, then the ground is taken away. */
static VOID NTAPI Exp4Unload(PDRIVER_OBJECT DriverObject) {
    CmUnRegisterCallback(g_Cookie);
    KeWaitForSingleObject(&g_Idle, Executive, KernelMode, FALSE, NULL);
    DbgPrint("exp4: %I64d of %I64d creates failed in this uptime, printed by %I64d work items\n", g_FailedCreates,
             g_Creates, g_WorkItems);
    PendingUninitialize();
    FreeResources(DriverObject);
}

static VOID InitializeWorker(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    static const WCHAR subkey[] = L"\\Parameters\\Failures";

    KeInitializeSpinLock(&g_ListLock);
    InitializeListHead(&g_List);
    KeInitializeEvent(&g_Idle, NotificationEvent, TRUE);
    g_Device = DriverObject->DeviceObject;
    g_BatchItem = IoAllocateWorkItem(g_Device);
    g_ReportPath.MaximumLength = (USHORT)(RegistryPath->Length + sizeof(subkey));
    g_ReportPath.Buffer = ExAllocatePoolWithTag(PagedPool, g_ReportPath.MaximumLength, DRIVER_POOL_TAG);
    if (g_ReportPath.Buffer == NULL) return;
    RtlCopyUnicodeString(&g_ReportPath, RegistryPath);
    RtlAppendUnicodeToString(&g_ReportPath, subkey);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = CancelDeviceCreate(DriverObject, RegistryPath, L"Exp4", Exp4Control);

    if (!NT_SUCCESS(status)) return status;
    PendingInitialize();
    KeQueryPerformanceCounter(&g_Frequency);
    g_Subtree.Buffer = g_SubtreeBuffer;
    g_Subtree.MaximumLength = sizeof(g_SubtreeBuffer);
    ReadStringParameter(RegistryPath, L"Subtree", &g_Subtree);
    g_Mode = ReadDwordParameter(RegistryPath, L"Mode", MODE_BATCH);
    InitializeWorker(DriverObject, RegistryPath);
    status = g_BatchItem == NULL ? STATUS_INSUFFICIENT_RESOURCES : CmRegisterCallback(Exp4Callback, NULL, &g_Cookie);
    if (!NT_SUCCESS(status)) {
        FreeResources(DriverObject);
        return status;
    }
    DriverObject->DriverUnload = Exp4Unload;
    return STATUS_SUCCESS;
}
