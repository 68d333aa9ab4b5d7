/* Unloads without unregistering its callback, with pool in use and a device left. Says where the pool is, for the test
   to free. */
#include <ntddk.h>
static NTSTATUS Callback(PVOID Context, PVOID Class, PVOID Information) {
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Class);
    UNREFERENCED_PARAMETER(Information);
    return STATUS_SUCCESS;
}
static VOID Unload(PDRIVER_OBJECT DriverObject) { UNREFERENCED_PARAMETER(DriverObject); }
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LeavesCallback");
    PDEVICE_OBJECT device;
    LARGE_INTEGER cookie;
    PVOID block;
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    block = ExAllocatePoolWithTag(NonPagedPool, 100, 'kaeL');
    if (block == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    DbgPrint("LeavesCallback: block %p\n", block);
    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return CmRegisterCallback(Callback, NULL, &cookie);
}
