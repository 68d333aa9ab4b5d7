// RegLoadMUIString: "@[path\]dll,-id" in a value names a string of a module (conformance rows 216-222).
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct Source {
    std::string file;  // host path
    unsigned id = 0;
};

// ERRORS: INVALID_DATA (no such form). A name without ",-id" names nothing.
LSTATUS parse(const Utf16& text, const WCHAR* directory, Source& source) {
    if (!text.starts_with(u'@')) return ERROR_INVALID_DATA;
    const std::size_t comma = text.rfind(u',');
    if (comma == Utf16::npos || comma + 1 >= text.size() || text[comma + 1] != u'-') return ERROR_INVALID_DATA;
    const std::string number = rtl::to_utf8(Utf16View(text).substr(comma + 2));
    const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), source.id);
    if (wrong != std::errc{} || end != number.data() + number.size()) return ERROR_INVALID_DATA;
    std::string name = rtl::to_utf8(Utf16View(text).substr(1, comma - 1));
    for (char& letter : name) letter = letter == '\\' ? '/' : letter;
    if (directory != nullptr && !name.starts_with('/')) name = rtl::to_utf8(units_of(directory)) + "/" + name;
    source.file = name;
    return ERROR_SUCCESS;
}

// Modules with string tables are PE images, which this host does not read: what is one is told apart from what is none.
LSTATUS load_string(const Source& source) {
    const int file = open(source.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return ERROR_FILE_NOT_FOUND;
    char magic[2] = {};
    const bool image = read(file, magic, sizeof(magic)) == sizeof(magic) && std::memcmp(magic, "MZ", 2) == 0;
    close(file);
    return image ? ERROR_NOT_SUPPORTED : ERROR_BAD_EXE_FORMAT;
}

}  // namespace

extern "C" {

// ERRORS, in this order: INVALID_PARAMETER (flags, an odd size, TRUNCATE with a size pointer), INVALID_HANDLE, the
// value's, INVALID_DATA (not a string; not of the form), FILE_NOT_FOUND, BAD_EXE_FORMAT, NOT_SUPPORTED (an image).
LSTATUS WINAPI RegLoadMUIStringW(HKEY hKey, LPCWSTR pszValue, LPWSTR, DWORD cbOutBuf, LPDWORD pcbData, DWORD Flags,
                                 LPCWSTR pszDirectory) {
    constexpr DWORD legal = REG_MUI_STRING_TRUNCATE;
    if ((Flags & ~legal) != 0 || cbOutBuf % sizeof(WCHAR) != 0) return ERROR_INVALID_PARAMETER;
    if ((Flags & REG_MUI_STRING_TRUNCATE) != 0 && pcbData != nullptr) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    AnswerBuffer buffer;
    const NTSTATUS status = query_value(key, units_of(pszValue), buffer);
    if (!NT_SUCCESS(status)) return to_error(status);
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    if (info->Type != REG_SZ && info->Type != REG_EXPAND_SZ) return ERROR_INVALID_DATA;
    Utf16 text(info->DataLength / sizeof(char16_t), u'\0');
    std::memcpy(text.data(), info->Data, text.size() * sizeof(char16_t));
    text.resize(Utf16View(text).find(u'\0') == Utf16View::npos ? text.size() : text.find(u'\0'));
    // Only the module's name is expanded: "%X%" that holds "@..." is no such string (row 220).
    if (!text.starts_with(u'@')) return ERROR_INVALID_DATA;
    Source source;
    const LSTATUS error = parse(u"@" + expand_environment(Utf16View(text).substr(1)), pszDirectory, source);
    return error != ERROR_SUCCESS ? error : load_string(source);
}

LSTATUS WINAPI RegLoadMUIStringA(HKEY, LPCSTR, LPSTR, DWORD, LPDWORD, DWORD, LPCSTR) {
    return ERROR_CALL_NOT_IMPLEMENTED;
}
}
