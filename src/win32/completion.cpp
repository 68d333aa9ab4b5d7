// Overlapped requests whose routines run when their thread waits alertably: each request has an event of
// its own, which that wait watches. The executive's user APCs run in the same wait.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/process_thread.h"
#include "win32/winerror.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct Request {
    OVERLAPPED* overlapped;
    LPOVERLAPPED_COMPLETION_ROUTINE routine;
    HANDLE event;
};

// Requests of the calling thread whose routines did not run yet.
struct Requests {
    std::vector<Request> pending;
    ~Requests() {
        for (const Request& request : pending) NtClose(request.event);
    }
};
thread_local Requests requests;

NTSTATUS status_of(const OVERLAPPED& overlapped) { return reinterpret_cast<const IO_STATUS_BLOCK&>(overlapped).Status; }

// Runs the routines of those that are done, in the order of the requests. A routine may make new ones.
bool run_completed() {
    bool ran = false;
    for (;;) {
        const auto done = std::ranges::find_if(requests.pending, [](const Request& request) {
            LARGE_INTEGER at_once{};
            return NtWaitForSingleObject(request.event, FALSE, &at_once) == STATUS_WAIT_0;
        });
        if (done == requests.pending.end()) return ran;
        const Request request = *done;
        requests.pending.erase(done);
        NtClose(request.event);
        const NTSTATUS status = status_of(*request.overlapped);
        const DWORD error = NT_SUCCESS(status) ? DWORD{ERROR_SUCCESS} : RtlNtStatusToDosError(status);
        request.routine(error, static_cast<DWORD>(request.overlapped->InternalHigh), request.overlapped);
        ran = true;
    }
}

template <typename Call>
BOOL begin(OVERLAPPED* overlapped, LPOVERLAPPED_COMPLETION_ROUTINE routine, Call call) {
    if (requests.pending.size() >= MAXIMUM_WAIT_OBJECTS) {
        SetLastError(ERROR_NOT_ENOUGH_QUOTA);
        return FALSE;
    }
    HANDLE event = nullptr;
    NTSTATUS status = NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
    if (NT_SUCCESS(status)) {
        overlapped->Internal = static_cast<ULONG_PTR>(STATUS_PENDING);
        LARGE_INTEGER offset;
        offset.u.LowPart = overlapped->Offset;
        offset.u.HighPart = static_cast<LONG>(overlapped->OffsetHigh);
        status = call(event, reinterpret_cast<IO_STATUS_BLOCK*>(overlapped), &offset);
        if (NT_SUCCESS(status)) {
            requests.pending.push_back({overlapped, routine, event});
            return TRUE;
        }
        NtClose(event);
    }
    SetLastError(RtlNtStatusToDosError(status));
    return FALSE;
}

DWORD copy_path(const std::string& path, LPWSTR buffer, DWORD size) {
    Utf16 wide = rtl::from_utf8(path);
    std::ranges::replace(wide, u'/', u'\\');
    if (wide.size() < size) {
        std::copy_n(wide.c_str(), wide.size() + 1, buffer);
        return static_cast<DWORD>(wide.size());
    }
    SetLastError(ERROR_INSUFFICIENT_BUFFER);
    return static_cast<DWORD>(wide.size() + 1);
}

DWORD copy_path(const std::string& path, LPSTR buffer, DWORD size) {
    if (path.size() < size) {
        std::ranges::replace_copy(path, buffer, '/', '\\');
        buffer[path.size()] = '\0';
        return static_cast<DWORD>(path.size());
    }
    SetLastError(ERROR_INSUFFICIENT_BUFFER);
    return static_cast<DWORD>(path.size() + 1);
}

std::string directory() {
    char* const path = getcwd(nullptr, 0);
    std::string text = path != nullptr ? path : "";
    std::free(path);
    return text;
}

}  // namespace

extern "C" {

BOOL WINAPI ReadFileEx(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPOVERLAPPED lpOverlapped,
                       LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine) {
    return begin(lpOverlapped, lpCompletionRoutine, [&](HANDLE event, IO_STATUS_BLOCK* block, LARGE_INTEGER* offset) {
        return NtReadFile(hFile, event, nullptr, nullptr, block, lpBuffer, nNumberOfBytesToRead, offset, nullptr);
    });
}

BOOL WINAPI WriteFileEx(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPOVERLAPPED lpOverlapped,
                        LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine) {
    return begin(lpOverlapped, lpCompletionRoutine, [&](HANDLE event, IO_STATUS_BLOCK* block, LARGE_INTEGER* offset) {
        return NtWriteFile(hFile, event, nullptr, nullptr, block, const_cast<LPVOID>(lpBuffer), nNumberOfBytesToWrite,
                           offset, nullptr);
    });
}

DWORD WINAPI SleepEx(DWORD dwMilliseconds, BOOL bAlertable) {
    if (bAlertable == FALSE) {
        Sleep(dwMilliseconds);
        return 0;
    }
    if (requests.pending.empty()) {
        LARGE_INTEGER interval;
        interval.QuadPart = dwMilliseconds == INFINITE ? INT64_MIN : -static_cast<LONGLONG>(dwMilliseconds) * 10'000;
        const NTSTATUS status = NtDelayExecution(TRUE, &interval);
        if (!NT_SUCCESS(status)) Sleep(dwMilliseconds);  // no registry, no APCs
        return status == STATUS_USER_APC ? DWORD{WAIT_IO_COMPLETION} : 0;
    }
    std::vector<HANDLE> events;
    for (const Request& request : requests.pending) events.push_back(request.event);
    const DWORD woken =
        WaitForMultipleObjectsEx(static_cast<DWORD>(events.size()), events.data(), FALSE, dwMilliseconds, TRUE);
    if (woken == WAIT_FAILED || woken == WAIT_TIMEOUT) return 0;
    return run_completed() || woken == WAIT_IO_COMPLETION ? DWORD{WAIT_IO_COMPLETION} : 0;
}

DWORD WINAPI GetCurrentDirectoryW(DWORD nBufferLength, LPWSTR lpBuffer) {
    return copy_path(directory(), lpBuffer, nBufferLength);
}

DWORD WINAPI GetCurrentDirectoryA(DWORD nBufferLength, LPSTR lpBuffer) {
    return copy_path(directory(), lpBuffer, nBufferLength);
}
}
