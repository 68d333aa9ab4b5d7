/* Queues a user APC to the thread, for the routine and with the context that the value "Queue" says when it is set; the
   values "Kernel" and "Twice" ask for what must fail. The kernel routine makes the second argument 3. */
#include <ntifs.h>

typedef struct _REQUEST {
    ULONG64 Thread;
    ULONG64 Routine;
    ULONG64 Context;
} REQUEST, *PREQUEST;

static LARGE_INTEGER g_Cookie;
static volatile LONG g_Outside; /* APCs that were not given back */

static VOID Free(PKAPC Apc) {
    ExFreePoolWithTag(Apc, 'cpA ');
    InterlockedDecrement(&g_Outside);
}

static VOID NTAPI OnDelivery(PKAPC Apc, PKNORMAL_ROUTINE* Routine, PVOID* Context, PVOID* First, PVOID* Second) {
    UNREFERENCED_PARAMETER(Routine);
    if (KeGetCurrentIrql() != APC_LEVEL || Apc->Inserted || *Context != Apc->NormalContext || *First != (PVOID)1)
        DbgPrint("apc: wrong delivery\n");
    *Second = (PVOID)3;
    Free(Apc);
}

static VOID NTAPI OnRundown(PKAPC Apc) {
    DbgPrint("apc: rundown at IRQL %u\n", (ULONG)KeGetCurrentIrql());
    Free(Apc);
}

static BOOLEAN Queue(PREQUEST Request, KPROCESSOR_MODE Mode, BOOLEAN Twice) {
    PKAPC apc = ExAllocatePoolWithTag(NonPagedPool, sizeof(*apc), 'cpA ');
    PETHREAD thread;
    BOOLEAN queued;

    if (apc == NULL) return FALSE;
    if (!NT_SUCCESS(PsLookupThreadByThreadId((HANDLE)(ULONG_PTR)Request->Thread, &thread))) {
        ExFreePoolWithTag(apc, 'cpA ');
        return FALSE;
    }
    InterlockedIncrement(&g_Outside);
    KeInitializeApc(apc, (PRKTHREAD)thread, OriginalApcEnvironment, OnDelivery, OnRundown,
                    (PKNORMAL_ROUTINE)(ULONG_PTR)Request->Routine, Mode, (PVOID)(ULONG_PTR)Request->Context);
    queued = KeInsertQueueApc(apc, (PVOID)1, (PVOID)2, 0);
    if (queued && Twice && KeInsertQueueApc(apc, (PVOID)1, (PVOID)2, 0)) DbgPrint("apc: twice\n");
    if (!queued) Free(apc);
    ObDereferenceObject(thread);
    return queued;
}

static BOOLEAN IsNamed(PUNICODE_STRING Name, PCWSTR Wanted) {
    UNICODE_STRING wanted;
    RtlInitUnicodeString(&wanted, Wanted);
    return RtlEqualUnicodeString(Name, &wanted, TRUE);
}

static NTSTATUS NTAPI Callback(PVOID Context, PVOID Class, PVOID Information) {
    PREG_SET_VALUE_KEY_INFORMATION set = Information;
    BOOLEAN queued;

    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class != RegNtPreSetValueKey || set->DataSize != sizeof(REQUEST))
        return STATUS_SUCCESS;
    if (IsNamed(set->ValueName, L"Kernel"))
        queued = Queue(set->Data, KernelMode, FALSE);
    else
        queued = Queue(set->Data, UserMode, IsNamed(set->ValueName, L"Twice"));
    return queued ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Cookie);
    DbgPrint("apc: %d outside\n", g_Outside);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    return CmRegisterCallback(Callback, NULL, &g_Cookie);
}
