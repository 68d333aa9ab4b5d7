/* post-status-written: the field that says what happened, taken for the one that says what shall be answered. */
#include "faulty.h"

static LARGE_INTEGER g_Watch;

static NTSTATUS WatchPost(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class == RegNtPostSetValueKey)
        ((PREG_POST_OPERATION_INFORMATION)Information)->Status = STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING altitude;

    RtlInitUnicodeString(&altitude, L"320778");
    return CmRegisterCallbackEx(WatchPost, &altitude, DriverObject, NULL, &g_Watch, NULL);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Watch);
}

NOTHING_BETWEEN
