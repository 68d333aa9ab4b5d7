// Waitable timers, the wait that signals first, and routines queued to threads.
#include "win32/convert.h"
#include "win32/named_object.h"
#include "win32/process_thread.h"
#include "win32/synchapi.h"
#include "win32/thread.h"

using namespace regent;
using namespace regent::win32;

namespace {

// QueueUserAPC's routine has one argument.
VOID NTAPI run_apc(PVOID routine, PVOID data, PVOID) {
    reinterpret_cast<PAPCFUNC>(routine)(reinterpret_cast<ULONG_PTR>(data));
}

}  // namespace

extern "C" {

HANDLE WINAPI CreateWaitableTimerExW(LPSECURITY_ATTRIBUTES lpTimerAttributes, LPCWSTR lpTimerName, DWORD dwFlags,
                                     DWORD dwDesiredAccess) {
    constexpr DWORD legal = CREATE_WAITABLE_TIMER_MANUAL_RESET | CREATE_WAITABLE_TIMER_HIGH_RESOLUTION;
    if ((dwFlags & ~legal) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    const bool manual = (dwFlags & CREATE_WAITABLE_TIMER_MANUAL_RESET) != 0;
    return create_named(lpTimerAttributes, lpTimerName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateTimer(handle, dwDesiredAccess, attributes, manual ? NotificationTimer : SynchronizationTimer);
    });
}

HANDLE WINAPI CreateWaitableTimerW(LPSECURITY_ATTRIBUTES lpTimerAttributes, BOOL bManualReset, LPCWSTR lpTimerName) {
    return CreateWaitableTimerExW(lpTimerAttributes, lpTimerName, bManualReset ? CREATE_WAITABLE_TIMER_MANUAL_RESET : 0,
                                  TIMER_ALL_ACCESS);
}

HANDLE WINAPI OpenWaitableTimerW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpTimerName) {
    return open_named(NtOpenTimer, dwDesiredAccess, bInheritHandle, lpTimerName);
}

// The routine runs in an alertable wait of the calling thread.
BOOL WINAPI SetWaitableTimer(HANDLE hTimer, const LARGE_INTEGER* lpDueTime, LONG lPeriod,
                             PTIMERAPCROUTINE pfnCompletionRoutine, LPVOID lpArgToCompletionRoutine, BOOL fResume) {
    const NTSTATUS status = NtSetTimer(hTimer, const_cast<LARGE_INTEGER*>(lpDueTime),
                                       reinterpret_cast<PTIMER_APC_ROUTINE>(pfnCompletionRoutine),
                                       lpArgToCompletionRoutine, fResume ? TRUE : FALSE, lPeriod, nullptr);
    // A success whose last error says that no machine will be woken.
    if (status == STATUS_TIMER_RESUME_IGNORED) SetLastError(ERROR_NOT_SUPPORTED);
    return finish(status);
}

BOOL WINAPI CancelWaitableTimer(HANDLE hTimer) { return finish(NtCancelTimer(hTimer, nullptr)); }

DWORD WINAPI SignalObjectAndWait(HANDLE hObjectToSignal, HANDLE hObjectToWaitOn, DWORD dwMilliseconds,
                                 BOOL bAlertable) {
    LARGE_INTEGER timeout;
    timeout.QuadPart = -static_cast<LONGLONG>(dwMilliseconds) * 10'000;
    const NTSTATUS status = NtSignalAndWaitForSingleObject(hObjectToSignal, hObjectToWaitOn, bAlertable ? TRUE : FALSE,
                                                           dwMilliseconds == INFINITE ? nullptr : &timeout);
    if (status == STATUS_TIMEOUT) return WAIT_TIMEOUT;
    return finish(status) ? static_cast<DWORD>(status) : WAIT_FAILED;
}

DWORD WINAPI QueueUserAPC(PAPCFUNC pfnAPC, HANDLE hThread, ULONG_PTR dwData) {
    HANDLE thread = nullptr;
    NTSTATUS status = thread_object(hThread, &thread);
    if (NT_SUCCESS(status)) {
        status = NtQueueApcThread(thread, run_apc, reinterpret_cast<PVOID>(pfnAPC), reinterpret_cast<PVOID>(dwData),
                                  nullptr);
    }
    return finish(status) ? 1 : 0;
}

HANDLE WINAPI CreateWaitableTimerExA(LPSECURITY_ATTRIBUTES lpTimerAttributes, LPCSTR lpTimerName, DWORD dwFlags,
                                     DWORD dwDesiredAccess) {
    return CreateWaitableTimerExW(lpTimerAttributes, WideArgument(lpTimerName).get(), dwFlags, dwDesiredAccess);
}

HANDLE WINAPI CreateWaitableTimerA(LPSECURITY_ATTRIBUTES lpTimerAttributes, BOOL bManualReset, LPCSTR lpTimerName) {
    return CreateWaitableTimerW(lpTimerAttributes, bManualReset, WideArgument(lpTimerName).get());
}

HANDLE WINAPI OpenWaitableTimerA(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCSTR lpTimerName) {
    return OpenWaitableTimerW(dwDesiredAccess, bInheritHandle, WideArgument(lpTimerName).get());
}
}
