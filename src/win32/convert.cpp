#include "win32/convert.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "rtl/fault_table.h"

extern char** environ;

namespace regent::win32 {
namespace {

std::string absolute_path(const std::string& path) {
    if (path.starts_with('/')) return path;
    char* current = getcwd(nullptr, 0);
    if (current == nullptr) return "/" + path;
    std::string absolute = std::string(current) + "/" + path;
    std::free(current);
    return absolute;
}

}  // namespace

std::optional<std::string> environment_name(Utf16View name) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const char* equals = std::strchr(*entry, '=');
        if (equals == nullptr) continue;
        std::string candidate(*entry, static_cast<std::size_t>(equals - *entry));
        if (rtl::equal_folded(rtl::from_utf8(candidate), name)) return candidate;
    }
    return std::nullopt;
}

std::optional<Utf16> environment_value(Utf16View name) {
    const auto host_name = environment_name(name);
    if (!host_name) return std::nullopt;
    const char* value = std::getenv(host_name->c_str());
    return value != nullptr ? std::optional(rtl::from_utf8(value)) : std::nullopt;
}

bool is_string_type(DWORD type) { return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ; }

bool can_read(const void* data, std::size_t size) {
    constexpr std::size_t page = 4096;
    rtl::catch_table_faults();
    const auto* bytes = static_cast<const BYTE*>(data);
    for (std::size_t at = 0; at < size; at += page) {
        if (!rtl::can_read_byte(bytes + at)) return false;
    }
    return size == 0 || rtl::can_read_byte(bytes + size - 1);
}

std::string narrow_data(const BYTE* data, std::size_t size) {
    Utf16 units(size / sizeof(char16_t), u'\0');
    std::memcpy(units.data(), data, units.size() * sizeof(char16_t));
    return rtl::to_utf8(units);
}

std::vector<BYTE> widen_data(const BYTE* data, std::size_t size) {
    const Utf16 units = rtl::from_utf8({reinterpret_cast<const char*>(data), size});
    std::vector<BYTE> bytes(units.size() * sizeof(char16_t));
    std::memcpy(bytes.data(), units.data(), bytes.size());
    return bytes;
}

Utf16 expand_environment(Utf16View text) {
    Utf16 result;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text[at] == u'%' ? text.find(u'%', at + 1) : Utf16View::npos;
        if (end != Utf16View::npos && end > at + 1) {
            if (auto value = environment_value(text.substr(at + 1, end - at - 1))) {
                result += *value;
                at = end + 1;
                continue;
            }
        }
        result += text[at++];
    }
    return result;
}

Utf16 nt_file_name(Utf16View file) {
    if (file.empty()) return {};
    if (file.starts_with(u"\\\\.\\") || file.starts_with(u"\\\\?\\")) return u"\\??\\" + Utf16(file.substr(4));
    if (file.starts_with(u"\\??\\")) return Utf16(file);
    // A separator in an NT name is a backslash, so those of the Linux path become backslashes, and one that is part of
    // a Linux file name cannot be told from them: such files cannot be named here.
    Utf16 path(file);
    for (char16_t& unit : path) {
        if (unit == u'\\') unit = u'/';
    }
    Utf16 name = u"\\??\\UNIX" + rtl::from_utf8(absolute_path(rtl::to_utf8(path)));
    for (char16_t& unit : name) {
        if (unit == u'/') unit = u'\\';
    }
    return name;
}

}  // namespace regent::win32
