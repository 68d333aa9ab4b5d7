/* regmon: the answer to "how can this be optimized further?". See regmon.h for the parts, regent/regmon_ioctl.h for the
   interface. Parameters of the service key: Altitude (REG_SZ), Rings, RingKilobytes (REG_DWORD). */
#include "regmon.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD RegmonUnload;

/* Not called while a consumer has the device open: then the system defers the unload until its handle is closed. */
static VOID NTAPI RegmonUnload(PDRIVER_OBJECT DriverObject) { SessionUninitialize(DriverObject); }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
    NTSTATUS status = SessionInitialize(DriverObject, RegistryPath);

    if (NT_SUCCESS(status)) DriverObject->DriverUnload = RegmonUnload;
    return status;
}
