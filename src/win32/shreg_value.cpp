// SH*: single calls that open, read or write, and close. What the documentation leaves open follows RegGetValue.
#include <algorithm>
#include <cstring>

#include "win32/shreg.h"

using namespace regent::shreg;

namespace {

bool is_text(DWORD type) { return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ; }

// A value whole, its strings terminated and REG_EXPAND_SZ expanded into REG_SZ.
template <typename Api>
struct Value {
    using Char = typename Api::Char;
    DWORD type = REG_NONE;
    std::vector<BYTE> data;

    LSTATUS read(HKEY key, const Char* name) {
        DWORD size = 256;
        LSTATUS error = ERROR_SUCCESS;
        do {
            data.resize(size);
            error = Api::query(key, name, nullptr, &type, data.data(), &size);
        } while (error == ERROR_MORE_DATA);
        if (error != ERROR_SUCCESS) return error;
        data.resize(size);
        if (is_text(type)) terminate();
        if (type == REG_EXPAND_SZ) expand();
        return error;
    }

private:
    void terminate() {
        data.resize(data.size() / sizeof(Char) * sizeof(Char));
        const auto tail = data.size() < sizeof(Char) ? data.end() : data.end() - sizeof(Char);
        if (tail != data.end() && std::all_of(tail, data.end(), [](BYTE unit) { return unit == 0; })) return;
        data.insert(data.end(), sizeof(Char), 0);
    }

    void expand() {
        const auto* text = reinterpret_cast<const Char*>(data.data());
        std::vector<Char> expanded(Api::expand(text, nullptr, 0));
        Api::expand(text, expanded.data(), static_cast<DWORD>(expanded.size()));
        data.resize(expanded.size() * sizeof(Char));
        std::memcpy(data.data(), expanded.data(), data.size());
        type = REG_SZ;
    }
};

// ERRORS, in this order: INVALID_PARAMETER (reserved, data without size), RegQueryValueEx's, MORE_DATA.
template <typename Api>
LSTATUS query_value(HKEY key, const typename Api::Char* name, DWORD* reserved, DWORD* type, void* data, DWORD* size) {
    if (reserved != nullptr || (data != nullptr && size == nullptr)) return ERROR_INVALID_PARAMETER;
    Value<Api> value;
    const LSTATUS error = value.read(key, name);
    if (error != ERROR_SUCCESS) return error;
    const DWORD room = size != nullptr ? *size : 0;
    if (type != nullptr) *type = value.type;
    if (size != nullptr) *size = static_cast<DWORD>(value.data.size());
    if (data == nullptr) return ERROR_SUCCESS;
    if (room < value.data.size()) return ERROR_MORE_DATA;
    std::copy(value.data.begin(), value.data.end(), static_cast<BYTE*>(data));
    return ERROR_SUCCESS;
}

template <typename Api>
LSTATUS get_value(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name, DWORD* type, void* data,
                  DWORD* size) {
    OpenKey opened;
    const LSTATUS error = Api::open(key, subkey, 0, KEY_QUERY_VALUE, opened.receive());
    return error != ERROR_SUCCESS ? error : query_value<Api>(opened.get(), name, nullptr, type, data, size);
}

template <typename Api>
LSTATUS set_value(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name, DWORD type,
                  const void* data, DWORD size) {
    return Api::set_key_value(key, subkey, name, type, data, size);
}

template <typename Api>
LSTATUS delete_value(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name) {
    return Api::delete_key_value(key, subkey, name);
}

template <typename Api>
LSTATUS delete_key(HKEY key, const typename Api::Char* subkey) {
    return Api::delete_tree(key, subkey);
}

template <typename Api>
LSTATUS counts_of(HKEY key, const typename Api::Char* subkey, DWORD* subkeys, DWORD* values) {
    OpenKey opened;
    const LSTATUS error = Api::open(key, subkey, 0, KEY_QUERY_VALUE, opened.receive());
    if (error != ERROR_SUCCESS) return error;
    return Api::info(opened.get(), nullptr, nullptr, nullptr, subkeys, nullptr, nullptr, values, nullptr, nullptr,
                     nullptr, nullptr);
}

// A key with values may go, one with subkeys not.
template <typename Api>
LSTATUS delete_empty_key(HKEY key, const typename Api::Char* subkey) {
    DWORD subkeys = 0;
    const LSTATUS error = counts_of<Api>(key, subkey, &subkeys, nullptr);
    if (error != ERROR_SUCCESS) return error;
    return subkeys != 0 ? ERROR_KEY_HAS_CHILDREN : Api::delete_key(key, subkey);
}

// A key with neither goes; another stays, which is no error.
template <typename Api>
LSTATUS delete_orphan_key(HKEY key, const typename Api::Char* subkey) {
    DWORD subkeys = 0;
    DWORD values = 0;
    const LSTATUS error = counts_of<Api>(key, subkey, &subkeys, &values);
    if (error != ERROR_SUCCESS || subkeys != 0 || values != 0) return error;
    return Api::delete_key(key, subkey);
}

template <typename Api>
LSTATUS query_info(HKEY key, DWORD* subkeys, DWORD* max_subkey, DWORD* values, DWORD* max_name) {
    return Api::info(key, nullptr, nullptr, nullptr, subkeys, max_subkey, nullptr, values, max_name, nullptr, nullptr,
                     nullptr);
}

template <typename Api>
LSTATUS enum_key(HKEY key, DWORD index, typename Api::Char* name, DWORD* count) {
    return Api::enum_key(key, index, name, count, nullptr, nullptr, nullptr, nullptr);
}

template <typename Api>
LSTATUS enum_value(HKEY key, DWORD index, typename Api::Char* name, DWORD* count, DWORD* type, void* data,
                   DWORD* size) {
    return Api::enum_value(key, index, name, count, nullptr, type, static_cast<BYTE*>(data), size);
}

constexpr DWORD name_units = 16384;  // the longest value name and its NUL

LSTATUS copy_values(HKEY source, HKEY target) {
    std::vector<WCHAR> name(name_units);
    std::vector<BYTE> data(256);
    for (DWORD index = 0;;) {
        DWORD count = name_units;
        auto size = static_cast<DWORD>(data.size());
        DWORD type = REG_NONE;
        LSTATUS error = RegEnumValueW(source, index, name.data(), &count, nullptr, &type, data.data(), &size);
        if (error == ERROR_MORE_DATA) {
            data.resize(size);
            continue;
        }
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error == ERROR_SUCCESS) error = RegSetValueExW(target, name.data(), 0, type, data.data(), size);
        if (error != ERROR_SUCCESS) return error;
        ++index;
    }
}

LSTATUS subkey_names(HKEY key, std::vector<std::basic_string<WCHAR>>* names) {
    for (DWORD index = 0;; ++index) {
        WCHAR name[256];
        DWORD count = 256;
        const LSTATUS error = RegEnumKeyExW(key, index, name, &count, nullptr, nullptr, nullptr, nullptr);
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error != ERROR_SUCCESS) return error;
        names->emplace_back(name, count);
    }
}

// Unlike RegCopyTree, the copies' security is inherited from where they are made. The names of a key's subkeys are read
// before its copy is made, so a copy into the source itself ends.
LSTATUS copy_tree(HKEY source, HKEY target, const std::vector<std::basic_string<WCHAR>>& names) {
    LSTATUS error = copy_values(source, target);
    for (std::size_t index = 0; error == ERROR_SUCCESS && index < names.size(); ++index) {
        OpenKey from;
        OpenKey to;
        std::vector<std::basic_string<WCHAR>> below;
        const WCHAR* name = names[index].c_str();
        error = RegOpenKeyExW(source, name, 0, KEY_READ, from.receive());
        if (error == ERROR_SUCCESS) error = subkey_names(from.get(), &below);
        if (error != ERROR_SUCCESS) return error;
        error = RegCreateKeyExW(target, name, 0, nullptr, 0, MAXIMUM_ALLOWED, nullptr, to.receive(), nullptr);
        if (error == ERROR_SUCCESS) error = copy_tree(from.get(), to.get(), below);
    }
    return error;
}

template <typename Api>
LSTATUS copy_key(HKEY source, const typename Api::Char* subkey, HKEY target, DWORD reserved) {
    if (reserved != 0) return ERROR_INVALID_PARAMETER;
    OpenKey from;
    std::vector<std::basic_string<WCHAR>> names;
    LSTATUS error = Api::open(source, subkey, 0, KEY_READ, from.receive());
    if (error == ERROR_SUCCESS) error = subkey_names(from.get(), &names);
    return error != ERROR_SUCCESS ? error : copy_tree(from.get(), target, names);
}

// The buffer holds MAX_PATH units.
template <typename Api>
LSTATUS get_path(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name, typename Api::Char* path,
                 DWORD) {
    if (path == nullptr) return ERROR_INVALID_PARAMETER;
    DWORD size = MAX_PATH * sizeof(typename Api::Char);
    DWORD type = REG_NONE;
    const LSTATUS error = get_value<Api>(key, subkey, name, &type, path, &size);
    if (error == ERROR_SUCCESS && type != REG_SZ) return ERROR_INVALID_DATATYPE;
    return error;
}

// The path with the first of these variables whose value it starts with put in its place; empty when none fits.
template <typename Api>
std::basic_string<typename Api::Char> unexpanded(const std::basic_string<typename Api::Char>& path) {
    using Char = typename Api::Char;
    for (const char* variable :
         {"%ALLUSERSPROFILE%", "%ProgramFiles%", "%USERPROFILE%", "%SystemRoot%", "%SystemDrive%"}) {
        const auto name = ascii<Char>(variable);
        Char value[MAX_PATH];
        const DWORD units = Api::expand(name.c_str(), value, MAX_PATH);
        const std::size_t length = units - 1;
        if (units < 2 || units > MAX_PATH || path.size() < length || name == value) continue;
        if (Api::compare(path.substr(0, length).c_str(), value) == 0) return name + path.substr(length);
    }
    return {};
}

template <typename Api>
LSTATUS set_path(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name,
                 const typename Api::Char* path, DWORD) {
    if (path == nullptr) return ERROR_INVALID_PARAMETER;
    auto text = text_of(path);
    const auto shortened = unexpanded<Api>(text);
    if (!shortened.empty()) text = shortened;
    const auto size = static_cast<DWORD>((text.size() + 1) * sizeof(typename Api::Char));
    return Api::set_key_value(key, subkey, name, shortened.empty() ? REG_SZ : REG_EXPAND_SZ, text.c_str(), size);
}

// The machine is never in a safe mode: a call for safe modes only does not find its value.
template <typename Api>
LSTATUS reg_get_value(HKEY key, const typename Api::Char* subkey, const typename Api::Char* name, SRRF flags,
                      DWORD* type, void* data, DWORD* size) {
    constexpr SRRF modes = SRRF_RM_NORMAL | SRRF_RM_SAFE | SRRF_RM_SAFENETWORK;
    if ((flags & modes) != 0 && (flags & SRRF_RM_NORMAL) == 0) return ERROR_GEN_FAILURE;
    return Api::get(key, subkey, name, flags & ~(modes | SRRF_NOVIRT), type, data, size);
}

}  // namespace

extern "C" {

HKEY WINAPI SHRegDuplicateHKey(HKEY hkey) {
    HKEY copy = nullptr;
    RegOpenKeyExW(hkey, nullptr, 0, MAXIMUM_ALLOWED, &copy);
    return copy;
}

LSTATUS WINAPI SHGetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD* pdwType, void* pvData,
                           DWORD* pcbData) {
    return get_value<Wide>(hkey, pszSubKey, pszValue, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHGetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, DWORD* pdwType, void* pvData, DWORD* pcbData) {
    return get_value<Narrow>(hkey, pszSubKey, pszValue, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHSetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD dwType, LPCVOID pvData, DWORD cbData) {
    return set_value<Wide>(hkey, pszSubKey, pszValue, dwType, pvData, cbData);
}

LSTATUS WINAPI SHSetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, DWORD dwType, LPCVOID pvData, DWORD cbData) {
    return set_value<Narrow>(hkey, pszSubKey, pszValue, dwType, pvData, cbData);
}

LSTATUS WINAPI SHDeleteValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue) {
    return delete_value<Wide>(hkey, pszSubKey, pszValue);
}

LSTATUS WINAPI SHDeleteValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue) {
    return delete_value<Narrow>(hkey, pszSubKey, pszValue);
}

LSTATUS WINAPI SHDeleteKeyW(HKEY hkey, LPCWSTR pszSubKey) { return delete_key<Wide>(hkey, pszSubKey); }

LSTATUS WINAPI SHDeleteKeyA(HKEY hkey, LPCSTR pszSubKey) { return delete_key<Narrow>(hkey, pszSubKey); }

LSTATUS WINAPI SHDeleteEmptyKeyW(HKEY hkey, LPCWSTR pszSubKey) { return delete_empty_key<Wide>(hkey, pszSubKey); }

LSTATUS WINAPI SHDeleteEmptyKeyA(HKEY hkey, LPCSTR pszSubKey) { return delete_empty_key<Narrow>(hkey, pszSubKey); }

LSTATUS WINAPI SHDeleteOrphanKeyW(HKEY hkey, LPCWSTR pszSubKey) { return delete_orphan_key<Wide>(hkey, pszSubKey); }

LSTATUS WINAPI SHDeleteOrphanKeyA(HKEY hkey, LPCSTR pszSubKey) { return delete_orphan_key<Narrow>(hkey, pszSubKey); }

LSTATUS WINAPI SHQueryValueExW(HKEY hkey, LPCWSTR pszValue, DWORD* pdwReserved, DWORD* pdwType, void* pvData,
                               DWORD* pcbData) {
    return query_value<Wide>(hkey, pszValue, pdwReserved, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHQueryValueExA(HKEY hkey, LPCSTR pszValue, DWORD* pdwReserved, DWORD* pdwType, void* pvData,
                               DWORD* pcbData) {
    return query_value<Narrow>(hkey, pszValue, pdwReserved, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHQueryInfoKeyW(HKEY hkey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                               LPDWORD pcchMaxValueNameLen) {
    return query_info<Wide>(hkey, pcSubKeys, pcchMaxSubKeyLen, pcValues, pcchMaxValueNameLen);
}

LSTATUS WINAPI SHQueryInfoKeyA(HKEY hkey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                               LPDWORD pcchMaxValueNameLen) {
    return query_info<Narrow>(hkey, pcSubKeys, pcchMaxSubKeyLen, pcValues, pcchMaxValueNameLen);
}

LSTATUS WINAPI SHEnumKeyExW(HKEY hkey, DWORD dwIndex, LPWSTR pszName, LPDWORD pcchName) {
    return enum_key<Wide>(hkey, dwIndex, pszName, pcchName);
}

LSTATUS WINAPI SHEnumKeyExA(HKEY hkey, DWORD dwIndex, LPSTR pszName, LPDWORD pcchName) {
    return enum_key<Narrow>(hkey, dwIndex, pszName, pcchName);
}

LSTATUS WINAPI SHEnumValueW(HKEY hkey, DWORD dwIndex, LPWSTR pszValueName, LPDWORD pcchValueName, LPDWORD pdwType,
                            void* pvData, LPDWORD pcbData) {
    return enum_value<Wide>(hkey, dwIndex, pszValueName, pcchValueName, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHEnumValueA(HKEY hkey, DWORD dwIndex, LPSTR pszValueName, LPDWORD pcchValueName, LPDWORD pdwType,
                            void* pvData, LPDWORD pcbData) {
    return enum_value<Narrow>(hkey, dwIndex, pszValueName, pcchValueName, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHCopyKeyW(HKEY hkeySrc, LPCWSTR pszSrcSubKey, HKEY hkeyDest, DWORD fReserved) {
    return copy_key<Wide>(hkeySrc, pszSrcSubKey, hkeyDest, fReserved);
}

LSTATUS WINAPI SHCopyKeyA(HKEY hkeySrc, LPCSTR pszSrcSubKey, HKEY hkeyDest, DWORD fReserved) {
    return copy_key<Narrow>(hkeySrc, pszSrcSubKey, hkeyDest, fReserved);
}

LSTATUS WINAPI SHRegGetPathW(HKEY hKey, LPCWSTR pcszSubKey, LPCWSTR pcszValue, LPWSTR pszPath, DWORD dwFlags) {
    return get_path<Wide>(hKey, pcszSubKey, pcszValue, pszPath, dwFlags);
}

LSTATUS WINAPI SHRegGetPathA(HKEY hKey, LPCSTR pcszSubKey, LPCSTR pcszValue, LPSTR pszPath, DWORD dwFlags) {
    return get_path<Narrow>(hKey, pcszSubKey, pcszValue, pszPath, dwFlags);
}

LSTATUS WINAPI SHRegSetPathW(HKEY hKey, LPCWSTR pcszSubKey, LPCWSTR pcszValue, LPCWSTR pcszPath, DWORD dwFlags) {
    return set_path<Wide>(hKey, pcszSubKey, pcszValue, pcszPath, dwFlags);
}

LSTATUS WINAPI SHRegSetPathA(HKEY hKey, LPCSTR pcszSubKey, LPCSTR pcszValue, LPCSTR pcszPath, DWORD dwFlags) {
    return set_path<Narrow>(hKey, pcszSubKey, pcszValue, pcszPath, dwFlags);
}

LSTATUS WINAPI SHRegGetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, SRRF srrfFlags, DWORD* pdwType,
                              void* pvData, DWORD* pcbData) {
    return reg_get_value<Wide>(hkey, pszSubKey, pszValue, srrfFlags, pdwType, pvData, pcbData);
}

LSTATUS WINAPI SHRegGetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, SRRF srrfFlags, DWORD* pdwType,
                              void* pvData, DWORD* pcbData) {
    return reg_get_value<Narrow>(hkey, pszSubKey, pszValue, srrfFlags, pdwType, pvData, pcbData);
}
}
