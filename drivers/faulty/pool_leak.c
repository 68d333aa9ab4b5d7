/* pool-leak: a block that nobody frees, each time. */
#include "faulty.h"

static VOID Fault(VOID) {
    PVOID block = ExAllocatePoolWithTag(PagedPool, 100, FAULTY_TAG);

    g_Status = block != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
