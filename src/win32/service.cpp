// Services whose start is the loading of a kernel driver: the service key, NtLoadDriver and NtUnloadDriver.
#include "win32/winsvc.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/winerror.h"
#include "win32/winreg.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr const WCHAR* services = u"System\\CurrentControlSet\\Services\\";

struct ServiceHandle {
    bool manager = false;
    Utf16 name;
    Utf16 key() const { return services + name; }
    Utf16 registry_path() const { return u"\\Registry\\Machine\\" + key(); }
};

SC_HANDLE to_handle(std::unique_ptr<ServiceHandle> service) { return reinterpret_cast<SC_HANDLE>(service.release()); }
ServiceHandle* from_handle(SC_HANDLE handle) { return reinterpret_cast<ServiceHandle*>(handle); }

template <typename T = BOOL>
T fail_with(DWORD error) {
    SetLastError(error);
    return T{};
}

bool is_name(Utf16View name) {
    return !name.empty() && name.size() <= 256 && name.find_first_of(u"/\\") == Utf16View::npos;
}

DWORD read_number(const ServiceHandle& service, const WCHAR* value) {
    DWORD number = 0;
    DWORD size = sizeof number;
    const LSTATUS error =
        RegGetValueW(HKEY_LOCAL_MACHINE, service.key().c_str(), value, RRF_RT_REG_DWORD, nullptr, &number, &size);
    return error == ERROR_SUCCESS ? number : 0;
}

bool exists(const ServiceHandle& service) {
    HKEY key = nullptr;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, service.key().c_str(), 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS)
        return false;
    RegCloseKey(key);
    return true;
}

// A loaded driver has its object in \Driver, under the service's name.
bool is_running(const ServiceHandle& service) {
    Utf16 path = u"\\Driver";
    UNICODE_STRING name = rtl::unicode_string(path);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE directory = nullptr;
    if (!NT_SUCCESS(NtOpenDirectoryObject(&directory, DIRECTORY_QUERY, &object))) return false;
    std::vector<std::byte> buffer(4096);
    ULONG context = 0;
    ULONG needed = 0;
    bool found = false;
    BOOLEAN restart = TRUE;
    while (!found && NT_SUCCESS(NtQueryDirectoryObject(directory, buffer.data(), static_cast<ULONG>(buffer.size()),
                                                       FALSE, restart, &context, &needed))) {
        restart = FALSE;
        for (const auto* entry = reinterpret_cast<const OBJECT_DIRECTORY_INFORMATION*>(buffer.data());
             entry->Name.Buffer != nullptr; ++entry)
            found |= rtl::equal_folded(rtl::view(entry->Name), service.name);
    }
    NtClose(directory);
    return found;
}

// As the service control manager writes paths of drivers: an NT name.
Utf16 image_path(Utf16View path) {
    const bool plain = path.find_first_of(u"/\\") == Utf16View::npos || path.starts_with(u"\\SystemRoot\\") ||
                       path.starts_with(u"System32\\") || path.starts_with(u"\\??\\");
    return plain ? Utf16(path) : nt_file_name(path);
}

LSTATUS write_service(const ServiceHandle& service, const WCHAR* display, DWORD type, DWORD start, DWORD error_control,
                      Utf16View path) {
    HKEY key = nullptr;
    LSTATUS error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, service.key().c_str(), 0, nullptr, 0, KEY_ALL_ACCESS, nullptr,
                                    &key, nullptr);
    if (error != ERROR_SUCCESS) return error;
    const auto set = [&](const WCHAR* name, DWORD kind, const void* data, std::size_t size) {
        if (error == ERROR_SUCCESS)
            error = RegSetValueExW(key, name, 0, kind, static_cast<const BYTE*>(data), static_cast<DWORD>(size));
    };
    const Utf16 image = image_path(path);
    set(u"Type", REG_DWORD, &type, sizeof type);
    set(u"Start", REG_DWORD, &start, sizeof start);
    set(u"ErrorControl", REG_DWORD, &error_control, sizeof error_control);
    set(u"ImagePath", REG_EXPAND_SZ, image.c_str(), (image.size() + 1) * sizeof(WCHAR));
    if (display != nullptr) set(u"DisplayName", REG_SZ, display, (Utf16View(display).size() + 1) * sizeof(WCHAR));
    RegCloseKey(key);
    return error;
}

void remove_service(const ServiceHandle& service) { RegDeleteTreeW(HKEY_LOCAL_MACHINE, service.key().c_str()); }

SERVICE_STATUS status_of(const ServiceHandle& service) {
    SERVICE_STATUS status{};
    const bool running = is_running(service);
    status.dwServiceType = read_number(service, u"Type");
    status.dwCurrentState = running ? SERVICE_RUNNING : SERVICE_STOPPED;
    status.dwControlsAccepted = running ? SERVICE_ACCEPT_STOP : 0;
    status.dwWin32ExitCode = running ? ERROR_SUCCESS : ERROR_SERVICE_NEVER_STARTED;
    return status;
}

}  // namespace

extern "C" {

SC_HANDLE WINAPI OpenSCManagerW(LPCWSTR lpMachineName, LPCWSTR, DWORD) {
    if (lpMachineName != nullptr && *lpMachineName != 0) return fail_with<SC_HANDLE>(RPC_S_SERVER_UNAVAILABLE);
    return to_handle(std::make_unique<ServiceHandle>(ServiceHandle{true, {}}));
}

SC_HANDLE WINAPI OpenSCManagerA(LPCSTR lpMachineName, LPCSTR lpDatabaseName, DWORD dwDesiredAccess) {
    return OpenSCManagerW(WideArgument(lpMachineName).get(), WideArgument(lpDatabaseName).get(), dwDesiredAccess);
}

// ERRORS, in this order: INVALID_HANDLE, INVALID_NAME, MARKED_FOR_DELETE, EXISTS, INVALID_PARAMETER, the registry's.
SC_HANDLE WINAPI CreateServiceW(SC_HANDLE hSCManager, LPCWSTR lpServiceName, LPCWSTR lpDisplayName, DWORD,
                                DWORD dwServiceType, DWORD dwStartType, DWORD dwErrorControl, LPCWSTR lpBinaryPathName,
                                LPCWSTR, LPDWORD, LPCWSTR, LPCWSTR, LPCWSTR) {
    if (hSCManager == nullptr || !from_handle(hSCManager)->manager) return fail_with<SC_HANDLE>(ERROR_INVALID_HANDLE);
    if (lpServiceName == nullptr || !is_name(lpServiceName)) return fail_with<SC_HANDLE>(ERROR_INVALID_NAME);
    auto service = std::make_unique<ServiceHandle>(ServiceHandle{false, lpServiceName});
    if (exists(*service))
        return fail_with<SC_HANDLE>(read_number(*service, u"DeleteFlag") != 0 ? ERROR_SERVICE_MARKED_FOR_DELETE
                                                                              : ERROR_SERVICE_EXISTS);
    if (lpBinaryPathName == nullptr || dwStartType > SERVICE_DISABLED)
        return fail_with<SC_HANDLE>(ERROR_INVALID_PARAMETER);
    const LSTATUS error =
        write_service(*service, lpDisplayName, dwServiceType, dwStartType, dwErrorControl, lpBinaryPathName);
    if (error != ERROR_SUCCESS) return fail_with<SC_HANDLE>(static_cast<DWORD>(error));
    return to_handle(std::move(service));
}

SC_HANDLE WINAPI CreateServiceA(SC_HANDLE hSCManager, LPCSTR lpServiceName, LPCSTR lpDisplayName, DWORD dwDesiredAccess,
                                DWORD dwServiceType, DWORD dwStartType, DWORD dwErrorControl, LPCSTR lpBinaryPathName,
                                LPCSTR lpLoadOrderGroup, LPDWORD lpdwTagId, LPCSTR lpDependencies,
                                LPCSTR lpServiceStartName, LPCSTR lpPassword) {
    return CreateServiceW(hSCManager, WideArgument(lpServiceName).get(), WideArgument(lpDisplayName).get(),
                          dwDesiredAccess, dwServiceType, dwStartType, dwErrorControl,
                          WideArgument(lpBinaryPathName).get(), WideArgument(lpLoadOrderGroup).get(), lpdwTagId,
                          WideArgument(lpDependencies).get(), WideArgument(lpServiceStartName).get(),
                          WideArgument(lpPassword).get());
}

SC_HANDLE WINAPI OpenServiceW(SC_HANDLE hSCManager, LPCWSTR lpServiceName, DWORD) {
    if (hSCManager == nullptr || !from_handle(hSCManager)->manager) return fail_with<SC_HANDLE>(ERROR_INVALID_HANDLE);
    if (lpServiceName == nullptr || !is_name(lpServiceName)) return fail_with<SC_HANDLE>(ERROR_INVALID_NAME);
    auto service = std::make_unique<ServiceHandle>(ServiceHandle{false, lpServiceName});
    if (!exists(*service)) return fail_with<SC_HANDLE>(ERROR_SERVICE_DOES_NOT_EXIST);
    return to_handle(std::move(service));
}

SC_HANDLE WINAPI OpenServiceA(SC_HANDLE hSCManager, LPCSTR lpServiceName, DWORD dwDesiredAccess) {
    return OpenServiceW(hSCManager, WideArgument(lpServiceName).get(), dwDesiredAccess);
}

BOOL WINAPI StartServiceW(SC_HANDLE hService, DWORD, LPCWSTR*) {
    if (hService == nullptr || from_handle(hService)->manager) return fail_with(ERROR_INVALID_HANDLE);
    const ServiceHandle& service = *from_handle(hService);
    Utf16 path = service.registry_path();
    UNICODE_STRING name = rtl::unicode_string(path);
    const NTSTATUS status = NtLoadDriver(&name);
    if (status == STATUS_IMAGE_ALREADY_LOADED) return fail_with(ERROR_SERVICE_ALREADY_RUNNING);
    return NT_SUCCESS(status) ? TRUE : fail_with(RtlNtStatusToDosError(status));
}

BOOL WINAPI StartServiceA(SC_HANDLE hService, DWORD, LPCSTR*) { return StartServiceW(hService, 0, nullptr); }

BOOL WINAPI ControlService(SC_HANDLE hService, DWORD dwControl, LPSERVICE_STATUS lpServiceStatus) {
    if (hService == nullptr || from_handle(hService)->manager) return fail_with(ERROR_INVALID_HANDLE);
    const ServiceHandle& service = *from_handle(hService);
    if (dwControl == SERVICE_CONTROL_INTERROGATE) return QueryServiceStatus(hService, lpServiceStatus);
    if (dwControl != SERVICE_CONTROL_STOP) return fail_with(ERROR_INVALID_PARAMETER);
    if (!is_running(service)) return fail_with(ERROR_SERVICE_NOT_ACTIVE);
    Utf16 path = service.registry_path();
    UNICODE_STRING name = rtl::unicode_string(path);
    const NTSTATUS status = NtUnloadDriver(&name);
    if (status == STATUS_INVALID_DEVICE_REQUEST) return fail_with(ERROR_INVALID_SERVICE_CONTROL);
    if (!NT_SUCCESS(status)) return fail_with(RtlNtStatusToDosError(status));
    *lpServiceStatus = status_of(service);
    lpServiceStatus->dwWin32ExitCode = ERROR_SUCCESS;
    if (read_number(service, u"DeleteFlag") != 0) remove_service(service);
    return TRUE;
}

BOOL WINAPI QueryServiceStatus(SC_HANDLE hService, LPSERVICE_STATUS lpServiceStatus) {
    if (hService == nullptr || from_handle(hService)->manager) return fail_with(ERROR_INVALID_HANDLE);
    *lpServiceStatus = status_of(*from_handle(hService));
    return TRUE;
}

BOOL WINAPI QueryServiceStatusEx(SC_HANDLE hService, SC_STATUS_TYPE InfoLevel, LPBYTE lpBuffer, DWORD cbBufSize,
                                 LPDWORD pcbBytesNeeded) {
    if (hService == nullptr || from_handle(hService)->manager) return fail_with(ERROR_INVALID_HANDLE);
    if (InfoLevel != SC_STATUS_PROCESS_INFO) return fail_with(ERROR_INVALID_LEVEL);
    *pcbBytesNeeded = sizeof(SERVICE_STATUS_PROCESS);
    if (cbBufSize < sizeof(SERVICE_STATUS_PROCESS)) return fail_with(ERROR_INSUFFICIENT_BUFFER);
    const SERVICE_STATUS status = status_of(*from_handle(hService));
    *reinterpret_cast<SERVICE_STATUS_PROCESS*>(lpBuffer) = {
        status.dwServiceType, status.dwCurrentState, status.dwControlsAccepted, status.dwWin32ExitCode, 0, 0, 0, 0, 0};
    return TRUE;
}

BOOL WINAPI DeleteService(SC_HANDLE hService) {
    if (hService == nullptr || from_handle(hService)->manager) return fail_with(ERROR_INVALID_HANDLE);
    const ServiceHandle& service = *from_handle(hService);
    if (read_number(service, u"DeleteFlag") != 0) return fail_with(ERROR_SERVICE_MARKED_FOR_DELETE);
    if (!is_running(service)) {
        const LSTATUS error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, service.key().c_str());
        return error == ERROR_SUCCESS ? TRUE : fail_with(static_cast<DWORD>(error));
    }
    const DWORD yes = 1;
    const LSTATUS error =
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, service.key().c_str(), u"DeleteFlag", REG_DWORD, &yes, sizeof yes);
    return error == ERROR_SUCCESS ? TRUE : fail_with(static_cast<DWORD>(error));
}

BOOL WINAPI CloseServiceHandle(SC_HANDLE hSCObject) {
    if (hSCObject == nullptr) return fail_with(ERROR_INVALID_HANDLE);
    delete from_handle(hSCObject);
    return TRUE;
}
}
