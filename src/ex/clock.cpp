// The clocks. The performance counter is the time stamp counter where that runs at one rate on all processors.
#include <cpuid.h>
#include <sched.h>
#include <x86intrin.h>

#include <random>

#include "ex/thread_state.h"
#include "rtl/time.h"

namespace {

constexpr ULONG time_increment = 156'250;  // 100 ns units per tick, as on Windows x64
constexpr ULONGLONG nanoseconds_per_second = 1'000'000'000;

bool invariant_tsc() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}

// Ticks of the time stamp counter in a second, or 0 when it cannot serve as a clock.
ULONGLONG measure_frequency() {
    if (!invariant_tsc()) return 0;
    const std::int64_t start = regent::rtl::monotonic_ns();
    const ULONGLONG first = __rdtsc();
    std::int64_t now = start;
    while (now - start < 5'000'000) now = regent::rtl::monotonic_ns();
    const ULONGLONG ticks = __rdtsc() - first;
    const ULONGLONG frequency = ticks * nanoseconds_per_second / static_cast<ULONGLONG>(now - start);
    return frequency / 1000 * 1000;
}

ULONGLONG tsc_frequency() {
    static const ULONGLONG frequency = measure_frequency();
    return frequency;
}

ULONGLONG interrupt_time() { return static_cast<ULONGLONG>(regent::rtl::monotonic_ns()) / 100; }

LONGLONG local_bias() {
    const time_t now = time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    return static_cast<LONGLONG>(local.tm_gmtoff) * 10'000'000;
}

}  // namespace

extern "C" {

VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) { CurrentTime->QuadPart = regent::rtl::nt_time_now(); }

VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    CurrentTime->QuadPart = regent::rtl::nt_epoch_offset + now.tv_sec * 10'000'000LL + now.tv_nsec / 100;
}

ULONGLONG KeQueryInterruptTime(VOID) { return interrupt_time(); }
ULONGLONG KeQueryUnbiasedInterruptTime(VOID) { return interrupt_time(); }

ULONGLONG KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp) {
    *QpcTimeStamp = static_cast<ULONG64>(KeQueryPerformanceCounter(nullptr).QuadPart);
    return interrupt_time();
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency) {
    const ULONGLONG frequency = tsc_frequency();
    LARGE_INTEGER counter;
    if (PerformanceFrequency != nullptr) {
        PerformanceFrequency->QuadPart = static_cast<LONGLONG>(frequency != 0 ? frequency : nanoseconds_per_second);
    }
    counter.QuadPart = frequency != 0 ? static_cast<LONGLONG>(__rdtsc()) : regent::rtl::monotonic_ns();
    return counter;
}

VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
    CurrentCount->QuadPart = static_cast<LONGLONG>(interrupt_time() / time_increment);
}

ULONG KeQueryTimeIncrement(VOID) { return time_increment; }

ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors) {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    if (ActiveProcessors != nullptr) *ActiveProcessors = count >= 64 ? ~KAFFINITY{0} : (KAFFINITY{1} << count) - 1;
    return static_cast<ULONG>(count);
}

ULONG KeGetCurrentProcessorNumberEx(PVOID) {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : static_cast<ULONG>(cpu);
}

VOID KeStallExecutionProcessor(ULONG MicroSeconds) {
    const std::int64_t end = regent::rtl::monotonic_ns() + std::int64_t{MicroSeconds} * 1000;
    while (regent::rtl::monotonic_ns() < end) YieldProcessor();
}

VOID ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime) {
    LocalTime->QuadPart = SystemTime->QuadPart + local_bias();
}

VOID ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime) {
    SystemTime->QuadPart = LocalTime->QuadPart - local_bias();
}

NTSTATUS ExUuidCreate(UUID* Uuid) {
    std::random_device random;
    for (unsigned i = 0; i < sizeof(UUID) / 4; ++i) {
        const unsigned value = random();
        memcpy(reinterpret_cast<char*>(Uuid) + 4 * i, &value, 4);
    }
    Uuid->Data3 = static_cast<USHORT>((Uuid->Data3 & 0x0FFF) | 0x4000);   // version 4
    Uuid->Data4[0] = static_cast<UCHAR>((Uuid->Data4[0] & 0x3F) | 0x80);  // variant of RFC 4122
    return STATUS_SUCCESS;
}

BOOLEAN ExIsProcessorFeaturePresent(ULONG) { return FALSE; }

}  // extern "C"
