// Values: set, query, delete. W forms; the A forms are in reg_value_ansi.cpp.
#include <cstring>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/performance.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace regent::win32 {

NTSTATUS query_path(HANDLE key, Utf16* path) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryKey(key, KeyNameInformation, data, length, needed);
    });
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_NAME_INFORMATION>();
    path->assign(reinterpret_cast<const char16_t*>(info->Name), info->NameLength / sizeof(char16_t));
    return status;
}

NTSTATUS query_value(HANDLE key, Utf16View name, AnswerBuffer& buffer) {
    if (name.size() > max_name_units) return STATUS_OBJECT_NAME_NOT_FOUND;
    UNICODE_STRING string = rtl::unicode_string(name);
    return query_all(buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryValueKey(key, &string, KeyValuePartialInformation, data, length, needed);
    });
}

NTSTATUS query_value(const KeyReference& key, Utf16View name, AnswerBuffer& buffer) {
    const NTSTATUS status = query_value(key.handle(), name, buffer);
    if (status != STATUS_OBJECT_NAME_NOT_FOUND || key.fallback() == nullptr) return status;
    return query_value(key.fallback(), name, buffer);
}

LSTATUS query_or_clear(HKEY hkey, Utf16View name, AnswerBuffer& buffer, DWORD* type, const BYTE* data, DWORD* size) {
    KeyReference key(hkey);
    const NTSTATUS status = NT_SUCCESS(key.status()) ? query_value(key, name, buffer) : key.status();
    if (NT_SUCCESS(status)) return ERROR_SUCCESS;
    if (type != nullptr) *type = REG_NONE;
    if (data == nullptr && size != nullptr) *size = 0;
    return to_error(status);
}

namespace {

// True when data[size] is a NUL unit that belongs to the string: Windows looks one unit past the end, and so do we; the
// caller's terminated string is the case it is for.
__attribute__((no_sanitize_address)) bool terminator_follows(const BYTE* data, DWORD size) {
    if (size < sizeof(char16_t) || size % sizeof(char16_t) != 0) return false;
    const BYTE* end = data + size;
    if (!can_read(end - 2, 2 * sizeof(char16_t))) return false;
    if (end[-2] == 0 && end[-1] == 0) return false;
    return end[0] == 0 && end[1] == 0;
}

}  // namespace

NTSTATUS set_value(HANDLE key, Utf16View name, DWORD type, const BYTE* data, DWORD size) {
    if (data == nullptr && size > 0) return STATUS_ACCESS_VIOLATION;
    if (name.size() > max_name_units) return STATUS_INVALID_PARAMETER;
    if (is_string_type(type) && terminator_follows(data, size)) size += sizeof(char16_t);
    UNICODE_STRING string = rtl::unicode_string(name);
    return NtSetValueKey(key, &string, 0, type, const_cast<BYTE*>(data), size);
}

}  // namespace regent::win32

extern "C" {

LSTATUS WINAPI RegSetValueExW(HKEY hKey, LPCWSTR lpValueName, DWORD Reserved, DWORD dwType, const BYTE* lpData,
                              DWORD cbData) {
    if (Reserved != 0) return ERROR_INVALID_PARAMETER;
    if (is_performance_text(hKey)) return ERROR_BADKEY;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    return to_error(set_value(key.handle(), units_of(lpValueName), dwType, lpData, cbData));
}

LSTATUS WINAPI RegSetValueW(HKEY hKey, LPCWSTR lpSubKey, DWORD dwType, LPCWSTR lpData, DWORD) {
    if (dwType != REG_SZ || lpData == nullptr) return ERROR_INVALID_PARAMETER;
    const auto size = static_cast<DWORD>((units_of(lpData).size() + 1) * sizeof(WCHAR));
    return RegSetKeyValueW(hKey, lpSubKey, nullptr, REG_SZ, lpData, size);
}

LSTATUS WINAPI RegSetKeyValueW(HKEY hKey, LPCWSTR lpSubKey, LPCWSTR lpValueName, DWORD dwType, LPCVOID lpData,
                               DWORD cbData) {
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    const auto* data = static_cast<const BYTE*>(lpData);
    if (units_of(lpSubKey).empty()) return RegSetValueExW(hKey, lpValueName, 0, dwType, data, cbData);
    HKEY key = nullptr;
    LSTATUS error = RegCreateKeyExW(hKey, lpSubKey, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key, nullptr);
    if (error != ERROR_SUCCESS) return error;
    error = RegSetValueExW(key, lpValueName, 0, dwType, data, cbData);
    RegCloseKey(key);
    return error;
}

// ERRORS, in this order: INVALID_PARAMETER (reserved, data without size), INVALID_HANDLE, then NtQueryValueKey's.
LSTATUS WINAPI RegQueryValueExW(HKEY hKey, LPCWSTR lpValueName, LPDWORD lpReserved, LPDWORD lpType, LPBYTE lpData,
                                LPDWORD lpcbData) {
    if (lpReserved != nullptr || (lpData != nullptr && lpcbData == nullptr)) return ERROR_INVALID_PARAMETER;
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    if (is_performance(hKey)) return query_performance(units_of(lpValueName), sizeof(WCHAR), lpType, lpData, lpcbData);
    AnswerBuffer buffer;
    if (const LSTATUS error = query_or_clear(hKey, units_of(lpValueName), buffer, lpType, lpData, lpcbData);
        error != ERROR_SUCCESS) {
        return error;
    }
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    const DWORD room = lpcbData != nullptr ? *lpcbData : 0;
    if (lpType != nullptr) *lpType = info->Type;
    if (lpcbData != nullptr) *lpcbData = info->DataLength;
    if (lpData == nullptr) return ERROR_SUCCESS;
    if (room < info->DataLength) return ERROR_MORE_DATA;
    std::memcpy(lpData, info->Data, info->DataLength);
    // An unterminated string gets a NUL if there is room; the size stays as stored (W-1).
    if (is_string_type(info->Type) && room - info->DataLength >= sizeof(WCHAR) &&
        (info->DataLength < 2 || info->Data[info->DataLength - 2] != 0 || info->Data[info->DataLength - 1] != 0) &&
        info->DataLength > 0) {
        std::memset(lpData + info->DataLength, 0, sizeof(WCHAR));
    }
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegQueryValueW(HKEY hKey, LPCWSTR lpSubKey, LPWSTR lpData, PLONG lpcbData) {
    if (lpData != nullptr && lpcbData == nullptr) return ERROR_INVALID_PARAMETER;
    HKEY key = nullptr;
    LSTATUS error = RegOpenKeyW(hKey, lpSubKey, &key);
    if (error != ERROR_SUCCESS) return error;
    if (key == nullptr) return ERROR_INVALID_HANDLE;
    DWORD size = lpcbData != nullptr ? static_cast<DWORD>(*lpcbData) : 0;
    error = RegGetValueW(key, nullptr, nullptr, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, nullptr, lpData,
                         &size);
    if (error == ERROR_FILE_NOT_FOUND) {  // a key without a default value reads as ""
        error = lpData != nullptr && size < sizeof(WCHAR) ? ERROR_MORE_DATA : ERROR_SUCCESS;
        size = sizeof(WCHAR);
        if (lpData != nullptr && error == ERROR_SUCCESS) *lpData = 0;
    }
    if (lpcbData != nullptr) *lpcbData = static_cast<LONG>(size);
    if (key != hKey) RegCloseKey(key);
    return error;
}

LSTATUS WINAPI RegDeleteValueW(HKEY hKey, LPCWSTR lpValueName) {
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    const Utf16View name = units_of(lpValueName);
    if (name.size() > max_name_units) return ERROR_FILE_NOT_FOUND;
    UNICODE_STRING string = rtl::unicode_string(name);
    return to_error(NtDeleteValueKey(key.handle(), &string));
}

LSTATUS WINAPI RegDeleteKeyValueW(HKEY hKey, LPCWSTR lpSubKey, LPCWSTR lpValueName) {
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    if (units_of(lpSubKey).empty()) return RegDeleteValueW(hKey, lpValueName);
    HKEY key = nullptr;
    LSTATUS error = RegOpenKeyExW(hKey, lpSubKey, 0, KEY_SET_VALUE, &key);
    if (error != ERROR_SUCCESS) return error;
    error = RegDeleteValueW(key, lpValueName);
    RegCloseKey(key);
    return error;
}
}
