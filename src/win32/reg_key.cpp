// Keys: open, create, close, delete, rename, flush. Sources of the rules: docs of each function and the conformance
// rows cited by number in the tests.
#include <unistd.h>

#include <cstring>

#include "nt/ntservices.h"
#include "win32/classes.h"
#include "win32/convert.h"
#include "win32/performance.h"
#include "win32/view.h"

using namespace regent;
using namespace regent::win32;

namespace {

bool asks_for_both_views(REGSAM access) { return (access & view_flags) == view_flags; }

struct CreateRequest {
    Utf16View class_name;
    bool has_class;
    ULONG options;
    ULONG attributes;
    ACCESS_MASK access;
    PVOID security_descriptor;
};

NTSTATUS create_key(HANDLE root, Utf16View name, const CreateRequest& request, HANDLE* key, ULONG* disposition) {
    UNICODE_STRING string = rtl::unicode_string(name);
    UNICODE_STRING class_string = rtl::unicode_string(request.class_name);
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, &string, OBJ_CASE_INSENSITIVE | request.attributes, root,
                               request.security_descriptor);
    return NtCreateKey(key, request.access, &object, 0, request.has_class ? &class_string : nullptr, request.options,
                       disposition);
}

// NtCreateKey makes only the last component (NS-6); this makes those before it, from the left.
NTSTATUS create_parents(HANDLE root, Utf16View name, const CreateRequest& request) {
    CreateRequest parent = request;
    parent.options &= static_cast<ULONG>(~REG_OPTION_CREATE_LINK);
    parent.attributes = 0;
    parent.access = MAXIMUM_ALLOWED;
    parent.has_class = false;
    parent.security_descriptor = nullptr;
    // Of an absolute name \Registry, its parts and the hives' roots are there.
    const std::size_t first = root == nullptr ? name.find(u'\\', std::size(u"\\REGISTRY\\MACHINE\\") - 1) : 0;
    for (std::size_t end = name.find(u'\\', first); end != Utf16View::npos; end = name.find(u'\\', end + 1)) {
        ScopedKey key;
        const NTSTATUS status = create_key(root, name.substr(0, end), parent, key.receive(), nullptr);
        if (!NT_SUCCESS(status)) return status;
    }
    return STATUS_SUCCESS;
}

// The key, and what is missing on the way to it.
NTSTATUS create_whole_path(const SubkeyName& name, const CreateRequest& request, HANDLE* key, ULONG* disposition) {
    NTSTATUS status = create_key(name.root(), name.name(), request, key, disposition);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND || name.name().find(u'\\') == Utf16View::npos) return status;
    status = create_parents(name.root(), name.name(), request);
    return NT_SUCCESS(status) ? create_key(name.root(), name.name(), request, key, disposition) : status;
}

// Below HKEY_CLASSES_ROOT a key that the user has is opened; what neither side has is made in the machine's (row 225).
NTSTATUS open_or_create(const SubkeyName& name, const CreateRequest& request, HKEY* key, ULONG* disposition) {
    HANDLE handle = nullptr;
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!name.user_name().empty()) {
        status = open_key(nullptr, name.user_name(), request.access, &handle, request.attributes);
        *disposition = REG_OPENED_EXISTING_KEY;
        if (NT_SUCCESS(status) && (request.options & REG_OPTION_CREATE_LINK) != 0) {
            NtClose(handle);
            return STATUS_OBJECT_NAME_COLLISION;
        }
    }
    if (status == STATUS_OBJECT_NAME_NOT_FOUND) status = create_whole_path(name, request, &handle, disposition);
    if (NT_SUCCESS(status)) *key = name.key_of(handle);
    return status;
}

Utf16View without_trailing_separators(Utf16View name) {
    while (name.ends_with(u'\\')) name.remove_suffix(1);
    return name;
}

// Null, "", ".", "localhost" and the host's name, each with and without two separators before it (row 212).
bool is_this_machine(Utf16View name) {
    if (name.starts_with(u"\\\\")) name.remove_prefix(2);
    char host[256] = {};
    if (gethostname(host, sizeof(host) - 1) != 0) host[0] = 0;
    return name.empty() || name == u"." || rtl::equal_folded(name, u"localhost") ||
           rtl::equal_folded(name, rtl::from_utf8(host));
}

// HKCR's subkey may begin with a separator; every other one may not.
LSTATUS check_subkey(HKEY root, Utf16View* name) {
    if (name->starts_with(u'\\')) {
        if (!is_classes_root(root)) return ERROR_BAD_PATHNAME;
        name->remove_prefix(1);
    }
    if (name->size() > max_name_units) return ERROR_INVALID_PARAMETER;
    return ERROR_SUCCESS;
}

// A caller's name and where its result goes may be unaligned (row 204).
Utf16View units_of_any(LPCWSTR text, Utf16& copy) {
    const auto* bytes = reinterpret_cast<const char*>(text);
    if (reinterpret_cast<std::uintptr_t>(text) % alignof(WCHAR) == 0) return units_of(text);
    for (char16_t unit = 0;; copy.push_back(unit), bytes += sizeof(unit)) {
        std::memcpy(&unit, bytes, sizeof(unit));
        if (unit == 0) return copy;
    }
}
void deliver_key(PHKEY to, HKEY key) { std::memcpy(to, &key, sizeof(key)); }

}  // namespace

extern "C" {

LSTATUS WINAPI RegOpenKeyExW(HKEY hKey, LPCWSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult) {
    if (phkResult == nullptr || asks_for_both_views(samDesired)) return ERROR_INVALID_PARAMETER;
    Utf16 copy;
    Utf16View name = units_of_any(lpSubKey, copy);
    if (name.empty() && is_classes_root(hKey)) {
        deliver_key(phkResult, hKey);
        return ERROR_SUCCESS;
    }
    deliver_key(phkResult, nullptr);
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    if (LSTATUS error = check_subkey(hKey, &name); error != ERROR_SUCCESS) return error;
    const ULONG attributes = (ulOptions & REG_OPTION_OPEN_LINK) != 0 ? OBJ_OPENLINK : 0;
    HKEY key = nullptr;
    const NTSTATUS status = open_subkey(hKey, name, samDesired, attributes, &key);
    deliver_key(phkResult, key);
    return to_error(status);
}

LSTATUS WINAPI RegOpenKeyW(HKEY hKey, LPCWSTR lpSubKey, PHKEY phkResult) {
    if (phkResult == nullptr) return ERROR_INVALID_PARAMETER;
    if (units_of(lpSubKey).empty()) {  // Win16's meaning, kept by Windows: the same handle comes back
        deliver_key(phkResult, hKey);
        return ERROR_SUCCESS;
    }
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    return RegOpenKeyExW(hKey, lpSubKey, 0, MAXIMUM_ALLOWED, phkResult);
}

// ERRORS, in this order: BADKEY (no result or name), INVALID_PARAMETER, INVALID_HANDLE, BAD_PATHNAME, then
// NtCreateKey's.
LSTATUS WINAPI RegCreateKeyExW(HKEY hKey, LPCWSTR lpSubKey, DWORD Reserved, LPWSTR lpClass, DWORD dwOptions,
                               REGSAM samDesired, const LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult,
                               LPDWORD lpdwDisposition) {
    if (phkResult == nullptr || lpSubKey == nullptr) return ERROR_BADKEY;
    constexpr DWORD legal = REG_LEGAL_OPTION;
    if (Reserved != 0 || (dwOptions & ~legal) != 0 || asks_for_both_views(samDesired)) return ERROR_INVALID_PARAMETER;
    deliver_key(phkResult, nullptr);
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    Utf16 copy;
    Utf16View name = units_of_any(lpSubKey, copy);
    if (LSTATUS error = check_subkey(hKey, &name); error != ERROR_SUCCESS) return error;
    name = without_trailing_separators(name);
    CreateRequest request;
    request.class_name = units_of(lpClass);
    request.has_class = lpClass != nullptr;
    request.options = dwOptions & ~static_cast<DWORD>(REG_OPTION_OPEN_LINK);
    request.attributes = (dwOptions & REG_OPTION_OPEN_LINK) != 0 ? OBJ_OPENLINK : 0;
    request.access = samDesired & ~view_flags;
    request.security_descriptor =
        lpSecurityAttributes != nullptr ? lpSecurityAttributes->lpSecurityDescriptor : nullptr;
    SubkeyName subkey;
    NTSTATUS status = subkey.resolve(hKey, name, samDesired);
    if (!NT_SUCCESS(status)) return to_error(status);
    HKEY key = nullptr;
    ULONG disposition = 0;
    status = open_or_create(subkey, request, &key, &disposition);
    if (!NT_SUCCESS(status)) return to_error(status);
    deliver_key(phkResult, key);
    if (lpdwDisposition != nullptr) *lpdwDisposition = disposition;
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegCreateKeyW(HKEY hKey, LPCWSTR lpSubKey, PHKEY phkResult) {
    if (phkResult == nullptr) return ERROR_INVALID_PARAMETER;
    if (units_of(lpSubKey).empty()) {
        deliver_key(phkResult, hKey);
        return hKey == nullptr ? ERROR_BADKEY : ERROR_SUCCESS;
    }
    return RegCreateKeyExW(hKey, lpSubKey, 0, nullptr, REG_OPTION_NON_VOLATILE, MAXIMUM_ALLOWED, nullptr, phkResult,
                           nullptr);
}

// Not part of a transaction, whatever `hKey` is part of (TR-17).
LSTATUS WINAPI RegDeleteKeyExW(HKEY hKey, LPCWSTR lpSubKey, REGSAM samDesired, DWORD Reserved) {
    if (lpSubKey == nullptr || Reserved != 0 || asks_for_both_views(samDesired)) return ERROR_INVALID_PARAMETER;
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    Utf16View name = units_of(lpSubKey);
    if (LSTATUS error = check_subkey(hKey, &name); error != ERROR_SUCCESS) return error;
    SubkeyName subkey;
    NTSTATUS status = subkey.resolve(hKey, name, samDesired);
    if (NT_SUCCESS(status)) status = subkey.leave_transaction();
    ScopedHkey key;
    if (NT_SUCCESS(status)) status = subkey.open(DELETE, 0, key.receive());
    if (NT_SUCCESS(status)) status = NtDeleteKey(key.handle());
    return to_error(status);
}

LSTATUS WINAPI RegDeleteKeyW(HKEY hKey, LPCWSTR lpSubKey) { return RegDeleteKeyExW(hKey, lpSubKey, 0, 0); }

// A predefined key is opened anew by its next use, which sees what rights there are by then.
LSTATUS WINAPI RegCloseKey(HKEY hKey) {
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    if (is_performance_text(hKey)) return ERROR_SUCCESS;
    if (is_predefined(hKey)) {
        drop_predefined(hKey);
        return ERROR_SUCCESS;
    }
    return to_error(NtClose(nt_handle(hKey)));
}

LSTATUS WINAPI RegFlushKey(HKEY hKey) {
    KeyReference key(hKey);
    NTSTATUS status = key.status();
    if (NT_SUCCESS(status)) status = NtFlushKey(key.handle());
    if (NT_SUCCESS(status) && key.fallback() != nullptr) status = NtFlushKey(key.fallback());
    return to_error(status);
}

LSTATUS WINAPI RegRenameKey(HKEY hKey, LPCWSTR lpSubKeyName, LPCWSTR lpNewKeyName) {
    if (hKey == nullptr) {
        const bool nothing = lpSubKeyName == nullptr && lpNewKeyName == nullptr;
        return nothing ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE;
    }
    KeyReference root(hKey);
    if (!NT_SUCCESS(root.status())) return to_error(root.status());
    ScopedHkey subkey;
    HANDLE key = root.handle();
    if (lpSubKeyName != nullptr) {
        NTSTATUS status = open_subkey(hKey, units_of(lpSubKeyName), KEY_WRITE, 0, subkey.receive());
        if (!NT_SUCCESS(status)) return to_error(status);
        key = subkey.handle();
    }
    const Utf16View new_name = units_of(lpNewKeyName);
    if (lpNewKeyName == nullptr || new_name.size() > max_name_units) return ERROR_INVALID_PARAMETER;
    UNICODE_STRING string = rtl::unicode_string(new_name);
    return to_error(NtRenameKey(key, &string));
}

LSTATUS WINAPI RegConnectRegistryW(LPCWSTR lpMachineName, HKEY hKey, PHKEY phkResult) {
    if (phkResult == nullptr) return ERROR_INVALID_PARAMETER;
    if (!is_this_machine(units_of(lpMachineName))) return ERROR_BAD_NETPATH;
    if (!is_predefined(hKey)) return ERROR_INVALID_HANDLE;
    deliver_key(phkResult, hKey);
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegOpenKeyExA(HKEY hKey, LPCSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult) {
    if (hKey == nullptr && phkResult != nullptr) return ERROR_INVALID_HANDLE;  // leaves the result alone, unlike W
    return RegOpenKeyExW(hKey, WideArgument(lpSubKey).get(), ulOptions, samDesired, phkResult);
}

LSTATUS WINAPI RegOpenKeyA(HKEY hKey, LPCSTR lpSubKey, PHKEY phkResult) {
    return RegOpenKeyW(hKey, WideArgument(lpSubKey).get(), phkResult);
}

LSTATUS WINAPI RegCreateKeyExA(HKEY hKey, LPCSTR lpSubKey, DWORD Reserved, LPSTR lpClass, DWORD dwOptions,
                               REGSAM samDesired, const LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult,
                               LPDWORD lpdwDisposition) {
    WideArgument class_name(lpClass);
    return RegCreateKeyExW(hKey, WideArgument(lpSubKey).get(), Reserved, class_name.get_mutable(), dwOptions,
                           samDesired, lpSecurityAttributes, phkResult, lpdwDisposition);
}

LSTATUS WINAPI RegCreateKeyA(HKEY hKey, LPCSTR lpSubKey, PHKEY phkResult) {
    return RegCreateKeyW(hKey, WideArgument(lpSubKey).get(), phkResult);
}

LSTATUS WINAPI RegDeleteKeyExA(HKEY hKey, LPCSTR lpSubKey, REGSAM samDesired, DWORD Reserved) {
    return RegDeleteKeyExW(hKey, WideArgument(lpSubKey).get(), samDesired, Reserved);
}

LSTATUS WINAPI RegDeleteKeyA(HKEY hKey, LPCSTR lpSubKey) { return RegDeleteKeyW(hKey, WideArgument(lpSubKey).get()); }

LSTATUS WINAPI RegConnectRegistryA(LPCSTR lpMachineName, HKEY hKey, PHKEY phkResult) {
    return RegConnectRegistryW(WideArgument(lpMachineName).get(), hKey, phkResult);
}
}
