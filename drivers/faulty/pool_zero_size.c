/* pool-zero-size: a length that was not looked at. */
#include "faulty.h"

static volatile SIZE_T g_Length;

static VOID Fault(VOID) {
    PVOID block = ExAllocatePoolWithTag(PagedPool, g_Length, FAULTY_TAG);

    if (block != NULL) ExFreePoolWithTag(block, FAULTY_TAG);
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
