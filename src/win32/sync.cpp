// Events, mutexes and semaphores. Their names are those of \\BaseNamedObjects: there is one session, so "Global\\" and
// "Local\\" before a name mean nothing more.
#include "win32/synchapi.h"

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

BOOL finish(NTSTATUS status) {
    if (NT_SUCCESS(status)) return TRUE;
    SetLastError(RtlNtStatusToDosError(status));
    return FALSE;
}

Utf16View without_session(Utf16View name) {
    for (const Utf16View session : {Utf16View(u"Global\\"), Utf16View(u"Local\\")}) {
        if (name.starts_with(session)) return name.substr(session.size());
    }
    return name;
}

// Not movable: the attributes point into it.
class NamedAttributes {
public:
    NamedAttributes(LPCWSTR name, ULONG flags, const SECURITY_ATTRIBUTES* security) : named_(name != nullptr) {
        if (security != nullptr && security->bInheritHandle != 0) flags |= OBJ_INHERIT;
        if (named_) path_ += without_session(units_of(name));
        string_ = rtl::unicode_string(Utf16View(path_).substr(0, max_name_units));
        InitializeObjectAttributes(&object_, named_ ? &string_ : nullptr, flags, nullptr,
                                   security != nullptr ? security->lpSecurityDescriptor : nullptr);
    }
    NamedAttributes(const NamedAttributes&) = delete;
    NamedAttributes& operator=(const NamedAttributes&) = delete;

    bool too_long() const { return path_.size() > max_name_units; }
    POBJECT_ATTRIBUTES get() { return &object_; }

private:
    bool named_;
    Utf16 path_ = u"\\BaseNamedObjects\\";
    UNICODE_STRING string_{};
    OBJECT_ATTRIBUTES object_{};
};

// `service(handle, attributes)` makes the object or finds it. The last error tells which; it is set on success too.
template <typename Service>
HANDLE create(const SECURITY_ATTRIBUTES* security, LPCWSTR name, Service service) {
    NamedAttributes attributes(name, OBJ_OPENIF, security);
    HANDLE handle = nullptr;
    const NTSTATUS status = attributes.too_long() ? STATUS_INVALID_PARAMETER : service(&handle, attributes.get());
    if (!finish(status)) return nullptr;
    SetLastError(status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
    return handle;
}

using OpenService = NTSTATUS(NTAPI*)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);

// ERRORS: INVALID_PARAMETER (no name), the service's. A success leaves the last error alone.
HANDLE open(OpenService service, DWORD access, BOOL inherit, LPCWSTR name) {
    NamedAttributes attributes(name, inherit ? OBJ_INHERIT : 0, nullptr);
    HANDLE handle = nullptr;
    const bool wrong = name == nullptr || attributes.too_long();
    return finish(wrong ? STATUS_INVALID_PARAMETER : service(&handle, access, attributes.get())) ? handle : nullptr;
}

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
    return create(lpEventAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
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
    return open(NtOpenEvent, dwDesiredAccess, bInheritHandle, lpName);
}

BOOL WINAPI SetEvent(HANDLE hEvent) { return finish(NtSetEvent(hEvent, nullptr)); }
BOOL WINAPI ResetEvent(HANDLE hEvent) { return finish(NtResetEvent(hEvent, nullptr)); }
BOOL WINAPI PulseEvent(HANDLE hEvent) { return finish(NtPulseEvent(hEvent, nullptr)); }

HANDLE WINAPI CreateMutexExW(LPSECURITY_ATTRIBUTES lpMutexAttributes, LPCWSTR lpName, DWORD dwFlags,
                             DWORD dwDesiredAccess) {
    if ((dwFlags & ~static_cast<DWORD>(CREATE_MUTEX_INITIAL_OWNER)) != 0) return wrong_flags();
    return create(lpMutexAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateMutant(handle, dwDesiredAccess, attributes, dwFlags != 0 ? TRUE : FALSE);
    });
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES lpMutexAttributes, BOOL bInitialOwner, LPCWSTR lpName) {
    return CreateMutexExW(lpMutexAttributes, lpName, bInitialOwner ? CREATE_MUTEX_INITIAL_OWNER : 0, MUTEX_ALL_ACCESS);
}

HANDLE WINAPI OpenMutexW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName) {
    return open(NtOpenMutant, dwDesiredAccess, bInheritHandle, lpName);
}

BOOL WINAPI ReleaseMutex(HANDLE hMutex) { return finish(NtReleaseMutant(hMutex, nullptr)); }

HANDLE WINAPI CreateSemaphoreExW(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                                 LPCWSTR lpName, DWORD dwFlags, DWORD dwDesiredAccess) {
    if (dwFlags != 0) return wrong_flags();
    return create(lpSemaphoreAttributes, lpName, [&](PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
        return NtCreateSemaphore(handle, dwDesiredAccess, attributes, lInitialCount, lMaximumCount);
    });
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES lpSemaphoreAttributes, LONG lInitialCount, LONG lMaximumCount,
                               LPCWSTR lpName) {
    return CreateSemaphoreExW(lpSemaphoreAttributes, lInitialCount, lMaximumCount, lpName, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI OpenSemaphoreW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName) {
    return open(NtOpenSemaphore, dwDesiredAccess, bInheritHandle, lpName);
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
