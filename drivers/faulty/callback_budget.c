/* callback-budget: everybody's registry waits for this. */
#include "faulty.h"

static VOID Fault(VOID) {
    LARGE_INTEGER pause;

    pause.QuadPart = -1200000; /* 120 ms */
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
