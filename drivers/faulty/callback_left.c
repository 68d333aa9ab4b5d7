/* callback-left: the second callback is forgotten at the end. */
#include "faulty.h"

static NTSTATUS Second(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Class);
    UNREFERENCED_PARAMETER(Information);
    return STATUS_SUCCESS;
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING altitude;
    LARGE_INTEGER cookie;

    RtlInitUnicodeString(&altitude, L"320778");
    g_Status = CmRegisterCallbackEx(Second, &altitude, DriverObject, NULL, &cookie, NULL);
    return g_Status;
}

NOTHING_BETWEEN
NOTHING_AT_THE_END
