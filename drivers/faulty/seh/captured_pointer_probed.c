/* captured-pointer-probed: the value's name was captured by the service, so it lies where no user's memory is. */
#include "faulty.h"

static LARGE_INTEGER g_Watch;

static __attribute__((noinline)) VOID Probe(PUNICODE_STRING Name) {
    __try {
        ProbeForRead(Name->Buffer, Name->Length, sizeof(WCHAR));
        g_Status = STATUS_SUCCESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        g_Status = GetExceptionCode();
    }
}

static NTSTATUS WatchSet(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    if (IsFaultValue((REG_NOTIFY_CLASS)(ULONG_PTR)Class, Information))
        Probe(((PREG_SET_VALUE_KEY_INFORMATION)Information)->ValueName);
    return STATUS_SUCCESS;
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING altitude;

    RtlInitUnicodeString(&altitude, L"320778");
    return CmRegisterCallbackEx(WatchSet, &altitude, DriverObject, NULL, &g_Watch, NULL);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Watch);
}

NOTHING_BETWEEN
