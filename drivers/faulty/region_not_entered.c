/* region-not-entered: left once more than entered. */
#include "faulty.h"

static VOID Fault(VOID) {
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    KeLeaveCriticalRegion();
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
