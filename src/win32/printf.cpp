// printf and fprintf of programs whose wchar_t has 16 bits (regent-cc --exe binds the names): formats that name wide
// text or Windows' sizes are NT's language, without floating point; the others are the system's.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "rtl/format.h"

using namespace regent;

namespace {

bool has_windows_conversion(const char* format) {
    while ((format = std::strchr(format, '%')) != nullptr) {
        format += 1 + std::strspn(format + 1, "-+ #0123456789.*");
        const bool wide = (*format == 'l' || *format == 'w') && std::strchr("scSCZ", format[1]) != nullptr;
        if (*format == 'S' || *format == 'C' || *format == 'I' || (wide && format[1] != '\0')) return true;
        if (*format != '\0') ++format;
    }
    return false;
}

int print(std::FILE* stream, const char* format, va_list list) {
    if (!has_windows_conversion(format)) return std::vfprintf(stream, format, list);
    rtl::VaListArguments arguments(list);
    const std::string text = rtl::format_narrow(format, arguments);
    return std::fwrite(text.data(), 1, text.size(), stream) == text.size() ? static_cast<int>(text.size()) : -1;
}

}  // namespace

extern "C" {

int rg_fprintf(std::FILE* stream, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = print(stream, format, list);
    va_end(list);
    return count;
}

int rg_printf(const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = print(stdout, format, list);
    va_end(list);
    return count;
}
}
