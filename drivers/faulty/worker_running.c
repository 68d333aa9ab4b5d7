/* worker-running: nothing waits for the work item, and nothing keeps the image for it. */
#include "faulty.h"

static WORK_QUEUE_ITEM g_Item;
static KEVENT g_NeverSet;

static VOID Work(PVOID Parameter) {
    LARGE_INTEGER limit;

    UNREFERENCED_PARAMETER(Parameter);
    limit.QuadPart = -3000000; /* 300 ms */
    KeWaitForSingleObject(&g_NeverSet, Executive, KernelMode, FALSE, &limit);
}

static VOID End(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeEvent(&g_NeverSet, NotificationEvent, FALSE);
    ExInitializeWorkItem(&g_Item, Work, NULL);
    ExQueueWorkItem(&g_Item, DelayedWorkQueue);
}

NOTHING_AT_THE_BEGIN
NOTHING_BETWEEN
