// RegQueryMultipleValues: values of one moment in one buffer.
#include <cstring>

#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr std::size_t max_transfer = 1 << 20;  // of the list and the data of one call

struct Answer {
    std::vector<KEY_VALUE_ENTRY> entries;
    std::vector<BYTE> data;
};

// Everything, whatever its size. ERRORS: the service's; TRANSFER_TOO_LONG.
LSTATUS fetch_from(HANDLE key, const std::vector<Utf16View>& names, Answer& answer) {
    static_assert(sizeof(VALENTW) == sizeof(VALENTA));
    const std::size_t list = names.size() * sizeof(VALENTW);
    std::vector<UNICODE_STRING> strings(names.size());
    answer.entries.assign(names.size(), {});
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].size() > max_name_units) return ERROR_FILE_NOT_FOUND;
        strings[i] = rtl::unicode_string(names[i]);
        answer.entries[i].ValueName = &strings[i];
    }
    ULONG needed = 1024;
    for (;;) {
        answer.data.resize(needed);
        auto size = static_cast<ULONG>(answer.data.size());
        const NTSTATUS status = NtQueryMultipleValueKey(key, answer.entries.data(), static_cast<ULONG>(names.size()),
                                                        answer.data.data(), &size, &needed);
        if (status != STATUS_BUFFER_OVERFLOW) {
            answer.data.resize(NT_SUCCESS(status) ? size : 0);
            const bool too_long = NT_SUCCESS(status) && list + size > max_transfer;
            return too_long ? ERROR_TRANSFER_TOO_LONG : to_error(status);
        }
        if (list + needed > max_transfer) return ERROR_TRANSFER_TOO_LONG;
    }
}

// Through HKEY_CLASSES_ROOT all values come from one side: the user's, if it has them all.
LSTATUS fetch(const KeyReference& key, const std::vector<Utf16View>& names, Answer& answer) {
    const LSTATUS error = fetch_from(key.handle(), names, answer);
    if (error != ERROR_FILE_NOT_FOUND || key.fallback() == nullptr) return error;
    return fetch_from(key.fallback(), names, answer);
}

// The values' types, lengths and places; their data, when there is room for all of it.
template <typename Valent, typename Convert>
LSTATUS hand_out(const Answer& answer, Valent* values, void* buffer, DWORD* total, Convert convert) {
    std::vector<BYTE> packed;
    std::vector<std::size_t> places;
    std::vector<DWORD> lengths;
    for (const KEY_VALUE_ENTRY& entry : answer.entries) {
        const BYTE* data = answer.data.data() + entry.DataOffset;
        const auto converted = convert(entry.Type, data, entry.DataLength);
        packed.resize((packed.size() + 3) & ~std::size_t{3});
        places.push_back(packed.size());
        lengths.push_back(static_cast<DWORD>(converted.size()));
        packed.insert(packed.end(), converted.begin(), converted.end());
    }
    const DWORD room = buffer == nullptr ? 0 : *total;
    *total = static_cast<DWORD>(packed.size());
    if (room < packed.size()) return ERROR_MORE_DATA;
    if (!packed.empty()) std::memcpy(buffer, packed.data(), packed.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        values[i].ve_valuelen = lengths[i];
        values[i].ve_valueptr = reinterpret_cast<DWORD_PTR>(buffer) + places[i];
        values[i].ve_type = answer.entries[i].Type;
    }
    return ERROR_SUCCESS;
}

}  // namespace

extern "C" {

// ERRORS, in this order: INVALID_PARAMETER, INVALID_HANDLE, NtQueryMultipleValueKey's, TRANSFER_TOO_LONG, MORE_DATA.
LSTATUS WINAPI RegQueryMultipleValuesW(HKEY hKey, PVALENTW val_list, DWORD num_vals, LPWSTR lpValueBuf,
                                       LPDWORD ldwTotsize) {
    if (ldwTotsize == nullptr || (val_list == nullptr && num_vals != 0)) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    std::vector<Utf16View> names;
    for (DWORD i = 0; i < num_vals; ++i) names.push_back(units_of(val_list[i].ve_valuename));
    Answer answer;
    if (const LSTATUS error = fetch(key, names, answer); error != ERROR_SUCCESS) return error;
    return hand_out(answer, val_list, lpValueBuf, ldwTotsize,
                    [](DWORD, const BYTE* data, DWORD size) { return std::vector<BYTE>(data, data + size); });
}

LSTATUS WINAPI RegQueryMultipleValuesA(HKEY hKey, PVALENTA val_list, DWORD num_vals, LPSTR lpValueBuf,
                                       LPDWORD ldwTotsize) {
    if (ldwTotsize == nullptr || (val_list == nullptr && num_vals != 0)) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    std::vector<Utf16> texts;
    for (DWORD i = 0; i < num_vals; ++i) {
        texts.push_back(rtl::from_utf8(val_list[i].ve_valuename != nullptr ? val_list[i].ve_valuename : ""));
    }
    Answer answer;
    const LSTATUS error = fetch(key, {texts.begin(), texts.end()}, answer);
    if (error != ERROR_SUCCESS) return error;
    return hand_out(answer, val_list, lpValueBuf, ldwTotsize, [](DWORD type, const BYTE* data, DWORD size) {
        if (!is_string_type(type)) return std::string(reinterpret_cast<const char*>(data), size);
        return narrow_data(data, size);
    });
}
}
