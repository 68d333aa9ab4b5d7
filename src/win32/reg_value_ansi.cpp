// The A forms of the value functions: names are converted, data only of the string types.
#include <cstring>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/performance.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

// As for W, one byte past the end is looked at: "abc" given with length 3 is stored with its NUL.
__attribute__((no_sanitize_address)) DWORD with_terminator(const BYTE* data, DWORD size) {
    const bool cut = data != nullptr && size > 0 && data[size - 1] != 0;
    return cut && can_read(data + size, 1) && data[size] == 0 ? size + 1 : size;
}

}  // namespace

extern "C" {

LSTATUS WINAPI RegSetValueExA(HKEY hKey, LPCSTR lpValueName, DWORD Reserved, DWORD dwType, const BYTE* lpData,
                              DWORD cbData) {
    WideArgument name(lpValueName);
    if (!is_string_type(dwType) || lpData == nullptr || !can_read(lpData, cbData)) {
        return RegSetValueExW(hKey, name.get(), Reserved, dwType, lpData, cbData);
    }
    if (Reserved != 0) return ERROR_INVALID_PARAMETER;
    if (is_performance_text(hKey)) return ERROR_BADKEY;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    std::vector<BYTE> wide = widen_data(lpData, with_terminator(lpData, cbData));
    const auto size = static_cast<DWORD>(wide.size());
    wide.insert(wide.end(), 2, 0xFF);  // set_value looks one unit past the end: not a NUL, the rule was applied above
    return to_error(set_value(key.handle(), units_of(name.get()), dwType, wide.data(), size));
}

LSTATUS WINAPI RegSetValueA(HKEY hKey, LPCSTR lpSubKey, DWORD dwType, LPCSTR lpData, DWORD cbData) {
    return RegSetValueW(hKey, WideArgument(lpSubKey).get(), dwType, WideArgument(lpData).get(), cbData);
}

LSTATUS WINAPI RegSetKeyValueA(HKEY hKey, LPCSTR lpSubKey, LPCSTR lpValueName, DWORD dwType, LPCVOID lpData,
                               DWORD cbData) {
    WideArgument subkey(lpSubKey);
    WideArgument name(lpValueName);
    const auto* data = static_cast<const BYTE*>(lpData);
    if (!is_string_type(dwType) || data == nullptr || !can_read(data, cbData)) {
        return RegSetKeyValueW(hKey, subkey.get(), name.get(), dwType, lpData, cbData);
    }
    std::vector<BYTE> wide = widen_data(data, with_terminator(data, cbData));
    const auto size = static_cast<DWORD>(wide.size());
    wide.insert(wide.end(), 2, 0xFF);
    return RegSetKeyValueW(hKey, subkey.get(), name.get(), dwType, wide.data(), size);
}

LSTATUS WINAPI RegQueryValueExA(HKEY hKey, LPCSTR lpValueName, LPDWORD lpReserved, LPDWORD lpType, LPBYTE lpData,
                                LPDWORD lpcbData) {
    if (lpReserved != nullptr || (lpData != nullptr && lpcbData == nullptr)) return ERROR_INVALID_PARAMETER;
    if (hKey == nullptr) return ERROR_INVALID_HANDLE;
    AnswerBuffer buffer;
    const WideArgument name(lpValueName);
    if (is_performance(hKey)) return query_performance(units_of(name.get()), 1, lpType, lpData, lpcbData);
    if (const LSTATUS error = query_or_clear(hKey, units_of(name.get()), buffer, lpType, lpData, lpcbData);
        error != ERROR_SUCCESS) {
        return error;
    }
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    const DWORD room = lpcbData != nullptr ? *lpcbData : 0;
    const bool string = is_string_type(info->Type);
    std::string text;
    if (string) text = narrow_data(info->Data, info->DataLength);
    const void* data = string ? static_cast<const void*>(text.data()) : info->Data;
    const DWORD size = string ? static_cast<DWORD>(text.size()) : info->DataLength;
    if (lpType != nullptr) *lpType = info->Type;
    if (lpcbData != nullptr) *lpcbData = size;
    if (lpData == nullptr) return ERROR_SUCCESS;
    if (room < size) return ERROR_MORE_DATA;
    if (size > 0) std::memcpy(lpData, data, size);
    if (string && size > 0 && room > size && text.back() != '\0') lpData[size] = 0;
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegQueryValueA(HKEY hKey, LPCSTR lpSubKey, LPSTR lpData, PLONG lpcbData) {
    if (lpData != nullptr && lpcbData == nullptr) return ERROR_INVALID_PARAMETER;
    LONG wide_size = 0;
    WideArgument subkey(lpSubKey);
    LSTATUS error = RegQueryValueW(hKey, subkey.get(), nullptr, &wide_size);
    if (error != ERROR_SUCCESS) return error;
    std::vector<BYTE> wide(static_cast<std::size_t>(wide_size) + sizeof(WCHAR));
    wide_size = static_cast<LONG>(wide.size());
    error = RegQueryValueW(hKey, subkey.get(), reinterpret_cast<LPWSTR>(wide.data()), &wide_size);
    if (error != ERROR_SUCCESS) return error;
    const std::string text = narrow_data(wide.data(), static_cast<std::size_t>(wide_size));
    const LONG room = lpcbData != nullptr ? *lpcbData : 0;
    if (lpcbData != nullptr) *lpcbData = static_cast<LONG>(text.size());
    if (lpData == nullptr) return ERROR_SUCCESS;
    if (room < static_cast<LONG>(text.size())) return ERROR_MORE_DATA;
    std::memcpy(lpData, text.data(), text.size());  // NOLINT(bugprone-not-null-terminated-result): the NUL is in it
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegDeleteValueA(HKEY hKey, LPCSTR lpValueName) {
    return RegDeleteValueW(hKey, WideArgument(lpValueName).get());
}

LSTATUS WINAPI RegDeleteKeyValueA(HKEY hKey, LPCSTR lpSubKey, LPCSTR lpValueName) {
    return RegDeleteKeyValueW(hKey, WideArgument(lpSubKey).get(), WideArgument(lpValueName).get());
}
}
