/* wait-at-dispatch: under a spin lock. The host stops. */
#include "faulty.h"

static KSPIN_LOCK g_Lock;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeSpinLock(&g_Lock);
    return STATUS_SUCCESS;
}

static VOID Fault(VOID) {
    LARGE_INTEGER pause;
    KIRQL old;

    pause.QuadPart = -1;
    KeAcquireSpinLock(&g_Lock, &old);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    KeReleaseSpinLock(&g_Lock, old);
}

NOTHING_AT_THE_END
