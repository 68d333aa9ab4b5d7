/* Experiment 2: experiment 1's callback counts the values written to the registry in one uptime of the driver.
   Counted in the post-notification: only there it is known that the write succeeded. */
#include "common/cancel_device.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Exp2Unload;
static EX_CALLBACK_FUNCTION Exp2Callback;

static LARGE_INTEGER g_Cookie;
static volatile LONG64 g_Callouts;
static volatile LONG64 g_ValuesWritten;

static NTSTATUS NTAPI Exp2Callback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    REG_NOTIFY_CLASS operation = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;

    UNREFERENCED_PARAMETER(CallbackContext);
    InterlockedIncrement64(&g_Callouts);
    if (operation == RegNtPostSetValueKey && NT_SUCCESS(((PREG_POST_OPERATION_INFORMATION)Argument2)->Status))
        InterlockedIncrement64(&g_ValuesWritten);
    return STATUS_SUCCESS;
}

static NTSTATUS Exp2Control(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                            PULONG_PTR Information) {
    EXPERIMENT_COUNTS counts;

    UNREFERENCED_PARAMETER(InputLength);
    if (ControlCode != IOCTL_EXPERIMENT_QUERY) return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(&counts, sizeof(counts));
    counts.Callouts = (ULONGLONG)ReadShared(&g_Callouts);
    counts.ValuesWritten = (ULONGLONG)ReadShared(&g_ValuesWritten);
    return CancelAnswerQuery(&counts, Buffer, OutputLength, Information);
}

static VOID NTAPI Exp2Unload(PDRIVER_OBJECT DriverObject) {
    CmUnRegisterCallback(g_Cookie);
    DbgPrint("exp2: %I64d values written in this uptime\n", g_ValuesWritten);
    CancelDeviceDelete(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = CancelDeviceCreate(DriverObject, RegistryPath, L"Exp2", Exp2Control);

    if (!NT_SUCCESS(status)) return status;
    status = CmRegisterCallback(Exp2Callback, NULL, &g_Cookie);
    if (!NT_SUCCESS(status)) {
        CancelDeviceDelete(DriverObject);
        return status;
    }
    DriverObject->DriverUnload = Exp2Unload;
    return STATUS_SUCCESS;
}
