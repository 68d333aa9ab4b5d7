/* Interlocked operations: full barriers. Increment, Decrement, And/Or/Xor's siblings: see each line for what returns.
 */
#pragma once

#include "base.h"

/* type, suffix: Increment and Decrement give the new value; every other operation gives the old one. */
#define RG_INTERLOCKED(type, suffix)                                                                \
    FORCEINLINE type InterlockedIncrement##suffix(type volatile* p) {                               \
        return (type)__atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);                                    \
    }                                                                                               \
    FORCEINLINE type InterlockedDecrement##suffix(type volatile* p) {                               \
        return (type)__atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST);                                    \
    }                                                                                               \
    FORCEINLINE type InterlockedExchange##suffix(type volatile* p, type v) {                        \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                         \
    }                                                                                               \
    FORCEINLINE type InterlockedExchangeAdd##suffix(type volatile* p, type v) {                     \
        return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                          \
    }                                                                                               \
    FORCEINLINE type InterlockedAdd##suffix(type volatile* p, type v) {                             \
        return (type)__atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);                                    \
    }                                                                                               \
    FORCEINLINE type InterlockedAnd##suffix(type volatile* p, type v) {                             \
        return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                          \
    }                                                                                               \
    FORCEINLINE type InterlockedOr##suffix(type volatile* p, type v) {                              \
        return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                           \
    }                                                                                               \
    FORCEINLINE type InterlockedXor##suffix(type volatile* p, type v) {                             \
        return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                          \
    }                                                                                               \
    FORCEINLINE type InterlockedCompareExchange##suffix(type volatile* p, type v, type comparand) { \
        (void)__atomic_compare_exchange_n(p, &comparand, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return comparand;                                                                           \
    }

RG_INTERLOCKED(LONG, )
RG_INTERLOCKED(LONG64, 64)
RG_INTERLOCKED(SHORT, 16)

#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedIncrementAcquire InterlockedIncrement
#define InterlockedDecrementRelease InterlockedDecrement
#define InterlockedIncrementNoFence InterlockedIncrement
#define InterlockedIncrementSizeT(p) ((SIZE_T)InterlockedIncrement64((LONG64 volatile*)(p)))
#define InterlockedDecrementSizeT(p) ((SIZE_T)InterlockedDecrement64((LONG64 volatile*)(p)))
#define InterlockedIncrementU(p) ((ULONG)InterlockedIncrement((LONG volatile*)(p)))
#define InterlockedDecrementU(p) ((ULONG)InterlockedDecrement((LONG volatile*)(p)))
#define InterlockedIncrementU64(p) ((ULONG64)InterlockedIncrement64((LONG64 volatile*)(p)))
#define InterlockedDecrementU64(p) ((ULONG64)InterlockedDecrement64((LONG64 volatile*)(p)))

FORCEINLINE PVOID RgExchangePointer(PVOID volatile* p, PVOID v) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }
FORCEINLINE PVOID RgCompareExchangePointer(PVOID volatile* p, PVOID v, PVOID comparand) {
    (void)__atomic_compare_exchange_n(p, &comparand, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return comparand;
}
#define InterlockedExchangePointer(p, v) RgExchangePointer((PVOID volatile*)(p), (PVOID)(v))
#define InterlockedCompareExchangePointer(p, v, c) \
    RgCompareExchangePointer((PVOID volatile*)(p), (PVOID)(v), (PVOID)(c))

FORCEINLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile* p, LONG bit) {
    LONG mask = (LONG)(1u << (bit & 31));
    return (BOOLEAN)((__atomic_fetch_or(p + (bit >> 5), mask, __ATOMIC_SEQ_CST) & mask) != 0);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile* p, LONG bit) {
    LONG mask = (LONG)(1u << (bit & 31));
    return (BOOLEAN)((__atomic_fetch_and(p + (bit >> 5), ~mask, __ATOMIC_SEQ_CST) & mask) != 0);
}

#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define MemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define KeMemoryBarrierWithoutFence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define YieldProcessor() __builtin_ia32_pause()
#define ReadNoFence(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define ReadAcquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define WriteNoFence(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define WriteRelease(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ReadULong64NoFence ReadNoFence
#define ReadNoFence64 ReadNoFence
#define WriteNoFence64 WriteNoFence
#define ReadAcquire64 ReadAcquire
#define WriteRelease64 WriteRelease
#define ReadPointerAcquire ReadAcquire

#ifdef __cplusplus
/* Sources written for Windows pass long*, which is LONG* there; only its low half is used here. */
FORCEINLINE LONG InterlockedIncrement(long volatile* p) { return InterlockedIncrement((LONG volatile*)p); }
FORCEINLINE LONG InterlockedDecrement(long volatile* p) { return InterlockedDecrement((LONG volatile*)p); }
FORCEINLINE LONG InterlockedExchange(long volatile* p, LONG v) { return InterlockedExchange((LONG volatile*)p, v); }
FORCEINLINE LONG InterlockedExchangeAdd(long volatile* p, LONG v) {
    return InterlockedExchangeAdd((LONG volatile*)p, v);
}
FORCEINLINE LONG InterlockedCompareExchange(long volatile* p, LONG v, LONG c) {
    return InterlockedCompareExchange((LONG volatile*)p, v, c);
}
#endif
