/* irql: paged pool under a spin lock. */
#include "faulty.h"

static KSPIN_LOCK g_Lock;

static VOID Fault(VOID) {
    PVOID block;
    KIRQL old;

    KeAcquireSpinLock(&g_Lock, &old);
    block = ExAllocatePoolWithTag(PagedPool, 24, FAULTY_TAG);
    KeReleaseSpinLock(&g_Lock, old);
    if (block != NULL) ExFreePoolWithTag(block, FAULTY_TAG);
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeSpinLock(&g_Lock);
    return STATUS_SUCCESS;
}

NOTHING_AT_THE_END
