/* object-resurrected: a key object that is being closed is referenced once more; the reference is given back too late.
 */
#include "faulty.h"

static PVOID g_Kept;

static NTSTATUS WatchClose(PVOID Context, PVOID Class, PVOID Information) {
    PREG_KEY_HANDLE_CLOSE_INFORMATION close = Information;

    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class != RegNtPreKeyHandleClose || g_Kept != NULL) return STATUS_SUCCESS;
    ObReferenceObject(close->Object);
    g_Kept = close->Object;
    return STATUS_SUCCESS;
}

static LARGE_INTEGER g_Watch;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING altitude;

    RtlInitUnicodeString(&altitude, L"320778");
    return CmRegisterCallbackEx(WatchClose, &altitude, DriverObject, NULL, &g_Watch, NULL);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Watch);
    if (g_Kept != NULL) ObDereferenceObject(g_Kept);
}

NOTHING_BETWEEN
