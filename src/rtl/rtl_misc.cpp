// Rtl* routines on memory, time, versions and random numbers.
#include <execinfo.h>

#include <algorithm>
#include <vector>

#include "wdk/wdm.h"

namespace {

constexpr LONGLONG ticks_per_second = 10'000'000;
constexpr LONGLONG ticks_per_day = ticks_per_second * 86'400;
constexpr LONGLONG seconds_1601_to_1970 = 11'644'473'600;
constexpr LONGLONG days_1601_to_1970 = 134'774;

// The version that this executive answers to.
constexpr ULONG major_version = 10;
constexpr ULONG minor_version = 0;
constexpr ULONG build_number = 19045;
constexpr ULONG platform_nt = 2;

// Proleptic Gregorian calendar, days counted from 1970-01-01; years are taken to begin in March.
struct Civil {
    LONGLONG year;
    int month;
    int day;
};

Civil civil_of(LONGLONG days) {
    const LONGLONG shifted = days + 719'468;
    const LONGLONG era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const LONGLONG day_of_era = shifted - era * 146'097;
    const LONGLONG year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const LONGLONG day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const LONGLONG march_month = (5 * day_of_year + 2) / 153;
    const auto month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
    const auto day = static_cast<int>(day_of_year - (153 * march_month + 2) / 5 + 1);
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

LONGLONG days_of(LONGLONG year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const LONGLONG era = year / 400;
    const LONGLONG year_of_era = year - era * 400;
    const LONGLONG day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

bool leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(int year, int month) {
    constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

bool between(int value, int low, int high) { return value >= low && value <= high; }

// Where VerSetConditionMask keeps the condition of a type bit: three bits for each.
unsigned condition_shift(ULONG type) { return static_cast<unsigned>(__builtin_ctz(type)) * 3; }

bool holds(int order, ULONG condition) {
    switch (condition) {
        case VER_EQUAL:
            return order == 0;
        case VER_GREATER:
            return order > 0;
        case VER_GREATER_EQUAL:
            return order >= 0;
        case VER_LESS:
            return order < 0;
        case VER_LESS_EQUAL:
            return order <= 0;
        default:
            return false;
    }
}

int order_of(ULONG ours, ULONG theirs) { return ours < theirs ? -1 : ours > theirs ? 1 : 0; }

}  // namespace

extern "C" {

SIZE_T RtlCompareMemory(const VOID* Source1, const VOID* Source2, SIZE_T Length) {
    const auto* a = static_cast<const UCHAR*>(Source1);
    const auto* b = static_cast<const UCHAR*>(Source2);
    return static_cast<SIZE_T>(std::mismatch(a, a + Length, b).first - a);
}

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields) {
    const LONGLONG days = Time->QuadPart / ticks_per_day;
    const LONGLONG milliseconds = Time->QuadPart % ticks_per_day / 10'000;
    const Civil date = civil_of(days - days_1601_to_1970);
    TimeFields->Year = static_cast<CSHORT>(date.year);
    TimeFields->Month = static_cast<CSHORT>(date.month);
    TimeFields->Day = static_cast<CSHORT>(date.day);
    TimeFields->Hour = static_cast<CSHORT>(milliseconds / 3'600'000);
    TimeFields->Minute = static_cast<CSHORT>(milliseconds / 60'000 % 60);
    TimeFields->Second = static_cast<CSHORT>(milliseconds / 1000 % 60);
    TimeFields->Milliseconds = static_cast<CSHORT>(milliseconds % 1000);
    TimeFields->Weekday = static_cast<CSHORT>((days + 1) % 7);  // 1601-01-01 was a Monday
}

BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time) {
    const TIME_FIELDS& f = *TimeFields;
    if (!between(f.Year, 1601, 30827) || !between(f.Month, 1, 12) || !between(f.Hour, 0, 23) ||
        !between(f.Minute, 0, 59) || !between(f.Second, 0, 59) || !between(f.Milliseconds, 0, 999) ||
        !between(f.Day, 1, days_in_month(f.Year, f.Month))) {
        return FALSE;
    }
    const LONGLONG days = days_of(f.Year, f.Month, f.Day) + days_1601_to_1970;
    const LONGLONG seconds = ((days * 24 + f.Hour) * 60 + f.Minute) * 60 + f.Second;
    Time->QuadPart = seconds * ticks_per_second + LONGLONG{f.Milliseconds} * 10'000;
    return TRUE;
}

BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds) {
    const LONGLONG seconds = Time->QuadPart / ticks_per_second - seconds_1601_to_1970;
    if (seconds < 0 || seconds > MAXULONG) return FALSE;
    *ElapsedSeconds = static_cast<ULONG>(seconds);
    return TRUE;
}

VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time) {
    Time->QuadPart = (seconds_1601_to_1970 + ElapsedSeconds) * ticks_per_second;
}

ULONG RtlRandomEx(PULONG Seed) {
    *Seed = static_cast<ULONG>((ULONGLONG{*Seed} * 0x7FFFFFED + 0x7FFFFFC3) % MAXLONG);
    return *Seed;
}

ULONG RtlRandom(PULONG Seed) { return RtlRandomEx(Seed); }

NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation) {
    const ULONG size = VersionInformation->dwOSVersionInfoSize;
    memset(VersionInformation, 0, sizeof *VersionInformation);
    VersionInformation->dwOSVersionInfoSize = size;
    VersionInformation->dwMajorVersion = major_version;
    VersionInformation->dwMinorVersion = minor_version;
    VersionInformation->dwBuildNumber = build_number;
    VersionInformation->dwPlatformId = platform_nt;
    if (size < sizeof(RTL_OSVERSIONINFOEXW)) return STATUS_SUCCESS;
    auto* extended = reinterpret_cast<PRTL_OSVERSIONINFOEXW>(VersionInformation);
    extended->wServicePackMajor = 0;
    extended->wServicePackMinor = 0;
    extended->wSuiteMask = 0;
    extended->wProductType = 1;  // workstation
    extended->wReserved = 0;
    return STATUS_SUCCESS;
}

ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition) {
    if (TypeMask == 0) return ConditionMask;
    return ConditionMask | ULONGLONG{Condition & 7u} << condition_shift(TypeMask);
}

// Major, minor and service pack are one number, compared by the condition of its first part that was asked for.
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask, ULONGLONG ConditionMask) {
    struct Part {
        ULONG type;
        ULONG ours;
        ULONG theirs;
    };
    const Part parts[] = {{VER_MAJORVERSION, major_version, VersionInfo->dwMajorVersion},
                          {VER_MINORVERSION, minor_version, VersionInfo->dwMinorVersion},
                          {VER_SERVICEPACKMAJOR, 0, VersionInfo->wServicePackMajor},
                          {VER_SERVICEPACKMINOR, 0, VersionInfo->wServicePackMinor}};
    constexpr ULONG known =
        VER_MAJORVERSION | VER_MINORVERSION | VER_SERVICEPACKMAJOR | VER_SERVICEPACKMINOR | VER_BUILDNUMBER;
    if (TypeMask == 0 || (TypeMask & ~known) != 0) return STATUS_INVALID_PARAMETER;
    const auto condition = [&](ULONG type) { return static_cast<ULONG>(ConditionMask >> condition_shift(type)) & 7u; };
    ULONG asked = 0;
    int order = 0;
    for (const Part& part : parts) {
        if ((TypeMask & part.type) == 0) continue;
        if (asked == 0) asked = condition(part.type);
        if (order == 0) order = order_of(part.ours, part.theirs);
    }
    if ((TypeMask & ~ULONG{VER_BUILDNUMBER}) != 0 && !holds(order, asked)) return STATUS_REVISION_MISMATCH;
    if ((TypeMask & VER_BUILDNUMBER) == 0) return STATUS_SUCCESS;
    const bool build = holds(order_of(build_number, VersionInfo->dwBuildNumber), condition(VER_BUILDNUMBER));
    return build ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

ULONG RtlWalkFrameChain(PVOID* Callers, ULONG Count, ULONG Flags) {
    if (Flags != 0 || Count == 0) return 0;
    return static_cast<ULONG>(backtrace(Callers, static_cast<int>(std::min<ULONG>(Count, 256))));
}

}  // extern "C"
