/* pool-double-free. */
#include "faulty.h"

static VOID Fault(VOID) {
    PVOID block = ExAllocatePoolWithTag(PagedPool, 24, FAULTY_TAG);

    if (block == NULL) return;
    ExFreePoolWithTag(block, FAULTY_TAG);
    ExFreePoolWithTag(block, FAULTY_TAG);
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
