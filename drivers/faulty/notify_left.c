/* notify-left: the system would call it for the next image. */
#include "faulty.h"

static VOID ImageLoaded(PUNICODE_STRING Name, HANDLE ProcessId, PIMAGE_INFO Info) {
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(Info);
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    g_Status = PsSetLoadImageNotifyRoutine(ImageLoaded);
    return g_Status;
}

NOTHING_BETWEEN
NOTHING_AT_THE_END
