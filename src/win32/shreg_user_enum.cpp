// SHRegEnumUS*, SHRegQueryInfoUSKey: one side of a user's key, or both together.
#include <algorithm>

#include "win32/shreg_user.h"

using namespace regent::shreg;

namespace {

// The side that an enumeration of one side walks; null when it is not there.
HKEY side_of(HUSKEY key, SHREGENUM_FLAGS flags) {
    if (flags == SHREGENUM_HKLM) return of(key)->machine.get();
    if (flags == SHREGENUM_HKCU || of(key)->user.get() != nullptr) return of(key)->user.get();
    return of(key)->machine.get();
}

bool names_both(HUSKEY key, SHREGENUM_FLAGS flags) {
    return flags == SHREGENUM_BOTH && of(key)->user.get() != nullptr && of(key)->machine.get() != nullptr;
}

// `each(side, index)` of both sides together: the user's come first, then the machine's that `is_double` does not find
// with the user.
template <typename Each, typename IsDouble>
LSTATUS enumerate_both(HUSKEY key, DWORD index, DWORD user_count, Each each, IsDouble is_double) {
    if (index < user_count) return each(of(key)->user.get(), index);
    DWORD left = index - user_count;
    for (DWORD at = 0;; ++at) {
        bool found = false;
        const LSTATUS error = is_double(at, &found);
        if (error != ERROR_SUCCESS) return error;
        if (!found && left-- == 0) return each(of(key)->machine.get(), at);
    }
}

LSTATUS counts_of(HKEY key, DWORD* subkeys, DWORD* values) {
    return RegQueryInfoKeyW(key, nullptr, nullptr, nullptr, subkeys, nullptr, nullptr, values, nullptr, nullptr,
                            nullptr, nullptr);
}

LSTATUS subkey_is_double(HUSKEY key, DWORD index, bool* found) {
    WCHAR name[256];
    DWORD count = 256;
    const LSTATUS error =
        RegEnumKeyExW(of(key)->machine.get(), index, name, &count, nullptr, nullptr, nullptr, nullptr);
    OpenKey twin;
    if (error == ERROR_SUCCESS) {
        *found = RegOpenKeyExW(of(key)->user.get(), name, 0, READ_CONTROL, twin.receive()) != ERROR_FILE_NOT_FOUND;
    }
    return error;
}

LSTATUS value_is_double(HUSKEY key, DWORD index, bool* found) {
    std::vector<WCHAR> name(16384);
    auto count = static_cast<DWORD>(name.size());
    const LSTATUS error =
        RegEnumValueW(of(key)->machine.get(), index, name.data(), &count, nullptr, nullptr, nullptr, nullptr);
    if (error == ERROR_SUCCESS) {
        *found = RegQueryValueExW(of(key)->user.get(), name.data(), nullptr, nullptr, nullptr, nullptr) !=
                 ERROR_FILE_NOT_FOUND;
    }
    return error;
}

template <typename Api>
LSTATUS enum_key(HUSKEY key, DWORD index, typename Api::Char* name, DWORD* count, SHREGENUM_FLAGS flags) {
    if (key == nullptr) return ERROR_INVALID_PARAMETER;
    auto each = [&](HKEY side, DWORD at) {
        return Api::enum_key(side, at, name, count, nullptr, nullptr, nullptr, nullptr);
    };
    if (!names_both(key, flags)) {
        const HKEY side = side_of(key, flags);
        return side == nullptr ? ERROR_NO_MORE_ITEMS : each(side, index);
    }
    DWORD user_count = 0;
    const LSTATUS error = counts_of(of(key)->user.get(), &user_count, nullptr);
    if (error != ERROR_SUCCESS) return error;
    return enumerate_both(key, index, user_count, each,
                          [&](DWORD at, bool* found) { return subkey_is_double(key, at, found); });
}

template <typename Api>
LSTATUS enum_value(HUSKEY key, DWORD index, typename Api::Char* name, DWORD* count, DWORD* type, void* data,
                   DWORD* size, SHREGENUM_FLAGS flags) {
    if (key == nullptr) return ERROR_INVALID_PARAMETER;
    auto each = [&](HKEY side, DWORD at) {
        return Api::enum_value(side, at, name, count, nullptr, type, static_cast<BYTE*>(data), size);
    };
    if (!names_both(key, flags)) {
        const HKEY side = side_of(key, flags);
        return side == nullptr ? ERROR_NO_MORE_ITEMS : each(side, index);
    }
    DWORD user_count = 0;
    const LSTATUS error = counts_of(of(key)->user.get(), nullptr, &user_count);
    if (error != ERROR_SUCCESS) return error;
    return enumerate_both(key, index, user_count, each,
                          [&](DWORD at, bool* found) { return value_is_double(key, at, found); });
}

// What both sides have twice counts twice: the sums tell how much room an enumeration needs at most.
template <typename Api>
LSTATUS query_info_key(HUSKEY key, DWORD* subkeys, DWORD* max_subkey, DWORD* values, DWORD* max_name,
                       SHREGENUM_FLAGS flags) {
    if (key == nullptr) return ERROR_INVALID_PARAMETER;
    DWORD total[4] = {};
    std::vector<HKEY> sides{side_of(key, flags)};
    if (names_both(key, flags)) sides.push_back(of(key)->machine.get());
    for (const HKEY side : sides) {
        DWORD one[4] = {};
        if (side == nullptr) return ERROR_FILE_NOT_FOUND;
        const LSTATUS error = Api::info(side, nullptr, nullptr, nullptr, &one[0], &one[1], nullptr, &one[2], &one[3],
                                        nullptr, nullptr, nullptr);
        if (error != ERROR_SUCCESS) return error;
        total[0] += one[0];
        total[1] = std::max(total[1], one[1]);
        total[2] += one[2];
        total[3] = std::max(total[3], one[3]);
    }
    DWORD* const out[] = {subkeys, max_subkey, values, max_name};
    for (std::size_t index = 0; index < 4; ++index) {
        if (out[index] != nullptr) *out[index] = total[index];
    }
    return ERROR_SUCCESS;
}

}  // namespace

extern "C" {

LSTATUS WINAPI SHRegEnumUSKeyW(HUSKEY hUSKey, DWORD dwIndex, LPWSTR pszName, LPDWORD pcchName,
                               SHREGENUM_FLAGS enumRegFlags) {
    return enum_key<Wide>(hUSKey, dwIndex, pszName, pcchName, enumRegFlags);
}

LSTATUS WINAPI SHRegEnumUSKeyA(HUSKEY hUSKey, DWORD dwIndex, LPSTR pszName, LPDWORD pcchName,
                               SHREGENUM_FLAGS enumRegFlags) {
    return enum_key<Narrow>(hUSKey, dwIndex, pszName, pcchName, enumRegFlags);
}

LSTATUS WINAPI SHRegEnumUSValueW(HUSKEY hUSKey, DWORD dwIndex, LPWSTR pszValueName, LPDWORD pcchValueName,
                                 LPDWORD pdwType, void* pvData, LPDWORD pcbData, SHREGENUM_FLAGS enumRegFlags) {
    return enum_value<Wide>(hUSKey, dwIndex, pszValueName, pcchValueName, pdwType, pvData, pcbData, enumRegFlags);
}

LSTATUS WINAPI SHRegEnumUSValueA(HUSKEY hUSKey, DWORD dwIndex, LPSTR pszValueName, LPDWORD pcchValueName,
                                 LPDWORD pdwType, void* pvData, LPDWORD pcbData, SHREGENUM_FLAGS enumRegFlags) {
    return enum_value<Narrow>(hUSKey, dwIndex, pszValueName, pcchValueName, pdwType, pvData, pcbData, enumRegFlags);
}

LSTATUS WINAPI SHRegQueryInfoUSKeyW(HUSKEY hUSKey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                                    LPDWORD pcchMaxValueNameLen, SHREGENUM_FLAGS enumRegFlags) {
    return query_info_key<Wide>(hUSKey, pcSubKeys, pcchMaxSubKeyLen, pcValues, pcchMaxValueNameLen, enumRegFlags);
}

LSTATUS WINAPI SHRegQueryInfoUSKeyA(HUSKEY hUSKey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                                    LPDWORD pcchMaxValueNameLen, SHREGENUM_FLAGS enumRegFlags) {
    return query_info_key<Narrow>(hUSKey, pcSubKeys, pcchMaxSubKeyLen, pcValues, pcchMaxValueNameLen, enumRegFlags);
}
}
