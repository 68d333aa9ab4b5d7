/* The driver of suite `callbacks`: Parameters\Count (REG_DWORD, 1 by default) callbacks that do nothing. */
#include "common/parameters.h"

#define MAXIMUM 16

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD EmptyUnload;
static EX_CALLBACK_FUNCTION EmptyCallback;

static LARGE_INTEGER g_Cookies[MAXIMUM];
static ULONG g_Count;

static NTSTATUS NTAPI EmptyCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(CallbackContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    return STATUS_SUCCESS;
}

static VOID NTAPI EmptyUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    while (g_Count != 0) CmUnRegisterCallback(g_Cookies[--g_Count]);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    ULONG count = ReadDwordParameter(RegistryPath, L"Count", 1);
    NTSTATUS status = STATUS_SUCCESS;

    if (count > MAXIMUM) return STATUS_INVALID_PARAMETER;
    DriverObject->DriverUnload = EmptyUnload;
    while (g_Count < count && NT_SUCCESS(status)) {
        status = CmRegisterCallback(EmptyCallback, NULL, &g_Cookies[g_Count]);
        if (NT_SUCCESS(status)) g_Count++;
    }
    if (!NT_SUCCESS(status)) EmptyUnload(DriverObject);
    return status;
}
