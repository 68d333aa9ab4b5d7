/* lock-order: two mutexes in both orders; two threads at once would wait for each other for ever. */
#include "faulty.h"

static FAST_MUTEX g_First;
static KGUARDED_MUTEX g_Second;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    ExInitializeFastMutex(&g_First);
    KeInitializeGuardedMutex(&g_Second);
    KeAcquireGuardedMutex(&g_Second);
    ExAcquireFastMutex(&g_First);
    ExReleaseFastMutex(&g_First);
    KeReleaseGuardedMutex(&g_Second);
    return STATUS_SUCCESS;
}

static VOID Fault(VOID) {
    ExAcquireFastMutex(&g_First);
    KeAcquireGuardedMutex(&g_Second);
    KeReleaseGuardedMutex(&g_Second);
    ExReleaseFastMutex(&g_First);
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_END
