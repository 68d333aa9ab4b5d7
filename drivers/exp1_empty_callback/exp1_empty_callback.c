/* Experiment 1: the cancel driver registers an empty callback with the Configuration Manager; on its way out it
   unregisters it. */
#include "common/cancel_device.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Exp1Unload;
static EX_CALLBACK_FUNCTION Exp1Callback;

static LARGE_INTEGER g_Cookie;
static volatile LONG64 g_Callouts;

/* Empty but for the count that lets the harness see it was called. STATUS_SUCCESS: the operation may proceed. */
static NTSTATUS NTAPI Exp1Callback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(CallbackContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement64(&g_Callouts);
    return STATUS_SUCCESS;
}

static NTSTATUS Exp1Control(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                            PULONG_PTR Information) {
    EXPERIMENT_COUNTS counts;

    UNREFERENCED_PARAMETER(InputLength);
    if (ControlCode != IOCTL_EXPERIMENT_QUERY) return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(&counts, sizeof(counts));
    counts.Callouts = (ULONGLONG)ReadShared(&g_Callouts);
    return CancelAnswerQuery(&counts, Buffer, OutputLength, Information);
}

/* Unregistering waits until no thread runs the callback; after that the code may go away. */
static VOID NTAPI Exp1Unload(PDRIVER_OBJECT DriverObject) {
    CmUnRegisterCallback(g_Cookie);
    DbgPrint("exp1: %I64d callouts in this uptime\n", g_Callouts);
    CancelDeviceDelete(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = CancelDeviceCreate(DriverObject, RegistryPath, L"Exp1", Exp1Control);

    if (!NT_SUCCESS(status)) return status;
    status = CmRegisterCallback(Exp1Callback, NULL, &g_Cookie);
    if (!NT_SUCCESS(status)) {
        CancelDeviceDelete(DriverObject); /* Unload is not called after a failed DriverEntry */
        return status;
    }
    DriverObject->DriverUnload = Exp1Unload;
    return STATUS_SUCCESS;
}
