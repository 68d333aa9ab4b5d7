/* pool-wrong-tag: allocated as one part of the driver's, freed as another's. */
#include "faulty.h"

static VOID Fault(VOID) {
    PVOID block = ExAllocatePoolWithTag(PagedPool, 24, FAULTY_TAG);

    if (block != NULL) ExFreePoolWithTag(block, 'rehO');
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
