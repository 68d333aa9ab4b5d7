// Events, mutexes and semaphores.
#include "win32/synchapi.h"

#include "win32/convert.h"
#include "win32/named_object.h"

using namespace regent;
using namespace regent::win32;

namespace {

HANDLE wrong_flags() {
    SetLastError(ERROR_INVALID_PARAMETER);
    return nullptr;
}

}  // namespace

extern "C" {

HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES lpEventAttributes, LPCWSTR lpName, DWORD dwFlags,
                             DWORD dwDesiredAccess) {
    constexpr DWORD legal = CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET;
    if ((dwFlags & ~legal) != 0) return wrong_flags();
    const EVENT_TYPE type = (dwFlags & CREATE_EVENT_MANUAL_RESET) != 0 ? NotificationEvent : SynchronizationEvent;
    const BOOLEAN set = (dwFlags & CREATE_EVENT_INITIAL_SET) != 0 ? TRUE : FALSE;
    return create_named(lpEventAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateEvent(handle, dwDesiredAccess, attributes, type, set);
    });
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES lpEventAttributes, BOOL bManualReset, BOOL bInitialState,
                           LPCWSTR lpName) {
    const DWORD flags =
        (bManualReset ? CREATE_EVENT_MANUAL_RESET : 0u) | (bInitialState ? CREATE_EVENT_INITIAL_SET : 0u);
    return CreateEventExW(lpEventAttributes, lpName, flags, EVENT_ALL_ACCESS);
}

HANDLE WINAPI OpenEventW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName) {
    return open_named(NtOpenEvent, dwDesiredAccess, bInheritHandle, lpName);
}

BOOL WINAPI SetEvent(HANDLE hEvent) { return finish(NtSetEvent(hEvent, nullptr)); }
BOOL WINAPI ResetEvent(HANDLE hEvent) { return finish(NtResetEvent(hEvent, nullptr)); }
BOOL WINAPI PulseEvent(HANDLE hEvent) { return finish(NtPulseEvent(hEvent, nullptr)); }

HANDLE WINAPI CreateMutexExW(LPSECURITY_ATTRIBUTES lpMutexAttributes, LPCWSTR lpName, DWORD dwFlags,
                             DWORD dwDesiredAccess) {
    if ((dwFlags & ~static_cast<DWORD>(CREATE_MUTEX_INITIAL_OWNER)) != 0) return wrong_flags();
    return create_named(lpMutexAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateMutant(handle, dwDesiredAccess, attributes, dwFlags != 0 ? TRUE : FALSE);
    });
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner, LPCWSTR lpName) {
    return CreateMutexExW(lpMutexAttributes, lpName, bInitialOwner ? CREATE_MUTEX_INITIAL_OWNER : 0, MUTEX_ALL_ACCESS);
}

HANDLE WINAPI OpenMutexW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName) {
    return open_named(NtOpenMutant, dwDesiredAccess, bInheritHandle, lpName);
}

BOOL WINAPI ReleaseMutex(HANDLE hMutex) { return finish(NtReleaseMutant(hMutex, nullptr)); }

HANDLE WINAPI CreateSemaphoreExW(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                                 LPCWSTR lpName, DWORD dwFlags, DWORD dwDesiredAccess) {
    if (dwFlags != 0) return wrong_flags();
    return create_named(lpSemaphoreAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateSemaphore(handle, dwDesiredAccess, attributes, lInitialCount, lMaximumCount);
    });
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                               LPCWSTR lpName) {
    return CreateSemaphoreExW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, lpName, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI OpenSemaphoreW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName) {
    return open_named(NtOpenSemaphore, dwDesiredAccess, bInheritHandle, lpName);
}

BOOL WINAPI ReleaseSemaphore(HANDLE hSemaphore, LONG lReleaseCount, LPLONG lpPreviousCount) {
    return finish(NtReleaseSemaphore(hSemaphore, lReleaseCount, lpPreviousCount));
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES lpEventAttributes, BOOL bManualReset, BOOL bInitialState,
                           LPCSTR lpName) {
    return CreateEventW(lpEventAttributes, bManualReset, bInitialState, WideArgument(lpName).get());
}

HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES lpEventAttributes, LPCSTR lpName, DWORD dwFlags,
                             DWORD dwDesiredAccess) {
    return CreateEventExW(lpEventAttributes, WideArgument(lpName).get(), dwFlags, dwDesiredAccess);
}

HANDLE WINAPI OpenEventA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
    return OpenEventW(dwDesiredAccess, bInheritHandle, WideArgument(lpName).get());
}

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner, LPCSTR lpName) {
    return CreateMutexW(lpMutexAttributes, bInitialOwner, WideArgument(lpName).get());
}

HANDLE WINAPI CreateMutexExA(LPSECURITY_ATTRIBUTES lpMutexAttributes, LPCSTR lpName, DWORD dwFlags,
                             DWORD dwDesiredAccess) {
    return CreateMutexExW(lpMutexAttributes, WideArgument(lpName).get(), dwFlags, dwDesiredAccess);
}

HANDLE WINAPI OpenMutexA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
    return OpenMutexW(dwDesiredAccess, bInheritHandle, WideArgument(lpName).get());
}

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                               LPCSTR lpName) {
    return CreateSemaphoreW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, WideArgument(lpName).get());
}

HANDLE WINAPI CreateSemaphoreExA(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                                 LPCSTR lpName, DWORD dwFlags, DWORD dwDesiredAccess) {
    return CreateSemaphoreExW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, WideArgument(lpName).get(), dwFlags,
                              dwDesiredAccess);
}

HANDLE WINAPI OpenSemaphoreA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpName) {
    return OpenSemaphoreW(dwDesiredAccess, bInheritHandle, WideArgument(lpName).get());
}
}
