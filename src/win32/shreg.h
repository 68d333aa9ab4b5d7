// The Reg* functions of one character width, for helpers that are written once for both.
#pragma once

#include <string>
#include <vector>

#include "win32/shlwapi.h"
#include "win32/winbase.h"

namespace regent::shreg {

struct Wide {
    using Char = WCHAR;
    static constexpr auto open = RegOpenKeyExW;
    static constexpr auto create = RegCreateKeyExW;
    static constexpr auto delete_key = RegDeleteKeyW;
    static constexpr auto delete_tree = RegDeleteTreeW;
    static constexpr auto query = RegQueryValueExW;
    static constexpr auto set = RegSetValueExW;
    static constexpr auto set_key_value = RegSetKeyValueW;
    static constexpr auto delete_value = RegDeleteValueW;
    static constexpr auto delete_key_value = RegDeleteKeyValueW;
    static constexpr auto get = RegGetValueW;
    static constexpr auto info = RegQueryInfoKeyW;
    static constexpr auto enum_key = RegEnumKeyExW;
    static constexpr auto enum_value = RegEnumValueW;
    static constexpr auto expand = ExpandEnvironmentStringsW;
    static constexpr auto compare = lstrcmpiW;
};

struct Narrow {
    using Char = char;
    static constexpr auto open = RegOpenKeyExA;
    static constexpr auto create = RegCreateKeyExA;
    static constexpr auto delete_key = RegDeleteKeyA;
    static constexpr auto delete_tree = RegDeleteTreeA;
    static constexpr auto query = RegQueryValueExA;
    static constexpr auto set = RegSetValueExA;
    static constexpr auto set_key_value = RegSetKeyValueA;
    static constexpr auto delete_value = RegDeleteValueA;
    static constexpr auto delete_key_value = RegDeleteKeyValueA;
    static constexpr auto get = RegGetValueA;
    static constexpr auto info = RegQueryInfoKeyA;
    static constexpr auto enum_key = RegEnumKeyExA;
    static constexpr auto enum_value = RegEnumValueA;
    static constexpr auto expand = ExpandEnvironmentStringsA;
    static constexpr auto compare = lstrcmpiA;
};

template <typename Char>
std::basic_string<Char> text_of(const Char* text) {
    return text == nullptr ? std::basic_string<Char>() : std::basic_string<Char>(text);
}

// A literal in the caller's units.
template <typename Char>
std::basic_string<Char> ascii(const char* text) {
    return {text, text + std::char_traits<char>::length(text)};
}

// Closes a key at the end of a scope; predefined keys may be closed as well.
class OpenKey {
public:
    explicit OpenKey(HKEY key = nullptr) : key_(key) {}
    OpenKey(const OpenKey&) = delete;
    OpenKey& operator=(const OpenKey&) = delete;
    ~OpenKey() {
        if (key_ != nullptr) RegCloseKey(key_);
    }
    HKEY get() const { return key_; }
    PHKEY receive() { return &key_; }
    HKEY release() {
        HKEY key = key_;
        key_ = nullptr;
        return key;
    }

private:
    HKEY key_;
};

}  // namespace regent::shreg
