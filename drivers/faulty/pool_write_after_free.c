/* pool-write-after-free: a pointer that outlived its block. */
#include "faulty.h"

static VOID Fault(VOID) {
    volatile ULONG* block = ExAllocatePoolWithTag(PagedPool, 24, FAULTY_TAG);

    if (block == NULL) return;
    ExFreePoolWithTag((PVOID)block, FAULTY_TAG);
    block[2] = 5;
}

NOTHING_AT_THE_BEGIN
NOTHING_AT_THE_END
