/* buffer-outside-seh: the answer to a query is read where the caller has it, as if it were the driver's. */
#include "faulty.h"

static LARGE_INTEGER g_Watch;
static volatile UCHAR g_Seen;

static __attribute__((noinline)) VOID Look(PREG_QUERY_VALUE_KEY_INFORMATION Query) {
    if (Query->Length != 0) g_Seen = *(UCHAR*)Query->KeyValueInformation;
}

static NTSTATUS WatchQuery(PVOID Context, PVOID Class, PVOID Information) {
    PREG_POST_OPERATION_INFORMATION post = Information;

    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class == RegNtPostQueryValueKey && NT_SUCCESS(post->Status))
        Look(post->PreInformation);
    return STATUS_SUCCESS;
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING altitude;

    RtlInitUnicodeString(&altitude, L"320778");
    return CmRegisterCallbackEx(WatchQuery, &altitude, DriverObject, NULL, &g_Watch, NULL);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Watch);
}

NOTHING_BETWEEN
