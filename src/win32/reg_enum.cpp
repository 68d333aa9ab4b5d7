// Enumeration and RegQueryInfoKey. One implementation makes the answer as UTF-16; the W and A forms deliver it, each
// with its own rules for buffers that are too small (conformance rows 174-190).
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "nt/ntservices.h"
#include "win32/classes.h"
#include "win32/convert.h"
#include "win32/performance.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

Utf16View units_at(const void* data, std::size_t bytes) {
    return {static_cast<const char16_t*>(data), bytes / sizeof(char16_t)};
}

FILETIME file_time(const LARGE_INTEGER& time) { return {time.u.LowPart, static_cast<DWORD>(time.u.HighPart)}; }

// Copies `text` and a NUL; the count goes in with the NUL and comes out without it. Too small: nothing is touched.
template <typename Char>
LSTATUS deliver_text(std::basic_string_view<Char> text, Char* buffer, DWORD* count) {
    if (*count < text.size() + 1) return ERROR_MORE_DATA;
    std::copy(text.begin(), text.end(), buffer);
    buffer[text.size()] = 0;
    *count = static_cast<DWORD>(text.size());
    return ERROR_SUCCESS;
}

// The text in the caller's units: as it is for the W forms, converted for the A forms.
template <typename Char>
auto in_units_of(Utf16View text) {
    if constexpr (std::is_same_v<Char, char>) {
        return rtl::to_utf8(text);
    } else {
        return text;
    }
}

// All of what `query` answers about the key.
template <typename Query>
LSTATUS ask(const KeyReference& key, AnswerBuffer& buffer, Query query) {
    const NTSTATUS status = NT_SUCCESS(key.status()) ? query_all(buffer, query) : key.status();
    return NT_SUCCESS(status) ? ERROR_SUCCESS : to_error(status);
}

struct EnumeratedKey {
    AnswerBuffer buffer;
    Utf16View name;
    Utf16View class_name;
    FILETIME time{};
};

LSTATUS enumerate_key(HKEY key, DWORD index, EnumeratedKey& result) {
    const KeyReference reference(key);
    const LSTATUS error = ask(reference, result.buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        MergedPlace place{};
        const NTSTATUS found = find_subkey(reference, index, &place);
        if (!NT_SUCCESS(found)) return found;
        return NtEnumerateKey(place.key, place.index, KeyNodeInformation, data, length, needed);
    });
    if (error != ERROR_SUCCESS) return error;
    const auto* info = result.buffer.as<KEY_NODE_INFORMATION>();
    result.name = units_at(info->Name, info->NameLength);
    if (info->ClassLength > 0)
        result.class_name = units_at(result.buffer.data() + info->ClassOffset, info->ClassLength);
    result.time = file_time(info->LastWriteTime);
    return ERROR_SUCCESS;
}

// RegEnumKeyExW and RegEnumKeyExA.
template <typename Char>
LSTATUS enum_key(HKEY key, DWORD index, Char* name, LPDWORD name_count, const DWORD* reserved, Char* class_name,
                 LPDWORD class_count, PFILETIME time) {
    if (name == nullptr || name_count == nullptr || reserved != nullptr) return ERROR_INVALID_PARAMETER;
    if (class_name != nullptr && class_count == nullptr) return ERROR_INVALID_PARAMETER;
    if (is_performance_text(key)) return ERROR_NO_MORE_ITEMS;
    EnumeratedKey found;
    LSTATUS error = enumerate_key(key, index, found);
    if (error != ERROR_SUCCESS) return error;
    const auto class_text = in_units_of<Char>(found.class_name);
    if (class_name != nullptr && *class_count < class_text.size() + 1) return ERROR_MORE_DATA;
    error = deliver_text<Char>(in_units_of<Char>(found.name), name, name_count);
    if (error != ERROR_SUCCESS) return error;
    if (class_name != nullptr) error = deliver_text<Char>(class_text, class_name, class_count);
    if (class_name == nullptr && class_count != nullptr) *class_count = static_cast<DWORD>(class_text.size());
    if (time != nullptr) *time = found.time;
    return error;
}

struct EnumeratedValue {
    AnswerBuffer buffer;
    Utf16View name;
    DWORD type = 0;
    const BYTE* data = nullptr;
    DWORD size = 0;
};

LSTATUS enumerate_value(HKEY key, DWORD index, EnumeratedValue& result) {
    const KeyReference reference(key);
    const LSTATUS error = ask(reference, result.buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        MergedPlace place{};
        const NTSTATUS found = find_value(reference, index, &place);
        if (!NT_SUCCESS(found)) return found;
        return NtEnumerateValueKey(place.key, place.index, KeyValueFullInformation, data, length, needed);
    });
    if (error != ERROR_SUCCESS) return error;
    const auto* info = result.buffer.as<KEY_VALUE_FULL_INFORMATION>();
    result.name = units_at(info->Name, info->NameLength);
    result.type = info->Type;
    result.data = result.buffer.data() + info->DataOffset;
    result.size = info->DataLength;
    return ERROR_SUCCESS;
}

bool bad_value_arguments(const void* name, const DWORD* count, const DWORD* reserved, const void* data,
                         const DWORD* size) {
    return name == nullptr || count == nullptr || reserved != nullptr || (data != nullptr && size == nullptr);
}

struct KeyInformation {
    AnswerBuffer buffer;
    KEY_FULL_INFORMATION full{};
    Utf16View class_name;
    ULONG security_length = 0;
};

// A handle that may not query is told no size of a descriptor either (row 159).
LSTATUS refused(LSTATUS error, LPDWORD descriptor_size) {
    if (error == ERROR_ACCESS_DENIED && descriptor_size != nullptr) *descriptor_size = 0;
    return error;
}

LSTATUS query_key(HKEY key, bool with_security, KeyInformation& result) {
    const KeyReference reference(key);
    const LSTATUS error = ask(reference, result.buffer, [&](BYTE* data, ULONG length, ULONG* needed) {
        return NtQueryKey(reference.handle(), KeyFullInformation, data, length, needed);
    });
    if (error != ERROR_SUCCESS) return error;
    result.full = *result.buffer.as<KEY_FULL_INFORMATION>();
    if (result.full.ClassLength > 0) {
        result.class_name = units_at(result.buffer.data() + result.full.ClassOffset, result.full.ClassLength);
    }
    if (const NTSTATUS merged = merge_information(reference, &result.full); !NT_SUCCESS(merged)) {
        return to_error(merged);
    }
    if (!with_security) return ERROR_SUCCESS;
    // A handle without READ_CONTROL is told 0.
    const NTSTATUS status = NtQuerySecurityObject(
        reference.handle(), OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
        nullptr, 0, &result.security_length);
    if (status != STATUS_BUFFER_TOO_SMALL) result.security_length = 0;
    return ERROR_SUCCESS;
}

struct InfoOutputs {
    LPDWORD subkeys, max_subkey, max_class, values, max_name, max_data, security;
    PFILETIME time;
};

void deliver_info(const KeyInformation& info, const InfoOutputs& out) {
    auto put = [](LPDWORD to, ULONG value) {
        if (to != nullptr) *to = value;
    };
    put(out.subkeys, info.full.SubKeys);
    put(out.max_subkey, info.full.MaxNameLength / static_cast<ULONG>(sizeof(WCHAR)));
    put(out.max_class, info.full.MaxClassLength / static_cast<ULONG>(sizeof(WCHAR)));
    put(out.values, info.full.Values);
    put(out.max_name, info.full.MaxValueNameLength / static_cast<ULONG>(sizeof(WCHAR)));
    put(out.max_data, info.full.MaxValueDataLength);  // bytes as stored, in the A form too
    put(out.security, info.security_length);
    if (out.time != nullptr) *out.time = file_time(info.full.LastWriteTime);
}

// All that both forms tell alike; the class is left to the caller.
LSTATUS query_info(HKEY key, bool bad_class, LPDWORD reserved, const InfoOutputs& out, KeyInformation& info) {
    if (bad_class || reserved != nullptr) return ERROR_INVALID_PARAMETER;
    const LSTATUS error = query_key(key, out.security != nullptr, info);
    if (error != ERROR_SUCCESS) return refused(error, out.security);
    deliver_info(info, out);
    return ERROR_SUCCESS;
}

// True: nobody wants the class, or only its length, which is told.
bool wants_no_class(const void* buffer, LPDWORD count, std::size_t length) {
    if (count == nullptr) return true;
    if (buffer != nullptr && *count != 0) return false;
    *count = buffer == nullptr ? static_cast<DWORD>(length) : 0;
    return true;
}

}  // namespace

extern "C" {

LSTATUS WINAPI RegEnumKeyExW(HKEY hKey, DWORD dwIndex, LPWSTR lpName, LPDWORD lpcchName, LPDWORD lpReserved,
                             LPWSTR lpClass, LPDWORD lpcchClass, PFILETIME lpftLastWriteTime) {
    return enum_key(hKey, dwIndex, lpName, lpcchName, lpReserved, lpClass, lpcchClass, lpftLastWriteTime);
}

LSTATUS WINAPI RegEnumKeyW(HKEY hKey, DWORD dwIndex, LPWSTR lpName, DWORD cchName) {
    return RegEnumKeyExW(hKey, dwIndex, lpName, &cchName, nullptr, nullptr, nullptr, nullptr);
}

LSTATUS WINAPI RegEnumKeyExA(HKEY hKey, DWORD dwIndex, LPSTR lpName, LPDWORD lpcchName, LPDWORD lpReserved,
                             LPSTR lpClass, LPDWORD lpcchClass, PFILETIME lpftLastWriteTime) {
    return enum_key(hKey, dwIndex, lpName, lpcchName, lpReserved, lpClass, lpcchClass, lpftLastWriteTime);
}

LSTATUS WINAPI RegEnumKeyA(HKEY hKey, DWORD dwIndex, LPSTR lpName, DWORD cchName) {
    return RegEnumKeyExA(hKey, dwIndex, lpName, &cchName, nullptr, nullptr, nullptr, nullptr);
}

LSTATUS WINAPI RegEnumValueW(HKEY hKey, DWORD dwIndex, LPWSTR lpValueName, LPDWORD lpcchValueName, LPDWORD lpReserved,
                             LPDWORD lpType, LPBYTE lpData, LPDWORD lpcbData) {
    if (bad_value_arguments(lpValueName, lpcchValueName, lpReserved, lpData, lpcbData)) return ERROR_INVALID_PARAMETER;
    EnumeratedValue value;
    LSTATUS error = enumerate_value(hKey, dwIndex, value);
    if (error != ERROR_SUCCESS) return error;
    const DWORD room = lpcbData != nullptr ? *lpcbData : 0;
    if (lpType != nullptr) *lpType = value.type;
    if (lpcbData != nullptr) *lpcbData = value.size;
    error = deliver_text<char16_t>(value.name, lpValueName, lpcchValueName);
    if (error != ERROR_SUCCESS || lpData == nullptr) return error;
    if (room < value.size) return ERROR_MORE_DATA;  // the name has been delivered, as Windows does
    if (value.size > 0) std::memcpy(lpData, value.data, value.size);
    const bool ends = value.size >= 2 && value.data[value.size - 1] == 0 && value.data[value.size - 2] == 0;
    if (is_string_type(value.type) && value.size > 0 && !ends && room - value.size >= sizeof(WCHAR)) {
        std::memset(lpData + value.size, 0, sizeof(WCHAR));
    }
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegEnumValueA(HKEY hKey, DWORD dwIndex, LPSTR lpValueName, LPDWORD lpcchValueName, LPDWORD lpReserved,
                             LPDWORD lpType, LPBYTE lpData, LPDWORD lpcbData) {
    if (bad_value_arguments(lpValueName, lpcchValueName, lpReserved, lpData, lpcbData)) return ERROR_INVALID_PARAMETER;
    EnumeratedValue value;
    LSTATUS error = enumerate_value(hKey, dwIndex, value);
    if (error != ERROR_SUCCESS) return error;
    const bool string = is_string_type(value.type);
    std::string text;
    if (string) text = narrow_data(value.data, value.size);
    const void* data = string ? static_cast<const void*>(text.data()) : value.data;
    const DWORD size = string ? static_cast<DWORD>(text.size()) : value.size;
    const DWORD room = lpcbData != nullptr ? *lpcbData : 0;
    if (lpType != nullptr) *lpType = value.type;
    if (lpcbData != nullptr) *lpcbData = size;
    if (lpData != nullptr && room < size) return ERROR_MORE_DATA;  // unlike W: name and count stay untouched
    error = deliver_text<char>(rtl::to_utf8(value.name), lpValueName, lpcchValueName);
    if (error != ERROR_SUCCESS || lpData == nullptr) return error;
    if (size > 0) std::memcpy(lpData, data, size);
    if (string && size > 0 && text.back() != '\0' && room > size) lpData[size] = 0;
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegQueryInfoKeyW(HKEY hKey, LPWSTR lpClass, LPDWORD lpcchClass, LPDWORD lpReserved, LPDWORD lpcSubKeys,
                                LPDWORD lpcbMaxSubKeyLen, LPDWORD lpcbMaxClassLen, LPDWORD lpcValues,
                                LPDWORD lpcbMaxValueNameLen, LPDWORD lpcbMaxValueLen, LPDWORD lpcbSecurityDescriptor,
                                PFILETIME lpftLastWriteTime) {
    KeyInformation info;
    LSTATUS error = query_info(hKey, lpClass != nullptr && lpcchClass == nullptr, lpReserved,
                               {lpcSubKeys, lpcbMaxSubKeyLen, lpcbMaxClassLen, lpcValues, lpcbMaxValueNameLen,
                                lpcbMaxValueLen, lpcbSecurityDescriptor, lpftLastWriteTime},
                               info);
    if (error != ERROR_SUCCESS) return error;
    if (wants_no_class(lpClass, lpcchClass, info.class_name.size())) return ERROR_SUCCESS;
    error = deliver_text<char16_t>(info.class_name, lpClass, lpcchClass);
    if (error != ERROR_MORE_DATA) return error;
    --*lpcchClass;  // what would fit, as since Windows 8; the buffer is left alone
    return ERROR_INSUFFICIENT_BUFFER;
}

LSTATUS WINAPI RegQueryInfoKeyA(HKEY hKey, LPSTR lpClass, LPDWORD lpcchClass, LPDWORD lpReserved, LPDWORD lpcSubKeys,
                                LPDWORD lpcbMaxSubKeyLen, LPDWORD lpcbMaxClassLen, LPDWORD lpcValues,
                                LPDWORD lpcbMaxValueNameLen, LPDWORD lpcbMaxValueLen, LPDWORD lpcbSecurityDescriptor,
                                PFILETIME lpftLastWriteTime) {
    KeyInformation info;
    LSTATUS error = query_info(hKey, lpClass != nullptr && lpcchClass == nullptr, lpReserved,
                               {lpcSubKeys, lpcbMaxSubKeyLen, lpcbMaxClassLen, lpcValues, lpcbMaxValueNameLen,
                                lpcbMaxValueLen, lpcbSecurityDescriptor, lpftLastWriteTime},
                               info);
    if (error != ERROR_SUCCESS) return error;
    const std::string text = rtl::to_utf8(info.class_name);
    if (wants_no_class(lpClass, lpcchClass, text.size())) return ERROR_SUCCESS;
    const DWORD room = *lpcchClass;
    error = deliver_text<char>(text, lpClass, lpcchClass);
    if (error == ERROR_MORE_DATA) {  // the part that fits, terminated, and its length
        std::memcpy(lpClass, text.data(), room - 1);
        lpClass[room - 1] = 0;
        *lpcchClass = room - 1;
    }
    return error;
}
}
