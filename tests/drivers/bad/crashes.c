/* Stops the system when a value of that name is set: by a bug check, or by a fault that nobody handles. */
#include <ntddk.h>
static LARGE_INTEGER g_Cookie;
static BOOLEAN IsNamed(PUNICODE_STRING Name, PCWSTR Wanted) {
    UNICODE_STRING wanted;
    RtlInitUnicodeString(&wanted, Wanted);
    return Name != NULL && RtlEqualUnicodeString(Name, &wanted, TRUE);
}
static NTSTATUS Callback(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class == RegNtPreSetValueKey) {
        PREG_SET_VALUE_KEY_INFORMATION set = Information;
        if (IsNamed(set->ValueName, L"BugCheckNow")) KeBugCheckEx(0xE2, 1, 2, 3, 4);
        if (IsNamed(set->ValueName, L"FaultNow")) *(volatile ULONG*)(ULONG_PTR)16 = 1;
    }
    return STATUS_SUCCESS;
}
static VOID Unload(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    CmUnRegisterCallback(g_Cookie);
}
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    return CmRegisterCallback(Callback, NULL, &g_Cookie);
}
