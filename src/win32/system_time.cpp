// Broken-down and local times.
#include <time.h>

#include "rtl/time.h"
#include "win32/predefined.h"
#include "win32/timezoneapi.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;

std::int64_t ticks_of(const FILETIME& time) {
    return static_cast<std::int64_t>(std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime);
}

FILETIME file_time(std::int64_t ticks) {
    return {static_cast<DWORD>(ticks), static_cast<DWORD>(static_cast<std::uint64_t>(ticks) >> 32)};
}

// Today's distance of local time from UTC: Windows applies it to every time, whatever its season.
std::int64_t local_offset() {
    const time_t now = time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    return local.tm_gmtoff * ticks_per_second;
}

bool is_valid(const SYSTEMTIME& time) {
    static constexpr WORD lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (time.wYear < 1601 || time.wYear > 30827 || time.wMonth < 1 || time.wMonth > 12 || time.wDay < 1) return false;
    const bool leap = (time.wYear % 4 == 0 && time.wYear % 100 != 0) || time.wYear % 400 == 0;
    const int length = lengths[time.wMonth - 1] + (leap && time.wMonth == 2 ? 1 : 0);
    return time.wDay <= length && time.wHour < 24 && time.wMinute < 60 && time.wSecond < 60 &&
           time.wMilliseconds < 1000;
}

BOOL shifted(const FILETIME* from, FILETIME* to, std::int64_t by) {
    *to = file_time(ticks_of(*from) + by);
    return TRUE;
}

}  // namespace

extern "C" {

void WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME lpSystemTimeAsFileTime) {
    *lpSystemTimeAsFileTime = file_time(rtl::nt_time_now());
}

void WINAPI GetSystemTime(LPSYSTEMTIME lpSystemTime) {
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    FileTimeToSystemTime(&now, lpSystemTime);
}

void WINAPI GetLocalTime(LPSYSTEMTIME lpSystemTime) {
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    FileTimeToLocalFileTime(&now, &now);
    FileTimeToSystemTime(&now, lpSystemTime);
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME* lpSystemTime, LPFILETIME lpFileTime) {
    if (!is_valid(*lpSystemTime)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    tm parts{};
    parts.tm_year = lpSystemTime->wYear - 1900;
    parts.tm_mon = lpSystemTime->wMonth - 1;
    parts.tm_mday = lpSystemTime->wDay;
    parts.tm_hour = lpSystemTime->wHour;
    parts.tm_min = lpSystemTime->wMinute;
    parts.tm_sec = lpSystemTime->wSecond;
    const std::int64_t seconds = timegm(&parts);
    *lpFileTime = file_time(seconds * ticks_per_second + std::int64_t{lpSystemTime->wMilliseconds} * 10'000 +
                            rtl::nt_epoch_offset);
    return TRUE;
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME* lpFileTime, LPFILETIME lpLocalFileTime) {
    return shifted(lpFileTime, lpLocalFileTime, local_offset());
}

BOOL WINAPI LocalFileTimeToFileTime(const FILETIME* lpLocalFileTime, LPFILETIME lpFileTime) {
    return shifted(lpLocalFileTime, lpFileTime, -local_offset());
}
}
