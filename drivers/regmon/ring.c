#include "regmon.h"

#define FILLER 0 /* REGMON_HEADER.Kind of the bytes up to the ring's end */

NTSTATUS RingInitialize(PRING Ring, ULONG Size, USHORT Index) {
    RtlZeroMemory(Ring, sizeof(*Ring));
    Ring->Buffer = ExAllocatePoolWithTag(NonPagedPool, Size, DRIVER_POOL_TAG);
    if (Ring->Buffer == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    Ring->Size = Size;
    Ring->Index = Index;
    return STATUS_SUCCESS;
}

VOID RingUninitialize(PRING Ring) {
    if (Ring->Buffer != NULL) ExFreePoolWithTag(Ring->Buffer, DRIVER_POOL_TAG);
    Ring->Buffer = NULL;
}

VOID RingReset(PRING Ring) {
    Ring->Tail = Ring->Head = Ring->KnownHead = 0;
    Ring->Sequence = 0;
    Ring->Produced = Ring->Delivered = 0;
    RtlZeroMemory(Ring->Dropped, sizeof(Ring->Dropped));
    Ring->GapCount = 0;
    Ring->Kicked = 0;
}

PVOID RingReserve(PRING Ring, ULONG Size) {
    ULONG position = (ULONG)Ring->Tail & (Ring->Size - 1);
    ULONG toEnd = Ring->Size - position;
    ULONG needed = toEnd < Size ? toEnd + Size : Size;

    if ((ULONGLONG)(Ring->Tail - Ring->KnownHead) + needed > Ring->Size) {
        Ring->KnownHead = LoadAcquire64(&Ring->Head);
        if ((ULONGLONG)(Ring->Tail - Ring->KnownHead) + needed > Ring->Size) return NULL;
    }
    if (toEnd >= Size) return Ring->Buffer + position;
    /* Sizes are multiples of 8, so there is always room for a header; the rest of the ring is skipped by position. */
    ((PREGMON_HEADER)(Ring->Buffer + position))->Kind = FILLER;
    StoreRelease64(&Ring->Tail, Ring->Tail + toEnd);
    return Ring->Buffer;
}

VOID RingCommit(PRING Ring, ULONG Size) { StoreRelease64(&Ring->Tail, Ring->Tail + Size); }

ULONG RingUsed(PRING Ring) { return (ULONG)(LoadAcquire64(&Ring->Tail) - LoadAcquire64(&Ring->Head)); }

BOOLEAN RingDrain(PRING Ring, LONG64 End, PUCHAR Buffer, ULONG Length, PULONG Used, PULONG Records) {
    LONG64 head = Ring->Head;
    BOOLEAN all = TRUE;

    while (head < End) {
        ULONG position = (ULONG)head & (Ring->Size - 1);
        PREGMON_HEADER header = (PREGMON_HEADER)(Ring->Buffer + position);

        if (header->Kind == FILLER) {
            head += Ring->Size - position;
            continue;
        }
        if (header->Size > Length - *Used) {
            all = FALSE;
            break;
        }
        RtlCopyMemory(Buffer + *Used, header, header->Size);
        *Used += header->Size;
        (*Records)++;
        if (header->Kind == REGMON_KIND_EVENT) Ring->Delivered++;
        head += header->Size;
    }
    StoreRelease64(&Ring->Head, head);
    return all;
}

VOID RingTellGap(PRING Ring, PREGMON_GAP Gap) {
    RtlZeroMemory(Gap, sizeof(*Gap));
    Gap->Header.Size = sizeof(*Gap);
    Gap->Header.Kind = REGMON_KIND_GAP;
    Gap->Header.Operation = Ring->GapReason;
    Gap->Time = Ring->GapTime;
    Gap->Count = Ring->GapCount;
    Gap->Ring = Ring->Index;
    Ring->GapCount = 0;
}
