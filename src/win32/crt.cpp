// The wide C library's output functions for programs compiled with -fshort-wchar (include/win32/wchar.h binds the
// names). %s takes wide text, as in Windows' C library; floating-point conversions are not supported.
#include <cstdarg>
#include <cstdio>

#include "rtl/format.h"
#include "rtl/utf16.h"

using namespace regent;

extern "C" {

int rg_vfwprintf(std::FILE* stream, const char16_t* format, va_list list) {
    rtl::VaListArguments arguments(list);
    const Utf16 text = rtl::format_wide(format, arguments);
    const std::string bytes = rtl::to_utf8(text);
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream) != bytes.size()) return -1;
    return static_cast<int>(text.size());
}

int rg_fwprintf(std::FILE* stream, const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vfwprintf(stream, format, list);
    va_end(list);
    return count;
}

int rg_wprintf(const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vfwprintf(stdout, format, list);
    va_end(list);
    return count;
}
}
