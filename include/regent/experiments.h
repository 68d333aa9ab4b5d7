/* What the drivers of the lab answer to IOCTL_EXPERIMENT_QUERY. Shared with the harness; plain C, the includer has the
   NT base types (include/wdk, nt or win32). */
#pragma once

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS) */
#define IOCTL_EXPERIMENT_QUERY 0x00226000u

typedef struct _EXPERIMENT_COUNTS {
    ULONGLONG Callouts;       /* calls of the callback (exp1 and up) */
    ULONGLONG ValuesWritten;  /* successful NtSetValueKey (exp2 and up) */
    ULONGLONG Creates;        /* finished NtCreateKey in the subtree of interest (exp3 and up) */
    ULONGLONG FailedCreates;  /* of these, the ones that failed */
    ULONGLONG Dumped;         /* failed creates printed to the debugger */
    ULONGLONG WorkItems;      /* work items queued (exp4) */
    ULONGLONG OwnSkipped;     /* the worker's own registry operations, not looked at (exp4) */
    ULONGLONG Pending;        /* creates between their two notifications now (exp3 and up) */
    ULONGLONG ReadsCompleted; /* of the device: reads completed with data */
    ULONGLONG ReadsCancelled; /* reads cancelled */
} EXPERIMENT_COUNTS, *PEXPERIMENT_COUNTS;
