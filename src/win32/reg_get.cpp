// RegGetValue: typed reads, always-terminated strings, expansion. The sizes follow what Windows was observed to report
// (conformance rows 160-173).
#include <algorithm>
#include <cstring>

#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct TypedValue {
    DWORD type = REG_NONE;
    std::vector<BYTE> data;
    std::size_t reported = 0;  // the size a caller is told; at least data.size()
};

// Strings end in one NUL, multi-strings too (Windows adds one even where two are missing).
void terminate(std::vector<BYTE>& data) {
    if (data.size() % 2 != 0) data.pop_back();
    const std::size_t size = data.size();
    if (size >= 2 && data[size - 1] == 0 && data[size - 2] == 0) return;
    data.insert(data.end(), 2, 0);
}

std::vector<BYTE> bytes_of(Utf16View text) {
    std::vector<BYTE> bytes((text.size() + 1) * sizeof(char16_t));
    std::memcpy(bytes.data(), text.data(), text.size() * sizeof(char16_t));
    return bytes;
}

Utf16 text_of(const std::vector<BYTE>& data) {
    Utf16 text(data.size() / sizeof(char16_t), u'\0');
    std::memcpy(text.data(), data.data(), text.size() * sizeof(char16_t));
    return text.substr(0, text.find(u'\0'));
}

NTSTATUS fetch(const KeyReference& key, Utf16View name, DWORD flags, bool probe, TypedValue& value) {
    AnswerBuffer buffer;
    NTSTATUS status = query_value(key, name, buffer);
    if (!NT_SUCCESS(status)) return status;
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    value.type = info->Type;
    value.data.assign(info->Data, info->Data + info->DataLength);
    if (is_string_type(value.type)) terminate(value.data);
    value.reported = value.data.size();
    if (value.type != REG_EXPAND_SZ) return status;
    const std::size_t stored = value.data.size();
    if ((flags & RRF_NOEXPAND) == 0) {
        value.type = REG_SZ;
        value.data = bytes_of(expand_environment(text_of(value.data)));
    }
    // A probe reports one character more; a read at least the unexpanded length.
    value.reported = probe ? value.data.size() + sizeof(WCHAR) : std::max(stored, value.data.size());
    return status;
}

LSTATUS check_type(const TypedValue& value, DWORD flags) {
    static constexpr DWORD bits[] = {RRF_RT_REG_NONE,
                                     RRF_RT_REG_SZ,
                                     RRF_RT_REG_EXPAND_SZ,
                                     RRF_RT_REG_BINARY,
                                     RRF_RT_REG_DWORD,
                                     0,
                                     0,
                                     RRF_RT_REG_MULTI_SZ,
                                     0,
                                     0,
                                     0,
                                     RRF_RT_REG_QWORD};
    const DWORD mask = flags & RRF_RT_ANY;
    if (mask == RRF_RT_ANY) return ERROR_SUCCESS;
    if (value.type >= std::size(bits) || (mask & bits[value.type]) == 0) return ERROR_UNSUPPORTED_TYPE;
    if (value.type != REG_BINARY) return ERROR_SUCCESS;
    if (mask == RRF_RT_DWORD && value.data.size() != sizeof(DWORD)) return ERROR_DATATYPE_MISMATCH;
    if (mask == RRF_RT_QWORD && value.data.size() != sizeof(QWORD)) return ERROR_DATATYPE_MISMATCH;
    return ERROR_SUCCESS;
}

LSTATUS get_value(HKEY key, LPCWSTR value_name, DWORD flags, bool probe, TypedValue& value) {
    KeyReference reference(key);
    NTSTATUS status = reference.status();
    if (NT_SUCCESS(status)) status = fetch(reference, units_of(value_name), flags, probe, value);
    if (!NT_SUCCESS(status)) return to_error(status);
    return check_type(value, flags);
}

LSTATUS read_value(HKEY key, LPCWSTR subkey, LPCWSTR value_name, DWORD flags, bool probe, TypedValue& value) {
    if (units_of(subkey).empty()) return get_value(key, value_name, flags, probe, value);
    const REGSAM view = (flags & RRF_WOW64_MASK) / (RRF_SUBKEY_WOW6464KEY / KEY_WOW64_64KEY);
    HKEY opened = nullptr;
    LSTATUS error = RegOpenKeyExW(key, subkey, 0, KEY_QUERY_VALUE | view, &opened);
    if (error != ERROR_SUCCESS) return error;
    error = get_value(opened, value_name, flags, probe, value);
    RegCloseKey(opened);
    return error;
}

bool invalid_arguments(DWORD flags, const void* data, const DWORD* size) {
    if (data != nullptr && size == nullptr) return true;
    return (flags & RRF_WOW64_MASK) == RRF_WOW64_MASK;
}

// A wrong type is an error and still delivers everything, as on Windows; it is told before a buffer that is too small.
LSTATUS deliver(LSTATUS error, const TypedValue& value, DWORD* type, void* data, DWORD* size) {
    const DWORD room = size != nullptr ? *size : 0;
    if (type != nullptr) *type = value.type;
    if (size != nullptr) *size = static_cast<DWORD>(value.reported);
    if (data == nullptr) return error;
    if (room < value.data.size()) return error == ERROR_SUCCESS ? ERROR_MORE_DATA : error;
    if (!value.data.empty()) std::memcpy(data, value.data.data(), value.data.size());
    return error;
}

bool carries_data(LSTATUS error) {
    return error == ERROR_SUCCESS || error == ERROR_UNSUPPORTED_TYPE || error == ERROR_DATATYPE_MISMATCH;
}

void zero_on_failure(LSTATUS error, DWORD flags, void* data, DWORD room) {
    if (error != ERROR_SUCCESS && (flags & RRF_ZEROONFAILURE) != 0 && data != nullptr) std::memset(data, 0, room);
}

}  // namespace

extern "C" {

LSTATUS WINAPI RegGetValueW(HKEY hkey, LPCWSTR lpSubKey, LPCWSTR lpValue, DWORD dwFlags, LPDWORD pdwType, PVOID pvData,
                            LPDWORD pcbData) {
    if (invalid_arguments(dwFlags, pvData, pcbData)) return ERROR_INVALID_PARAMETER;
    const DWORD room = pcbData != nullptr ? *pcbData : 0;
    TypedValue value;
    LSTATUS error = read_value(hkey, lpSubKey, lpValue, dwFlags, pvData == nullptr, value);
    if (carries_data(error)) error = deliver(error, value, pdwType, pvData, pcbData);
    zero_on_failure(error, dwFlags, pvData, room);
    return error;
}

LSTATUS WINAPI RegGetValueA(HKEY hkey, LPCSTR lpSubKey, LPCSTR lpValue, DWORD dwFlags, LPDWORD pdwType, PVOID pvData,
                            LPDWORD pcbData) {
    if (invalid_arguments(dwFlags, pvData, pcbData)) return ERROR_INVALID_PARAMETER;
    const DWORD room = pcbData != nullptr ? *pcbData : 0;
    TypedValue value;
    LSTATUS error =
        read_value(hkey, WideArgument(lpSubKey).get(), WideArgument(lpValue).get(), dwFlags, pvData == nullptr, value);
    if (carries_data(error)) {
        if (is_string_type(value.type)) {
            const std::size_t extra = (value.reported - value.data.size()) / sizeof(WCHAR);
            const std::string text = narrow_data(value.data.data(), value.data.size());
            value.data.assign(text.begin(), text.end());
            value.reported = value.data.size() + extra;
        }
        error = deliver(error, value, pdwType, pvData, pcbData);
    }
    zero_on_failure(error, dwFlags, pvData, room);
    return error;
}
}
