/* Experiment 3: prints each failed attempt to create a key to the debugger, with the key's name and the elapsed time of
   the call. The name is known in the pre-notification, the failure in the post-notification; they are joined by the
   table of pre-notifications, which is keyed by thread.
   Parameters\Subtree (REG_SZ) of the service key limits the interest to that key and what is below it, for example
   \registry\machine\software\classes. */
#include "common/cancel_device.h"
#include "common/parameters.h"
#include "common/pending_table.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Exp3Unload;
static EX_CALLBACK_FUNCTION Exp3Callback;

static LARGE_INTEGER g_Cookie;
static LARGE_INTEGER g_Frequency;
static WCHAR g_SubtreeBuffer[260];
static UNICODE_STRING g_Subtree;
static volatile LONG64 g_Callouts;
static volatile LONG64 g_ValuesWritten;
static volatile LONG64 g_Creates;
static volatile LONG64 g_FailedCreates;
static volatile LONG64 g_Dumped;

static VOID Dump(PPENDING_ENTRY Entry) {
    DbgPrint("exp3: create of %wZ failed with 0x%08X after %I64d us\n", &Entry->Name, Entry->Status,
             Entry->Elapsed * 1000000 / g_Frequency.QuadPart);
    InterlockedIncrement64(&g_Dumped);
}

/* Every create gets an entry, also outside the subtree: a post must always find its own pre on top of the thread's
   stack. When there is no memory for one, the create is vetoed: a filter that blocks an operation gets no post for it,
   so the stack stays right. */
static NTSTATUS OnPreCreate(PREG_CREATE_KEY_INFORMATION Information) {
    PPENDING_ENTRY entry = PendingCreate(Information->RootObject, Information->CompleteName);

    if (entry == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    PendingPush(entry);
    return STATUS_SUCCESS;
}

static VOID OnPostCreate(PREG_POST_OPERATION_INFORMATION Information) {
    LARGE_INTEGER now = KeQueryPerformanceCounter(NULL);
    PPENDING_ENTRY entry = PendingPop();

    if (entry == NULL) return; /* its pre came before we were registered */
    if (IsInSubtree(&g_Subtree, &entry->Name)) {
        InterlockedIncrement64(&g_Creates);
        entry->Status = Information->Status;
        entry->Elapsed = now.QuadPart - entry->Start.QuadPart;
        if (!NT_SUCCESS(entry->Status)) {
            InterlockedIncrement64(&g_FailedCreates);
            Dump(entry);
        }
    }
    PendingFree(entry);
}

static NTSTATUS NTAPI Exp3Callback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    REG_NOTIFY_CLASS operation = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;

    UNREFERENCED_PARAMETER(CallbackContext);
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

static NTSTATUS Exp3Control(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
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
    counts.Pending = (ULONG)PendingCount();
    return CancelAnswerQuery(&counts, Buffer, OutputLength, Information);
}

static VOID NTAPI Exp3Unload(PDRIVER_OBJECT DriverObject) {
    CmUnRegisterCallback(g_Cookie);
    DbgPrint("exp3: %I64d of %I64d creates failed in this uptime\n", g_FailedCreates, g_Creates);
    PendingUninitialize();
    CancelDeviceDelete(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = CancelDeviceCreate(DriverObject, RegistryPath, L"Exp3", Exp3Control);

    if (!NT_SUCCESS(status)) return status;
    PendingInitialize();
    KeQueryPerformanceCounter(&g_Frequency);
    g_Subtree.Buffer = g_SubtreeBuffer;
    g_Subtree.MaximumLength = sizeof(g_SubtreeBuffer);
    ReadStringParameter(RegistryPath, L"Subtree", &g_Subtree); /* missing: every key is of interest */
    status = CmRegisterCallback(Exp3Callback, NULL, &g_Cookie);
    if (!NT_SUCCESS(status)) {
        CancelDeviceDelete(DriverObject);
        return status;
    }
    DriverObject->DriverUnload = Exp3Unload;
    return STATUS_SUCCESS;
}
