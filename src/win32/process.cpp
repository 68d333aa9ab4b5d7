// Process facts, clocks and memory: thin names over the host.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "rtl/time.h"
#include "rtl/utf16.h"
#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;

void* allocate(SIZE_T size, bool zero) {
    // Windows gives a valid block for 0 bytes.
    return zero ? std::calloc(1, size == 0 ? 1 : size) : std::malloc(size == 0 ? 1 : size);
}

// A block of the heap tells its size: HeapSize is exact on Windows, the C library's answer is not.
struct alignas(MEMORY_ALLOCATION_ALIGNMENT) HeapBlock {
    SIZE_T size;
};

HeapBlock* block_of(LPVOID memory) { return static_cast<HeapBlock*>(memory) - 1; }

}  // namespace

extern "C" {

DWORD WINAPI GetCurrentProcessId(void) { return static_cast<DWORD>(getpid()); }
DWORD WINAPI GetCurrentThreadId(void) { return static_cast<DWORD>(syscall(SYS_gettid)); }
HANDLE WINAPI GetCurrentProcess(void) { return NtCurrentProcess(); }
HANDLE WINAPI GetCurrentThread(void) { return NtCurrentThread(); }

ULONGLONG WINAPI GetTickCount64(void) { return static_cast<ULONGLONG>(rtl::monotonic_ns() / 1'000'000); }
DWORD WINAPI GetTickCount(void) { return static_cast<DWORD>(GetTickCount64()); }

void WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime) {
    const auto now = static_cast<std::uint64_t>(rtl::nt_time_tick());
    *lpSystemTimeAsFileTime = {static_cast<DWORD>(now), static_cast<DWORD>(now >> 32)};
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME* lpFileTime, LPSYSTEMTIME lpSystemTime) {
    const auto ticks =
        static_cast<std::int64_t>(std::uint64_t{lpFileTime->dwHighDateTime} << 32 | lpFileTime->dwLowDateTime);
    const std::int64_t unix_ticks = ticks - rtl::nt_epoch_offset;
    std::int64_t seconds = unix_ticks / ticks_per_second;
    std::int64_t rest = unix_ticks % ticks_per_second;
    if (rest < 0) {
        rest += ticks_per_second;
        --seconds;
    }
    const auto time = static_cast<time_t>(seconds);
    tm parts{};
    if (ticks < 0 || gmtime_r(&time, &parts) == nullptr) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    lpSystemTime->wYear = static_cast<WORD>(parts.tm_year + 1900);
    lpSystemTime->wMonth = static_cast<WORD>(parts.tm_mon + 1);
    lpSystemTime->wDayOfWeek = static_cast<WORD>(parts.tm_wday);
    lpSystemTime->wDay = static_cast<WORD>(parts.tm_mday);
    lpSystemTime->wHour = static_cast<WORD>(parts.tm_hour);
    lpSystemTime->wMinute = static_cast<WORD>(parts.tm_min);
    lpSystemTime->wSecond = static_cast<WORD>(parts.tm_sec);
    lpSystemTime->wMilliseconds = static_cast<WORD>(rest / 10'000);
    return TRUE;
}

LONG WINAPI CompareFileTime(const FILETIME* lpFileTime1, const FILETIME* lpFileTime2) {
    const auto first = std::uint64_t{lpFileTime1->dwHighDateTime} << 32 | lpFileTime1->dwLowDateTime;
    const auto second = std::uint64_t{lpFileTime2->dwHighDateTime} << 32 | lpFileTime2->dwLowDateTime;
    return first < second ? -1 : first > second ? 1 : 0;
}

BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER* lpPerformanceCount) {
    lpPerformanceCount->QuadPart = rtl::monotonic_ns() / 100;
    return TRUE;
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER* lpFrequency) {
    lpFrequency->QuadPart = ticks_per_second;
    return TRUE;
}

HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes) { return allocate(uBytes, (uFlags & LMEM_ZEROINIT) != 0); }
HLOCAL WINAPI LocalFree(HLOCAL hMem) {
    std::free(hMem);
    return nullptr;
}
HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes) { return LocalAlloc(uFlags, dwBytes); }
HGLOBAL WINAPI GlobalFree(HGLOBAL hMem) { return LocalFree(hMem); }

// There is one heap, the C library's; its handle only has to be recognisable.
HANDLE WINAPI GetProcessHeap(void) {
    static char heap;
    return &heap;
}

LPVOID WINAPI HeapAlloc(HANDLE, DWORD dwFlags, SIZE_T dwBytes) {
    if (dwBytes > SIZE_MAX - sizeof(HeapBlock)) return nullptr;
    auto* block = static_cast<HeapBlock*>(allocate(dwBytes + sizeof(HeapBlock), (dwFlags & HEAP_ZERO_MEMORY) != 0));
    if (block == nullptr) return nullptr;
    block->size = dwBytes;
    return block + 1;
}

LPVOID WINAPI HeapReAlloc(HANDLE, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes) {
    if (lpMem == nullptr || dwBytes > SIZE_MAX - sizeof(HeapBlock)) return nullptr;
    const SIZE_T old_size = block_of(lpMem)->size;
    auto* block = static_cast<HeapBlock*>(std::realloc(block_of(lpMem), dwBytes + sizeof(HeapBlock)));
    if (block == nullptr) return nullptr;
    block->size = dwBytes;
    auto* bytes = reinterpret_cast<BYTE*>(block + 1);
    if ((dwFlags & HEAP_ZERO_MEMORY) != 0 && dwBytes > old_size) std::memset(bytes + old_size, 0, dwBytes - old_size);
    return bytes;
}

SIZE_T WINAPI HeapSize(HANDLE, DWORD, LPCVOID lpMem) { return block_of(const_cast<LPVOID>(lpMem))->size; }

BOOL WINAPI HeapFree(HANDLE, DWORD, LPVOID lpMem) {
    if (lpMem != nullptr) std::free(block_of(lpMem));
    return TRUE;
}

// Memory is never moved: a handle is its address.
LPVOID WINAPI GlobalLock(HGLOBAL hMem) { return hMem; }
BOOL WINAPI GlobalUnlock(HGLOBAL) {
    SetLastError(NO_ERROR);
    return FALSE;
}

// There is no user-mode debugger to receive it; stderr is where a Linux user looks.
void WINAPI OutputDebugStringA(LPCSTR lpOutputString) {
    if (lpOutputString != nullptr) std::fputs(lpOutputString, stderr);
}

void WINAPI OutputDebugStringW(LPCWSTR lpOutputString) {
    OutputDebugStringA(rtl::to_utf8(units_of(lpOutputString)).c_str());
}
}
