// SHReg*US*: keys of the user over the keys of the same path in the machine.
#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "win32/shreg_user.h"

using namespace regent::shreg;

namespace {

std::basic_string<WCHAR> widened(const WCHAR* text) { return text_of(text); }
std::basic_string<WCHAR> widened(const char* text) {
    if (text == nullptr) return {};
    const int units = MultiByteToWideChar(CP_ACP, 0, text, -1, nullptr, 0);
    std::basic_string<WCHAR> wide(static_cast<std::size_t>(std::max(units, 1)), 0);
    MultiByteToWideChar(CP_ACP, 0, text, -1, wide.data(), units);
    wide.pop_back();
    return wide;
}

std::basic_string<WCHAR> path_below(HUSKEY relative, std::basic_string<WCHAR> path) {
    return relative == nullptr ? path : of(relative)->path + u'\\' + path;
}

template <typename Api>
LSTATUS open_key(const typename Api::Char* path, REGSAM access, HUSKEY relative, PHUSKEY result, BOOL ignore_user) {
    if (path == nullptr || result == nullptr) return ERROR_INVALID_PARAMETER;
    *result = nullptr;
    auto key = std::make_unique<UserKey>();
    key->path = path_below(relative, widened(path));
    LSTATUS error = ERROR_FILE_NOT_FOUND;
    if (!ignore_user) error = RegOpenKeyExW(HKEY_CURRENT_USER, key->path.c_str(), 0, access, key->user.receive());
    const LSTATUS machine = RegOpenKeyExW(HKEY_LOCAL_MACHINE, key->path.c_str(), 0, access, key->machine.receive());
    if (error != ERROR_SUCCESS && machine != ERROR_SUCCESS) return machine;
    *result = key.release();
    return ERROR_SUCCESS;
}

LSTATUS ensure(HKEY root, const std::basic_string<WCHAR>& path, REGSAM access, OpenKey* key) {
    if (key->get() != nullptr) return ERROR_SUCCESS;
    return RegCreateKeyExW(root, path.c_str(), 0, nullptr, 0, access, nullptr, key->receive(), nullptr);
}

constexpr DWORD user_side = SHREGSET_HKCU | SHREGSET_FORCE_HKCU;
constexpr DWORD machine_side = SHREGSET_HKLM | SHREGSET_FORCE_HKLM;

template <typename Api>
LSTATUS create_key(const typename Api::Char* path, REGSAM access, HUSKEY relative, PHUSKEY result, DWORD flags) {
    if (path == nullptr || result == nullptr || (flags & (user_side | machine_side)) == 0)
        return ERROR_INVALID_PARAMETER;
    *result = nullptr;
    auto key = std::make_unique<UserKey>();
    key->path = path_below(relative, widened(path));
    LSTATUS error = ERROR_SUCCESS;
    if ((flags & user_side) != 0) error = ensure(HKEY_CURRENT_USER, key->path, access, &key->user);
    if (error == ERROR_SUCCESS && (flags & machine_side) != 0) {
        error = ensure(HKEY_LOCAL_MACHINE, key->path, access, &key->machine);
    }
    if (error == ERROR_SUCCESS) *result = key.release();
    return error;
}

template <typename Api>
LSTATUS query_value(HUSKEY key, const typename Api::Char* name, DWORD* type, void* data, DWORD* size, BOOL ignore_user,
                    void* default_data, DWORD default_size) {
    LSTATUS error = ERROR_FILE_NOT_FOUND;
    const DWORD room = size != nullptr ? *size : 0;
    auto ask = [&](HKEY side) {
        if (size != nullptr) *size = room;
        if constexpr (std::is_same_v<Api, Wide>) {
            return SHQueryValueExW(side, name, nullptr, type, data, size);
        } else {
            return SHQueryValueExA(side, name, nullptr, type, data, size);
        }
    };
    if (key != nullptr && !ignore_user && of(key)->user.get() != nullptr) error = ask(of(key)->user.get());
    if (key != nullptr && error == ERROR_FILE_NOT_FOUND && of(key)->machine.get() != nullptr) {
        error = ask(of(key)->machine.get());
    }
    if (error == ERROR_SUCCESS || error == ERROR_MORE_DATA || default_data == nullptr) return error;
    if (size == nullptr || data == nullptr) return error;
    *size = default_size;
    if (room < default_size) return ERROR_MORE_DATA;
    std::memcpy(data, default_data, default_size);
    return ERROR_SUCCESS;
}

template <typename Api>
LSTATUS write_side(HKEY key, const typename Api::Char* name, DWORD type, const void* data, DWORD size, bool force) {
    if (!force && Api::query(key, name, nullptr, nullptr, nullptr, nullptr) == ERROR_SUCCESS) return ERROR_SUCCESS;
    return Api::set(key, name, 0, type, static_cast<const BYTE*>(data), size);
}

// Without a force flag only what is not there yet is written.
template <typename Api>
LSTATUS write_value(HUSKEY key, const typename Api::Char* name, DWORD type, const void* data, DWORD size, DWORD flags) {
    if (key == nullptr || (flags & (user_side | machine_side)) == 0) return ERROR_INVALID_PARAMETER;
    constexpr REGSAM access = KEY_QUERY_VALUE | KEY_SET_VALUE;
    UserKey& both = *of(key);
    LSTATUS error = ERROR_SUCCESS;
    if ((flags & user_side) != 0) {
        error = ensure(HKEY_CURRENT_USER, both.path, access, &both.user);
        const bool force = (flags & SHREGSET_FORCE_HKCU) != 0;
        if (error == ERROR_SUCCESS) error = write_side<Api>(both.user.get(), name, type, data, size, force);
    }
    if (error == ERROR_SUCCESS && (flags & machine_side) != 0) {
        error = ensure(HKEY_LOCAL_MACHINE, both.path, access, &both.machine);
        const bool force = (flags & SHREGSET_FORCE_HKLM) != 0;
        if (error == ERROR_SUCCESS) error = write_side<Api>(both.machine.get(), name, type, data, size, force);
    }
    return error;
}

// One or both sides; the default is the user's, or the machine's where the user's has nothing to act on.
template <typename Action>
LSTATUS on_sides(HUSKEY key, DWORD flags, Action action) {
    if (key == nullptr || (flags & ~DWORD{SHREGDEL_BOTH}) != 0) return ERROR_INVALID_PARAMETER;
    auto act = [&](HKEY side) { return side == nullptr ? LSTATUS{ERROR_FILE_NOT_FOUND} : action(side); };
    LSTATUS error = ERROR_FILE_NOT_FOUND;
    if (flags != SHREGDEL_HKLM) error = act(of(key)->user.get());
    if (flags == SHREGDEL_HKCU || (flags == SHREGDEL_DEFAULT && error != ERROR_FILE_NOT_FOUND)) return error;
    const LSTATUS machine = act(of(key)->machine.get());
    return flags == SHREGDEL_BOTH && machine == ERROR_FILE_NOT_FOUND ? error : machine;
}

template <typename Api>
LSTATUS delete_value(HUSKEY key, const typename Api::Char* name, SHREGDEL_FLAGS flags) {
    return on_sides(key, flags, [&](HKEY side) { return Api::delete_value(side, name); });
}

template <typename Api>
LSTATUS delete_empty_key(HUSKEY key, const typename Api::Char* subkey, SHREGDEL_FLAGS flags) {
    return on_sides(key, flags, [&](HKEY side) -> LSTATUS {
        if constexpr (std::is_same_v<Api, Wide>) {
            return SHDeleteEmptyKeyW(side, subkey);
        } else {
            return SHDeleteEmptyKeyA(side, subkey);
        }
    });
}

template <typename Api>
LSTATUS get_value(const typename Api::Char* path, const typename Api::Char* name, DWORD* type, void* data, DWORD* size,
                  BOOL ignore_user, void* default_data, DWORD default_size) {
    HUSKEY key = nullptr;
    open_key<Api>(path, KEY_QUERY_VALUE, nullptr, &key, ignore_user);  // no key: the default
    const LSTATUS error = query_value<Api>(key, name, type, data, size, ignore_user, default_data, default_size);
    SHRegCloseUSKey(key);
    return error;
}

template <typename Api>
LSTATUS set_value(const typename Api::Char* path, const typename Api::Char* name, DWORD type, const void* data,
                  DWORD size, DWORD flags) {
    if (path == nullptr) return ERROR_INVALID_PARAMETER;
    UserKey key;
    key.path = widened(path);
    return write_value<Api>(&key, name, type, data, size, flags);
}

// Never fails: what is no truth value is the default.
template <typename Api>
BOOL get_bool_value(const typename Api::Char* path, const typename Api::Char* name, BOOL ignore_user,
                    BOOL default_value) {
    using Char = typename Api::Char;
    Char text[16] = {};
    DWORD type = REG_NONE;
    DWORD size = sizeof(text) - sizeof(Char);
    if (get_value<Api>(path, name, &type, text, &size, ignore_user, nullptr, 0) != ERROR_SUCCESS) return default_value;
    DWORD number = 0;
    if (type == REG_DWORD && size == sizeof(number)) {
        std::memcpy(&number, text, sizeof(number));
        return number != 0;
    }
    if (type == REG_BINARY && size == 1) return reinterpret_cast<const BYTE*>(text)[0] != 0;
    if (type != REG_SZ) return default_value;
    auto is = [&](const char* word) { return Api::compare(text, ascii<Char>(word).c_str()) == 0; };
    if (is("YES") || is("TRUE")) return TRUE;
    if (is("NO") || is("FALSE")) return FALSE;
    return default_value;
}

}  // namespace

extern "C" {

LSTATUS WINAPI SHRegCloseUSKey(HUSKEY hUSKey) {
    if (hUSKey == nullptr) return ERROR_INVALID_PARAMETER;
    const std::unique_ptr<UserKey> key(of(hUSKey));
    return ERROR_SUCCESS;
}

LSTATUS WINAPI SHRegCreateUSKeyW(LPCWSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                                 DWORD dwFlags) {
    return create_key<Wide>(pszPath, samDesired, hRelativeUSKey, phNewUSKey, dwFlags);
}

LSTATUS WINAPI SHRegCreateUSKeyA(LPCSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                                 DWORD dwFlags) {
    return create_key<Narrow>(pszPath, samDesired, hRelativeUSKey, phNewUSKey, dwFlags);
}

LSTATUS WINAPI SHRegOpenUSKeyW(LPCWSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                               BOOL fIgnoreHKCU) {
    return open_key<Wide>(pszPath, samDesired, hRelativeUSKey, phNewUSKey, fIgnoreHKCU);
}

LSTATUS WINAPI SHRegOpenUSKeyA(LPCSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                               BOOL fIgnoreHKCU) {
    return open_key<Narrow>(pszPath, samDesired, hRelativeUSKey, phNewUSKey, fIgnoreHKCU);
}

LSTATUS WINAPI SHRegQueryUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                  BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize) {
    return query_value<Wide>(hUSKey, pszValue, pdwType, pvData, pcbData, fIgnoreHKCU, pvDefaultData, dwDefaultDataSize);
}

LSTATUS WINAPI SHRegQueryUSValueA(HUSKEY hUSKey, LPCSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                  BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize) {
    return query_value<Narrow>(hUSKey, pszValue, pdwType, pvData, pcbData, fIgnoreHKCU, pvDefaultData,
                               dwDefaultDataSize);
}

LSTATUS WINAPI SHRegWriteUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                  DWORD dwFlags) {
    return write_value<Wide>(hUSKey, pszValue, dwType, pvData, cbData, dwFlags);
}

LSTATUS WINAPI SHRegWriteUSValueA(HUSKEY hUSKey, LPCSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                  DWORD dwFlags) {
    return write_value<Narrow>(hUSKey, pszValue, dwType, pvData, cbData, dwFlags);
}

LSTATUS WINAPI SHRegDeleteUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, SHREGDEL_FLAGS delRegFlags) {
    return delete_value<Wide>(hUSKey, pszValue, delRegFlags);
}

LSTATUS WINAPI SHRegDeleteUSValueA(HUSKEY hUSKey, LPCSTR pszValue, SHREGDEL_FLAGS delRegFlags) {
    return delete_value<Narrow>(hUSKey, pszValue, delRegFlags);
}

LSTATUS WINAPI SHRegDeleteEmptyUSKeyW(HUSKEY hUSKey, LPCWSTR pszSubKey, SHREGDEL_FLAGS delRegFlags) {
    return delete_empty_key<Wide>(hUSKey, pszSubKey, delRegFlags);
}

LSTATUS WINAPI SHRegDeleteEmptyUSKeyA(HUSKEY hUSKey, LPCSTR pszSubKey, SHREGDEL_FLAGS delRegFlags) {
    return delete_empty_key<Narrow>(hUSKey, pszSubKey, delRegFlags);
}

LSTATUS WINAPI SHRegGetUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize) {
    return get_value<Wide>(pszSubKey, pszValue, pdwType, pvData, pcbData, fIgnoreHKCU, pvDefaultData,
                           dwDefaultDataSize);
}

LSTATUS WINAPI SHRegGetUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize) {
    return get_value<Narrow>(pszSubKey, pszValue, pdwType, pvData, pcbData, fIgnoreHKCU, pvDefaultData,
                             dwDefaultDataSize);
}

LSTATUS WINAPI SHRegSetUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                DWORD dwFlags) {
    return set_value<Wide>(pszSubKey, pszValue, dwType, pvData, cbData, dwFlags);
}

LSTATUS WINAPI SHRegSetUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                DWORD dwFlags) {
    return set_value<Narrow>(pszSubKey, pszValue, dwType, pvData, cbData, dwFlags);
}

BOOL WINAPI SHRegGetBoolUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, BOOL fIgnoreHKCU, BOOL fDefault) {
    return get_bool_value<Wide>(pszSubKey, pszValue, fIgnoreHKCU, fDefault);
}

BOOL WINAPI SHRegGetBoolUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, BOOL fIgnoreHKCU, BOOL fDefault) {
    return get_bool_value<Narrow>(pszSubKey, pszValue, fIgnoreHKCU, fDefault);
}
}
