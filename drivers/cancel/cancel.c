/* cancel: a device with a cancel-safe queue of read requests, and nothing else. The experiments start from here.
   The behaviour is that of the documented sample of this name; the code is our own. */
#include "common/cancel_device.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD CancelUnload;

static NTSTATUS CancelControl(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                              PULONG_PTR Information) {
    EXPERIMENT_COUNTS counts;

    UNREFERENCED_PARAMETER(InputLength);
    if (ControlCode != IOCTL_EXPERIMENT_QUERY) return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(&counts, sizeof(counts));
    return CancelAnswerQuery(&counts, Buffer, OutputLength, Information);
}

static VOID NTAPI CancelUnload(PDRIVER_OBJECT DriverObject) { CancelDeviceDelete(DriverObject); }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    DriverObject->DriverUnload = CancelUnload;
    return CancelDeviceCreate(DriverObject, RegistryPath, L"Cancel", CancelControl);
}
