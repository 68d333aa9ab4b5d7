/* deny: nothing below Parameters\Subtree changes. A failure status in a pre-notification is the caller's status, and
   the operation does not happen. Callers in kernel mode are trusted. */
#include "common/filter.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD DenyUnload;
static EX_CALLBACK_FUNCTION DenyCallback;

static FILTER g_Filter;
static volatile LONG g_Refused;

static BOOLEAN IsChange(REG_NOTIFY_CLASS Class) {
    switch (Class) {
        case RegNtPreSetValueKey:
        case RegNtPreDeleteValueKey:
        case RegNtPreDeleteKey:
        case RegNtPreRenameKey:
        case RegNtPreSetInformationKey:
        case RegNtPreSetKeySecurity:
        case RegNtPreRestoreKey:
        case RegNtPreReplaceKey:
            return TRUE;
        default:
            return FALSE;
    }
}

static NTSTATUS NTAPI DenyCallback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(CallbackContext);
    if (!IsChange((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1)) return STATUS_SUCCESS;
    /* Object is the first member of all of these structures. */
    if (ExGetPreviousMode() == KernelMode || FilterKeyName(&g_Filter, *(PVOID*)Argument2) == NULL)
        return STATUS_SUCCESS;
    InterlockedIncrement(&g_Refused);
    return STATUS_ACCESS_DENIED;
}

static VOID NTAPI DenyUnload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    FilterStop(&g_Filter);
    DbgPrint("deny: %d changes refused\n", g_Refused);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    return FilterStart(&g_Filter, DriverObject, RegistryPath, L"328010", DenyCallback, DenyUnload);
}
