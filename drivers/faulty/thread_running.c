/* worker-running: a thread that nobody joins. */
#include "faulty.h"

static KEVENT g_NeverSet;

static VOID Work(PVOID Parameter) {
    LARGE_INTEGER limit;

    UNREFERENCED_PARAMETER(Parameter);
    limit.QuadPart = -3000000; /* 300 ms */
    KeWaitForSingleObject(&g_NeverSet, Executive, KernelMode, FALSE, &limit);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    HANDLE thread;

    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeEvent(&g_NeverSet, NotificationEvent, FALSE);
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Work, NULL))) ZwClose(thread);
}

NOTHING_AT_THE_BEGIN
NOTHING_BETWEEN
