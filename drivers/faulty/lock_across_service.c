/* lock-across-service: a callback of this driver that takes the same mutex would wait for its own thread. */
#include "faulty.h"

static KGUARDED_MUTEX g_Mutex;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeGuardedMutex(&g_Mutex);
    return STATUS_SUCCESS;
}

static VOID Fault(VOID) {
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    NTSTATUS status;

    RtlInitUnicodeString(&name, L"\\Registry\\Machine\\Software");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    KeAcquireGuardedMutex(&g_Mutex);
    status = ZwOpenKey(&key, KEY_READ, &attributes);
    KeReleaseGuardedMutex(&g_Mutex);
    if (NT_SUCCESS(status)) ZwClose(key);
}

NOTHING_AT_THE_END
