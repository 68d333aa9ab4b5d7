/* The device of the `cancel` sample: read requests wait in a cancel-safe queue until a timer completes them, one a
   tick, oldest first, each with the next number of a counter. A request leaves the queue in exactly one of three ways:
   the tick, its cancellation, the cleanup of the handle it was sent through. Every experiment extends this device. */
#pragma once

#include "driver.h"
#include "regent/experiments.h"

/* Answers a control code; called at PASSIVE_LEVEL in the caller's thread. */
typedef NTSTATUS CANCEL_CONTROL(ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                                PULONG_PTR Information);

typedef struct _CANCEL_EXTENSION {
    IO_CSQ Queue;
    LIST_ENTRY PendingReads; /* IRPs by Tail.Overlay.ListEntry */
    KSPIN_LOCK QueueLock;
    KTIMER Timer;
    KDPC TimerDpc;
    ULONG NextNumber;
    volatile LONG ReadsCompleted;
    volatile LONG ReadsCancelled;
    CANCEL_CONTROL* Control;
} CANCEL_EXTENSION, *PCANCEL_EXTENSION;

/* Creates \Device\<Name>, the link \DosDevices\<Name>, and fills the driver object's dispatch table. The tick is
   Parameters\PeriodMilliseconds (REG_DWORD) of the service key, 100 ms by default. */
NTSTATUS CancelDeviceCreate(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PCWSTR Name,
                            CANCEL_CONTROL* Control);
/* Undoes it. No handle is open any more when a driver is unloaded, so the queue is empty. */
VOID CancelDeviceDelete(PDRIVER_OBJECT DriverObject);
/* Answers IOCTL_EXPERIMENT_QUERY from `Counts`, with the device's own counters filled in. */
NTSTATUS CancelAnswerQuery(PEXPERIMENT_COUNTS Counts, PVOID Buffer, ULONG OutputLength, PULONG_PTR Information);
