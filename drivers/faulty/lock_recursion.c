/* lock-recursion: it waits for itself. The host stops. */
#include "faulty.h"

static FAST_MUTEX g_Mutex;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    ExInitializeFastMutex(&g_Mutex);
    return STATUS_SUCCESS;
}

static VOID Fault(VOID) {
    ExAcquireFastMutex(&g_Mutex);
    ExAcquireFastMutex(&g_Mutex);
    ExReleaseFastMutex(&g_Mutex);
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_END
