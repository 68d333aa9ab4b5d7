/* lock-held-at-return: the way out at an error forgets the mutex. */
#include "faulty.h"

static KGUARDED_MUTEX g_Mutex;
static BOOLEAN g_Done;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeGuardedMutex(&g_Mutex);
    return STATUS_SUCCESS;
}

static VOID Fault(VOID) {
    if (g_Done) return;
    g_Done = TRUE;
    KeAcquireGuardedMutex(&g_Mutex);
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_END
