/* device-left. */
#include "faulty.h"

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING name;
    PDEVICE_OBJECT device;

    RtlInitUnicodeString(&name, L"\\Device\\FaultyDeviceLeft");
    g_Status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return g_Status;
}

NOTHING_BETWEEN
NOTHING_AT_THE_END
