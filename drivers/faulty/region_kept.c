/* region-kept: entered, not left. */
#include "faulty.h"

static VOID Fault(VOID) {
    KeEnterCriticalRegion();
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
