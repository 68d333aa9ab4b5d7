/* work-item-left: allocated for later, never used, never freed. */
#include "faulty.h"

static PDEVICE_OBJECT g_Device;

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    NTSTATUS status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Device);

    if (!NT_SUCCESS(status)) return status;
    return IoAllocateWorkItem(g_Device) != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(g_Device);
}

NOTHING_BETWEEN
