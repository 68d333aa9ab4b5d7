/* apcs-enabled: a resource outside a critical region. */
#include "faulty.h"

static ERESOURCE g_Resource;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    return ExInitializeResourceLite(&g_Resource);
}

static VOID Fault(VOID) {
    ExAcquireResourceExclusiveLite(&g_Resource, TRUE);
    ExReleaseResourceLite(&g_Resource);
    g_Status = STATUS_SUCCESS;
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    ExDeleteResourceLite(&g_Resource);
}
