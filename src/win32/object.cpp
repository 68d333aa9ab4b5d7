// Handles and waits.
#include <time.h>
#include <unistd.h>

#include "nt/ntservices.h"
#include "win32/predefined.h"
#include "win32/thread.h"

using namespace regent;
using namespace regent::win32;

namespace {

BOOL finish(NTSTATUS status) {
    if (NT_SUCCESS(status)) return TRUE;
    SetLastError(RtlNtStatusToDosError(status));
    return FALSE;
}

// A wait's relative time in 100 ns; null for INFINITE.
LARGE_INTEGER* timeout_of(DWORD milliseconds, LARGE_INTEGER& storage) {
    if (milliseconds == INFINITE) return nullptr;
    storage.QuadPart = -static_cast<LONGLONG>(milliseconds) * 10000;
    return &storage;
}

DWORD wait_result(NTSTATUS status) {
    if (status == STATUS_TIMEOUT) return WAIT_TIMEOUT;
    if (!NT_SUCCESS(status)) {
        SetLastError(RtlNtStatusToDosError(status));
        return WAIT_FAILED;
    }
    return static_cast<DWORD>(status);  // STATUS_WAIT_0 + n, STATUS_ABANDONED_WAIT_0 + n, STATUS_USER_APC
}

}  // namespace

extern "C" {

BOOL WINAPI CloseHandle(HANDLE hObject) {
    forget_thread(hObject);
    return finish(NtClose(hObject));
}

BOOL WINAPI DuplicateHandle(HANDLE hSourceProcessHandle, HANDLE hSourceHandle, HANDLE hTargetProcessHandle,
                            HANDLE* lpTargetHandle, DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwOptions) {
    return finish(NtDuplicateObject(hSourceProcessHandle, hSourceHandle, hTargetProcessHandle, lpTargetHandle,
                                    dwDesiredAccess, bInheritHandle ? OBJ_INHERIT : 0, dwOptions));
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE hHandle, DWORD dwMilliseconds, BOOL bAlertable) {
    LARGE_INTEGER storage;
    return wait_result(NtWaitForSingleObject(hHandle, bAlertable ? TRUE : FALSE, timeout_of(dwMilliseconds, storage)));
}

DWORD WINAPI WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds) {
    return WaitForSingleObjectEx(hHandle, dwMilliseconds, FALSE);
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD nCount, const HANDLE* lpHandles, BOOL bWaitAll, DWORD dwMilliseconds,
                                      BOOL bAlertable) {
    LARGE_INTEGER storage;
    return wait_result(NtWaitForMultipleObjects(nCount, const_cast<HANDLE*>(lpHandles), bWaitAll ? WaitAll : WaitAny,
                                                bAlertable ? TRUE : FALSE, timeout_of(dwMilliseconds, storage)));
}

DWORD WINAPI WaitForMultipleObjects(DWORD nCount, const HANDLE* lpHandles, BOOL bWaitAll, DWORD dwMilliseconds) {
    return WaitForMultipleObjectsEx(nCount, lpHandles, bWaitAll, dwMilliseconds, FALSE);
}

void WINAPI Sleep(DWORD dwMilliseconds) {
    if (dwMilliseconds == INFINITE) {
        for (;;) pause();
    }
    timespec time{static_cast<time_t>(dwMilliseconds / 1000), static_cast<long>(dwMilliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0) {  // interrupted by a signal: the rest (style: allow)
    }
}
}
