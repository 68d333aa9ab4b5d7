/* link-left: the device goes, its link stays and leads nowhere. */
#include "faulty.h"

static PDEVICE_OBJECT g_Device;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNICODE_STRING name;
    UNICODE_STRING link;
    NTSTATUS status;

    RtlInitUnicodeString(&name, L"\\Device\\FaultyLinkLeft");
    RtlInitUnicodeString(&link, L"\\DosDevices\\FaultyLinkLeft");
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Device);
    if (!NT_SUCCESS(status)) return status;
    IoDeleteSymbolicLink(&link); /* of the load before */
    g_Status = IoCreateSymbolicLink(&link, &name);
    return g_Status;
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(g_Device);
}

NOTHING_BETWEEN
