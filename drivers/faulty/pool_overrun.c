/* pool-overrun: one byte too many. The host stops when the block is freed. */
#include "faulty.h"

static VOID Fault(VOID) {
    volatile UCHAR* block = ExAllocatePoolWithTag(PagedPool, 24, FAULTY_TAG);

    if (block == NULL) return;
    block[24] = 1;
    ExFreePoolWithTag((PVOID)block, FAULTY_TAG);
    g_Status = STATUS_SUCCESS;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
