/* Raw time: what an event is stamped with, and what turns it into the system's time. */
#include "regmon.h"

#if defined(__GNUC__)
#include <cpuid.h>
#else
#include <intrin.h>
#endif

static BOOLEAN g_UseTsc;
static ULONGLONG g_RawBase;
static LARGE_INTEGER g_CounterBase;
static LARGE_INTEGER g_TimeBase;

ULONGLONG RawNow(VOID) {
    if (g_UseTsc) return ReadTimeStampCounter();
    return (ULONGLONG)KeQueryPerformanceCounter(NULL).QuadPart;
}

static BOOLEAN TscIsInvariant(void) {
#if defined(__GNUC__)
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 0x100) != 0;
#else
    int registers[4];
    __cpuid(registers, 0x80000000);
    if ((ULONG)registers[0] < 0x80000007) return FALSE;
    __cpuid(registers, 0x80000007);
    return (registers[3] & 0x100) != 0;
#endif
}

VOID ClockInitialize(VOID) {
    g_UseTsc = TscIsInvariant();
    KeQuerySystemTime(&g_TimeBase);
    g_CounterBase = KeQueryPerformanceCounter(NULL);
    g_RawBase = RawNow();
}

/* Raw ticks a second: the raw clock against the performance counter since the driver was loaded. */
static ULONGLONG RawFrequency(VOID) {
    LARGE_INTEGER frequency;
    LARGE_INTEGER counter = KeQueryPerformanceCounter(&frequency);
    ULONGLONG ticks = RawNow() - g_RawBase;
    ULONGLONG elapsed = (ULONGLONG)(counter.QuadPart - g_CounterBase.QuadPart);

    if (!g_UseTsc || elapsed == 0) return (ULONGLONG)frequency.QuadPart;
    /* In two steps: ticks times frequency does not fit in 64 bits. */
    return ticks / elapsed * (ULONGLONG)frequency.QuadPart +
           ticks % elapsed * ((ULONGLONG)frequency.QuadPart / 1000) / elapsed * 1000;
}

VOID ClockDescribe(PREGMON_BATCH Batch) {
    Batch->RawFrequency = RawFrequency();
    Batch->RawBase = g_RawBase;
    Batch->TimeBase = g_TimeBase.QuadPart;
}
