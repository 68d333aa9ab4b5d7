/* Leaves a device and a callback behind and fails. */
#include <ntddk.h>
static NTSTATUS Callback(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Class);
    UNREFERENCED_PARAMETER(Information);
    return STATUS_SUCCESS;
}
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\EntryFails");
    PDEVICE_OBJECT device;
    LARGE_INTEGER cookie;
    UNREFERENCED_PARAMETER(RegistryPath);
    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    CmRegisterCallback(Callback, NULL, &cookie);
    return STATUS_DEVICE_BUSY | 0x40000000;
}
