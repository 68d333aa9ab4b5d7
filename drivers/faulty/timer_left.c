/* timer-left: set, and never cancelled. */
#include "faulty.h"

static KTIMER g_Timer;
static KDPC g_Dpc;

static VOID Tick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2) {
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID Fault(VOID) {
    LARGE_INTEGER soon;

    soon.QuadPart = -100000000; /* 10 s */
    KeSetTimer(&g_Timer, soon, &g_Dpc);
}

static NTSTATUS Begin(PDRIVER_OBJECT DriverObject) {
    UNREFERENCED_PARAMETER(DriverObject);
    KeInitializeDpc(&g_Dpc, Tick, NULL);
    KeInitializeTimer(&g_Timer);
    return STATUS_SUCCESS;
}

NOTHING_AT_THE_END
