/* resource_manager: a count of writes below Parameters\Subtree that follows their transactions. What a transaction
   wrote counts once it is committed and is forgotten when it is rolled back; a transaction with more than
   Parameters\Maximum writes (REG_DWORD, 100 by default) is refused when it prepares, and the registry with it. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ManagerUnload;
static EX_CALLBACK_FUNCTION ManagerCallback;
static TM_RM_NOTIFICATION ManagerNotify;

/* Our part in one transaction; the key of the enlistment. */
typedef struct _PART {
    LIST_ENTRY Link;
    PKTRANSACTION Transaction; /* alive as long as the enlistment */
    PKENLISTMENT Enlistment;
    LONG Writes;
} PART, *PPART;

static FILTER g_Filter;
static KMUTEX g_Mutex; /* guards the counts and the parts; not a fast mutex, under which handles cannot be closed */
static LIST_ENTRY g_Parts;
static LONG g_Final;
static LONG g_Committed;
static LONG g_Forgotten;
static LONG g_Refused;
static LONG g_Maximum;

static HANDLE g_Transactions;
static HANDLE g_Manager;
static PKRESOURCEMANAGER g_ManagerObject;

static VOID Acquire(VOID) { KeWaitForSingleObject(&g_Mutex, Executive, KernelMode, FALSE, NULL); }
static VOID Release(VOID) { KeReleaseMutex(&g_Mutex, FALSE); }

/* REQUIRES: the mutex. */
static PPART FindPart(PKTRANSACTION Transaction) {
    PLIST_ENTRY entry;

    for (entry = g_Parts.Flink; entry != &g_Parts; entry = entry->Flink) {
        PPART part = CONTAINING_RECORD(entry, PART, Link);
        if (part->Transaction == Transaction) return part;
    }
    return NULL;
}

/* REQUIRES: the mutex. */
static PPART Enlist(PKTRANSACTION Transaction) {
    OBJECT_ATTRIBUTES attributes;
    HANDLE enlistment;
    NTSTATUS status;
    PPART part = ExAllocatePoolWithTag(NonPagedPool, sizeof(*part), DRIVER_POOL_TAG);

    if (part == NULL) return NULL;
    part->Transaction = Transaction;
    part->Writes = 0;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    status =
        TmCreateEnlistment(&enlistment, KernelMode, ENLISTMENT_ALL_ACCESS, &attributes, g_ManagerObject, Transaction, 0,
                           TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK, part);
    if (!NT_SUCCESS(status)) {
        ExFreePoolWithTag(part, DRIVER_POOL_TAG);
        return NULL;
    }
    /* Of a handle that nobody else has: this does not fail. */
    (VOID) ObReferenceObjectByHandle(enlistment, ENLISTMENT_ALL_ACCESS, *TmEnlistmentObjectType, KernelMode,
                                     (PVOID*)&part->Enlistment, NULL);
    ZwClose(enlistment);
    InsertTailList(&g_Parts, &part->Link);
    return part;
}

static VOID OnWritten(PVOID Key) {
    PKTRANSACTION transaction = CmGetBoundTransaction(&g_Filter.Cookie, Key);
    PPART part = NULL;

    Acquire();
    if (transaction != NULL) {
        part = FindPart(transaction);
        if (part == NULL) part = Enlist(transaction);
    }
    if (part != NULL)
        part->Writes++;
    else
        g_Final++;
    Release();
}

/* REQUIRES: the mutex. The last notification of an enlistment: nobody knows the part any more. */
static VOID EndPart(PPART Part, PLONG Total) {
    *Total += Part->Writes;
    RemoveEntryList(&Part->Link);
    ObDereferenceObject(Part->Enlistment);
    ExFreePoolWithTag(Part, DRIVER_POOL_TAG);
}

static NTSTATUS NTAPI ManagerNotify(PKENLISTMENT EnlistmentObject, PVOID RMContext, PVOID TransactionContext,
                                    ULONG TransactionNotification, PLARGE_INTEGER TmVirtualClock, ULONG ArgumentLength,
                                    PVOID Argument) {
    PPART part = TransactionContext;
    NTSTATUS status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(EnlistmentObject);
    UNREFERENCED_PARAMETER(RMContext);
    UNREFERENCED_PARAMETER(TmVirtualClock);
    UNREFERENCED_PARAMETER(ArgumentLength);
    UNREFERENCED_PARAMETER(Argument);
    Acquire();
    switch (TransactionNotification) {
        case TRANSACTION_NOTIFY_PREPARE:
            if (part->Writes > g_Maximum) {
                g_Refused++;
                status = STATUS_QUOTA_EXCEEDED; /* a rollback follows, for us too */
            }
            break;
        case TRANSACTION_NOTIFY_COMMIT:
            EndPart(part, &g_Committed);
            break;
        case TRANSACTION_NOTIFY_ROLLBACK:
            EndPart(part, &g_Forgotten);
            break;
        default:
            break;
    }
    Release();
    return status;
}

static NTSTATUS NTAPI ManagerCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    PREG_POST_OPERATION_INFORMATION post = Argument2;

    UNREFERENCED_PARAMETER(CallbackContext);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1 == RegNtPostSetValueKey && NT_SUCCESS(post->Status) &&
        FilterKeyName(&g_Filter, post->Object) != NULL)
        OnWritten(post->Object);
    return STATUS_SUCCESS;
}

static VOID CloseManager(VOID) {
    if (g_ManagerObject != NULL) ObDereferenceObject(g_ManagerObject);
    if (g_Manager != NULL) ZwClose(g_Manager);
    if (g_Transactions != NULL) ZwClose(g_Transactions);
}

static NTSTATUS OpenManager(VOID) {
    static GUID id = {0x6f1f3a52, 0x8c1d, 0x4b7e, {0x9a, 0x10, 0x5d, 0x2c, 0x77, 0x41, 0x0e, 0x93}};
    OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwCreateTransactionManager(&g_Transactions, TRANSACTIONMANAGER_ALL_ACCESS, &attributes, NULL,
                                        TRANSACTION_MANAGER_VOLATILE, 0);
    if (!NT_SUCCESS(status)) return status;
    status = ZwCreateResourceManager(&g_Manager, RESOURCEMANAGER_ALL_ACCESS, g_Transactions, &id, &attributes,
                                     RESOURCE_MANAGER_VOLATILE, NULL);
    if (!NT_SUCCESS(status)) return status;
    status = ObReferenceObjectByHandle(g_Manager, RESOURCEMANAGER_ALL_ACCESS, *TmResourceManagerObjectType, KernelMode,
                                       (PVOID*)&g_ManagerObject, NULL);
    if (!NT_SUCCESS(status)) return status;
    return TmEnableCallbacks(g_ManagerObject, ManagerNotify, NULL);
}

/* Transactions that are still active must not notify code that is gone: they are rolled back, as by a manager that
   ends. One that commits at this moment on another thread ends by itself. REQUIRES: the callback is unregistered. */
static VOID EndAllParts(VOID) {
    LARGE_INTEGER pause;

    pause.QuadPart = -10000; /* 1 ms */
    for (;;) {
        PKENLISTMENT enlistment = NULL;

        Acquire();
        if (!IsListEmpty(&g_Parts)) {
            enlistment = CONTAINING_RECORD(g_Parts.Flink, PART, Link)->Enlistment;
            ObReferenceObject(enlistment);
        }
        Release();
        if (enlistment == NULL) return;
        if (!NT_SUCCESS(TmRollbackEnlistment(enlistment, NULL))) KeDelayExecutionThread(KernelMode, FALSE, &pause);
        ObDereferenceObject(enlistment);
    }
}

static VOID NTAPI ManagerUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    EndAllParts();
    CloseManager();
    DbgPrint("resource_manager: %d writes committed, %d forgotten, %d outside, %d transactions refused\n", g_Committed,
             g_Forgotten, g_Final, g_Refused);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status;

    KeInitializeMutex(&g_Mutex, 0);
    InitializeListHead(&g_Parts);
    g_Maximum = (LONG)ReadDwordParameter(RegistryPath, L"Maximum", 100);
    status = OpenManager();
    if (NT_SUCCESS(status))
        status = FilterStart(&g_Filter, DriverObject, RegistryPath, L"370061", ManagerCallback, ManagerUnload);
    if (!NT_SUCCESS(status)) CloseManager();
    return status;
}
