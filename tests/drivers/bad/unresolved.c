/* Imports a routine that no host has. */
#include <ntddk.h>
NTSTATUS KeRoutineThatNobodyHas(PDRIVER_OBJECT DriverObject);
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    UNREFERENCED_PARAMETER(RegistryPath);
    return KeRoutineThatNobodyHas(DriverObject);
}
