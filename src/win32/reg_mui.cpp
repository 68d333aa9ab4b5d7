// RegLoadMUIString: "@[path\]dll,-id[;comment]" in a value names a string of a module (conformance rows 216-222). As
// Windows' resource loader does, a file of the user's language beside the module (de-DE\dll.mui) comes before the
// module's own string table.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "win32/convert.h"
#include "win32/module_strings.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

constexpr std::size_t max_section = 256 << 20;  // of resources that are read for one string

struct Source {
    std::string file;  // host path
    std::uint32_t id = 0;
};

// What follows a comma: "-id", to the end or a comment. Nothing: something else.
std::optional<std::uint32_t> id_after_comma(Utf16View text) {
    if (!text.starts_with(u'-')) return std::nullopt;
    const std::string number = rtl::to_utf8(text.substr(1, text.find(u';') - 1));
    std::uint32_t id = 0;
    const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), id);
    if (wrong != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    return id;
}

// ERRORS: INVALID_DATA (no such form). A name without ",-id" names nothing.
LSTATUS parse(Utf16View text, const WCHAR* directory, Source* source) {
    std::optional<std::uint32_t> id;
    std::size_t comma = text.find(u',');
    while (comma != Utf16View::npos && !(id = id_after_comma(text.substr(comma + 1))))
        comma = text.find(u',', comma + 1);
    if (!id || !text.starts_with(u'@')) return ERROR_INVALID_DATA;
    std::string name = rtl::to_utf8(text.substr(1, comma - 1));
    std::replace(name.begin(), name.end(), '\\', '/');
    if (directory != nullptr && !name.starts_with('/')) {
        std::string folder = rtl::to_utf8(units_of(directory));
        std::replace(folder.begin(), folder.end(), '\\', '/');
        name = folder + "/" + name;
    }
    *source = {std::move(name), *id};
    return ERROR_SUCCESS;
}

// Exactly the bytes asked for; false when they are not there.
bool read_at(int file, std::uint64_t offset, MutableBytes into) {
    while (!into.empty()) {
        const ssize_t got = pread(file, into.data(), into.size(), static_cast<off_t>(offset));
        if (got <= 0) return false;
        offset += static_cast<std::size_t>(got);
        into = into.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

LSTATUS read_string(int file, std::uint32_t id, Utf16* text) {
    struct stat status{};
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return ERROR_BAD_EXE_FORMAT;
    const auto file_size = static_cast<std::uint64_t>(status.st_size);
    std::vector<std::byte> bytes(std::min<std::uint64_t>(file_size, image_head_size));
    if (!read_at(file, 0, bytes)) return ERROR_BAD_EXE_FORMAT;
    ResourceSection section;
    if (const LSTATUS error = find_resources(bytes, &section); error != ERROR_SUCCESS) return error;
    if (section.file_offset > file_size || section.size > file_size - section.file_offset) return ERROR_BAD_EXE_FORMAT;
    if (section.size > max_section) return ERROR_NOT_ENOUGH_MEMORY;
    bytes.resize(section.size);
    if (!read_at(file, section.file_offset, bytes)) return ERROR_BAD_EXE_FORMAT;
    return find_string(bytes, section, id, text);
}

// The user's languages as Windows names them: "de_AT.UTF-8" is de-AT, then de; last what is there if nothing else is.
std::vector<std::string> languages() {
    std::string chosen;
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        if (const char* value = std::getenv(name); chosen.empty() && value != nullptr) chosen = value;
    }
    chosen.resize(std::min(chosen.size(), chosen.find_first_of(".@")));
    std::replace(chosen.begin(), chosen.end(), '_', '-');
    const bool sane = !chosen.empty() && chosen != "C" && chosen != "POSIX" && std::ranges::all_of(chosen, [](char c) {
        return c == '-' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
    std::vector<std::string> names;
    if (sane) names.push_back(chosen);
    if (const std::size_t end = chosen.find('-'); sane && end != std::string::npos)
        names.push_back(chosen.substr(0, end));
    names.insert(names.end(), {"en-US", "en"});
    return names;
}

LSTATUS load_from(const std::string& path, std::uint32_t id, Utf16* text) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe keeps nobody waiting
    if (file < 0) return errno == EACCES ? ERROR_ACCESS_DENIED : ERROR_FILE_NOT_FOUND;
    const LSTATUS error = read_string(file, id, text);
    close(file);
    return error;
}

// ERRORS: the module's; without it nothing beside it counts.
LSTATUS load_string(const Source& source, Utf16* text) {
    const LSTATUS own = load_from(source.file, source.id, text);
    if (own == ERROR_FILE_NOT_FOUND || own == ERROR_ACCESS_DENIED || own == ERROR_BAD_EXE_FORMAT) return own;
    const std::size_t name = source.file.rfind('/') + 1;  // 0 when there is no folder
    for (const std::string& language : languages()) {
        Utf16 translated;
        const std::string path = source.file.substr(0, name) + language + "/" + source.file.substr(name) + ".mui";
        if (load_from(path, source.id, &translated) != ERROR_SUCCESS) continue;
        *text = std::move(translated);
        return ERROR_SUCCESS;
    }
    return own;
}

// Whole with its NUL, or, cut where that is wanted, what fits with one; else the buffer stays as it is (row 217).
LSTATUS deliver(Utf16View text, LPWSTR out, DWORD size, LPDWORD needed, bool cut) {
    const auto whole = static_cast<DWORD>((text.size() + 1) * sizeof(char16_t));
    if (needed != nullptr) *needed = whole;
    if (whole > size && (!cut || size == 0)) return ERROR_MORE_DATA;
    text = text.substr(0, size / sizeof(char16_t) - 1);
    std::memcpy(out, text.data(), text.size() * sizeof(char16_t));
    out[text.size()] = 0;
    return ERROR_SUCCESS;
}

// The text of a string value. ERRORS: the value's, INVALID_DATA (not a string).
LSTATUS value_text(const KeyReference& key, LPCWSTR name, Utf16* text) {
    AnswerBuffer buffer;
    const NTSTATUS status = query_value(key, units_of(name), buffer);
    if (!NT_SUCCESS(status)) return to_error(status);
    const auto* info = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    if (info->Type != REG_SZ && info->Type != REG_EXPAND_SZ) return ERROR_INVALID_DATA;
    text->resize(info->DataLength / sizeof(char16_t));
    std::memcpy(text->data(), info->Data, text->size() * sizeof(char16_t));
    text->resize(std::min(text->size(), text->find(u'\0')));
    return ERROR_SUCCESS;
}

}  // namespace

extern "C" {

// ERRORS, in this order: INVALID_PARAMETER (flags, an odd size, a size without a buffer, TRUNCATE with a size pointer),
// INVALID_HANDLE, the value's, INVALID_DATA (not a string; not of the form), FILE_NOT_FOUND, ACCESS_DENIED,
// find_resources' and find_string's, MORE_DATA.
LSTATUS WINAPI RegLoadMUIStringW(HKEY hKey, LPCWSTR pszValue, LPWSTR pszOutBuf, DWORD cbOutBuf, LPDWORD pcbData,
                                 DWORD Flags, LPCWSTR pszDirectory) {
    constexpr DWORD legal = REG_MUI_STRING_TRUNCATE;
    if ((Flags & ~legal) != 0 || cbOutBuf % sizeof(WCHAR) != 0) return ERROR_INVALID_PARAMETER;
    if (pszOutBuf == nullptr && cbOutBuf != 0) return ERROR_INVALID_PARAMETER;
    if ((Flags & REG_MUI_STRING_TRUNCATE) != 0 && pcbData != nullptr) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    Utf16 text;
    if (const LSTATUS error = value_text(key, pszValue, &text); error != ERROR_SUCCESS) return error;
    // Only the module's name is expanded: "%X%" that holds "@..." is no such string (row 220).
    if (!text.starts_with(u'@')) return ERROR_INVALID_DATA;
    Source source;
    LSTATUS error = parse(u"@" + expand_environment(Utf16View(text).substr(1)), pszDirectory, &source);
    if (error == ERROR_SUCCESS) error = load_string(source, &text);
    if (error != ERROR_SUCCESS) return error;
    return deliver(text, pszOutBuf, cbOutBuf, pcbData, (Flags & REG_MUI_STRING_TRUNCATE) != 0);
}

LSTATUS WINAPI RegLoadMUIStringA(HKEY, LPCSTR, LPSTR, DWORD, LPDWORD, DWORD, LPCSTR) {
    return ERROR_CALL_NOT_IMPLEMENTED;
}
}
