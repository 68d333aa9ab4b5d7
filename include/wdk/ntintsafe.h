/* Arithmetic that reports overflow: STATUS_INTEGER_OVERFLOW, and the result is the type's largest value. */
#pragma once

#include "wdm/base.h"

#ifndef STATUS_INTEGER_OVERFLOW
#define STATUS_INTEGER_OVERFLOW ((NTSTATUS)0xC0000095)
#endif

#define RG_INTSAFE(name, type)                                       \
    FORCEINLINE NTSTATUS Rtl##name##Add(type a, type b, type* r) {   \
        if (!__builtin_add_overflow(a, b, r)) return STATUS_SUCCESS; \
        *r = (type) - 1;                                             \
        return STATUS_INTEGER_OVERFLOW;                              \
    }                                                                \
    FORCEINLINE NTSTATUS Rtl##name##Sub(type a, type b, type* r) {   \
        if (!__builtin_sub_overflow(a, b, r)) return STATUS_SUCCESS; \
        *r = (type) - 1;                                             \
        return STATUS_INTEGER_OVERFLOW;                              \
    }                                                                \
    FORCEINLINE NTSTATUS Rtl##name##Mult(type a, type b, type* r) {  \
        if (!__builtin_mul_overflow(a, b, r)) return STATUS_SUCCESS; \
        *r = (type) - 1;                                             \
        return STATUS_INTEGER_OVERFLOW;                              \
    }
RG_INTSAFE(UShort, USHORT)
RG_INTSAFE(ULong, ULONG)
RG_INTSAFE(ULongLong, ULONGLONG)
RG_INTSAFE(SIZET, SIZE_T)
RG_INTSAFE(SizeT, SIZE_T)
RG_INTSAFE(ULongPtr, ULONG_PTR)

FORCEINLINE NTSTATUS RtlULongLongToULong(ULONGLONG value, ULONG* result) {
    *result = value > MAXULONG ? MAXULONG : (ULONG)value;
    return value > MAXULONG ? STATUS_INTEGER_OVERFLOW : STATUS_SUCCESS;
}
#define RtlSIZETToULong RtlULongLongToULong
#define RtlSizeTToULong RtlULongLongToULong
FORCEINLINE NTSTATUS RtlULongToUShort(ULONG value, USHORT* result) {
    *result = value > MAXUSHORT ? MAXUSHORT : (USHORT)value;
    return value > MAXUSHORT ? STATUS_INTEGER_OVERFLOW : STATUS_SUCCESS;
}
