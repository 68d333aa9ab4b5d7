// The command line: the host gives arguments one by one, Windows one line. They are joined by Windows' quoting rules,
// so that splitting the line gives them back.
#include <cstdio>
#include <cstring>
#include <vector>

#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/processenv.h"
#include "win32/shellapi.h"

using namespace regent;
using namespace regent::win32;

namespace {

std::vector<std::string> host_arguments() {
    std::vector<std::string> arguments;
    std::FILE* file = std::fopen("/proc/self/cmdline", "re");
    if (file == nullptr) return arguments;
    std::string current;
    for (int unit = std::fgetc(file); unit != EOF; unit = std::fgetc(file)) {
        if (unit == 0) {
            arguments.push_back(std::exchange(current, {}));
        } else {
            current += static_cast<char>(unit);
        }
    }
    std::fclose(file);
    return arguments;
}

// Backslashes count only before a quote.
std::string quoted(const std::string& argument) {
    if (!argument.empty() && argument.find_first_of(" \t\"") == std::string::npos) return argument;
    std::string out = "\"";
    std::size_t backslashes = 0;
    for (const char unit : argument) {
        if (unit == '"') out.append(backslashes + 1, '\\');
        backslashes = unit == '\\' ? backslashes + 1 : 0;
        out += unit;
    }
    out.append(backslashes, '\\');
    return out + '"';
}

std::string joined_arguments() {
    std::string line;
    for (const std::string& argument : host_arguments()) {
        if (!line.empty()) line += ' ';
        line += quoted(argument);
    }
    return line;
}

bool is_blank(char16_t unit) { return unit == u' ' || unit == u'\t'; }

// The program's name: up to a blank, or between quotes; backslashes are ordinary.
Utf16 take_program(Utf16View line, std::size_t* at) {
    if (line.starts_with(u'"')) {
        const std::size_t end = std::min(line.find(u'"', 1), line.size());
        *at = std::min(end + 1, line.size());
        return Utf16(line.substr(1, end - 1));
    }
    while (*at < line.size() && !is_blank(line[*at])) ++*at;
    return Utf16(line.substr(0, *at));
}

// One argument: 2n backslashes and a quote are n backslashes and the quote's end, 2n+1 are n and a quote; two quotes
// inside quotes are one.
Utf16 take_argument(Utf16View line, std::size_t* at) {
    Utf16 out;
    bool inside = false;
    while (*at < line.size() && (inside || !is_blank(line[*at]))) {
        std::size_t backslashes = 0;
        while (*at < line.size() && line[*at] == u'\\') ++backslashes, ++*at;
        if (*at == line.size() || line[*at] != u'"') {
            out.append(backslashes, u'\\');
            if (*at < line.size() && (inside || !is_blank(line[*at]))) out += line[(*at)++];
            continue;
        }
        out.append(backslashes / 2, u'\\');
        ++*at;
        if (backslashes % 2 != 0) {
            out += u'"';
        } else if (inside && *at < line.size() && line[*at] == u'"') {
            out += u'"';
            ++*at;
        } else {
            inside = !inside;
        }
    }
    return out;
}

std::vector<Utf16> split(Utf16View line) {
    std::size_t at = 0;
    std::vector<Utf16> arguments{take_program(line, &at)};
    for (;;) {
        while (at < line.size() && is_blank(line[at])) ++at;
        if (at == line.size()) return arguments;
        arguments.push_back(take_argument(line, &at));
    }
}

}  // namespace

extern "C" {

LPSTR WINAPI GetCommandLineA(void) {
    static std::string line = joined_arguments();
    return line.data();
}

LPWSTR WINAPI GetCommandLineW(void) {
    static Utf16 line = rtl::from_utf8(GetCommandLineA());
    return line.data();
}

LPWSTR* WINAPI CommandLineToArgvW(LPCWSTR lpCmdLine, int* pNumArgs) {
    if (pNumArgs == nullptr || lpCmdLine == nullptr) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    const std::vector<Utf16> arguments =
        *lpCmdLine == 0 ? std::vector<Utf16>{rtl::from_utf8(host_arguments().at(0))} : split(units_of(lpCmdLine));
    std::size_t bytes = (arguments.size() + 1) * sizeof(LPWSTR);
    for (const Utf16& argument : arguments) bytes += (argument.size() + 1) * sizeof(WCHAR);
    auto* block = static_cast<LPWSTR*>(LocalAlloc(LPTR, bytes));
    if (block == nullptr) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return nullptr;
    }
    auto* text = reinterpret_cast<LPWSTR>(block + arguments.size() + 1);
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        block[index] = text;
        std::memcpy(text, arguments[index].c_str(), (arguments[index].size() + 1) * sizeof(WCHAR));
        text += arguments[index].size() + 1;
    }
    *pNumArgs = static_cast<int>(arguments.size());
    return block;
}
}
