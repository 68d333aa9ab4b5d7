// Microsoft's C library where the host's differs: formats (%S, %I64d, 16-bit %ls), wide output, number to text.
// Programs compiled with -fshort-wchar are bound to it by include/win32/wchar.h and stdio.h. Output goes out as UTF-8.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "rtl/format.h"
#include "rtl/utf16.h"

using namespace regent;

namespace {

constexpr auto floating = rtl::VaListArguments::Floating::yes;

int write_out(std::FILE* stream, const std::string& bytes, std::size_t count) {
    return std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size() ? static_cast<int>(count) : -1;
}

// As much as fits, with a NUL; the length of the whole.
template <typename Char>
std::size_t store(Char* to, std::size_t room, const std::basic_string<Char>& text) {
    if (room == 0) return text.size();
    const std::size_t count = std::min(text.size(), room - 1);
    std::copy_n(text.data(), count, to);
    to[count] = 0;
    return text.size();
}

std::string format_of(const char* format, va_list list) {
    rtl::VaListArguments arguments(list, floating);
    return rtl::format_narrow(format, arguments);
}

Utf16 format_of(const char16_t* format, va_list list) {
    rtl::VaListArguments arguments(list, floating);
    return rtl::format_wide(format, arguments);
}

template <typename Char>
Char* number_text(std::uint64_t magnitude, bool negative, Char* to, int radix) {
    std::basic_string<Char> digits;
    do {
        digits.insert(
            digits.begin(),
            static_cast<Char>("0123456789abcdefghijklmnopqrstuvwxyz"[magnitude % static_cast<unsigned>(radix)]));
        magnitude /= static_cast<unsigned>(radix);
    } while (magnitude != 0);
    if (negative) digits.insert(digits.begin(), Char{'-'});
    std::copy_n(digits.c_str(), digits.size() + 1, to);
    return to;
}

// Only a decimal number has a sign; others show its bits.
template <typename Char, typename Number>
Char* signed_text(Number value, Char* to, int radix) {
    const bool negative = radix == 10 && value < 0;
    const auto bits = static_cast<std::make_unsigned_t<Number>>(value);
    return number_text(
        negative ? std::uint64_t{0} - static_cast<std::uint64_t>(std::int64_t{value}) : std::uint64_t{bits}, negative,
        to, radix);
}

bool in_set(char16_t unit, const char16_t* set) { return unit != 0 && Utf16View(set).find(unit) != Utf16View::npos; }

}  // namespace

extern "C" {

std::size_t rg_format_wide(char16_t* to, std::size_t room, const char16_t* format, va_list list) {
    return store(to, room, format_of(format, list));
}

std::size_t rg_format_narrow(char* to, std::size_t room, const char* format, va_list list) {
    return store(to, room, format_of(format, list));
}

int rg_vfwprintf(std::FILE* stream, const char16_t* format, va_list list) {
    const Utf16 text = format_of(format, list);
    return write_out(stream, rtl::to_utf8(text), text.size());
}

int rg_vwprintf(const char16_t* format, va_list list) { return rg_vfwprintf(stdout, format, list); }

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

int rg_vscwprintf(const char16_t* format, va_list list) { return static_cast<int>(format_of(format, list).size()); }
int rg_vscprintf(const char* format, va_list list) { return static_cast<int>(format_of(format, list).size()); }

int rg_scwprintf(const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vscwprintf(format, list);
    va_end(list);
    return count;
}

int rg_vfprintf(std::FILE* stream, const char* format, va_list list) {
    const std::string text = format_of(format, list);
    return write_out(stream, text, text.size());
}

int rg_vprintf(const char* format, va_list list) { return rg_vfprintf(stdout, format, list); }

int rg_fprintf(std::FILE* stream, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vfprintf(stream, format, list);
    va_end(list);
    return count;
}

int rg_printf(const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vfprintf(stdout, format, list);
    va_end(list);
    return count;
}

int rg_vsnprintf(char* to, std::size_t room, const char* format, va_list list) {
    return static_cast<int>(rg_format_narrow(to, room, format, list));
}

int rg_snprintf(char* to, std::size_t room, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vsnprintf(to, room, format, list);
    va_end(list);
    return count;
}

int rg_sprintf(char* to, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = rg_vsnprintf(to, SIZE_MAX, format, list);
    va_end(list);
    return count;
}

// The secure form: what does not fit leaves an empty string.
int rg_sprintf_s(char* to, std::size_t room, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const std::size_t count = rg_format_narrow(to, room, format, list);
    va_end(list);
    if (count < room) return static_cast<int>(count);
    if (room != 0) to[0] = 0;
    return -1;
}

int rg_fputws(const char16_t* text, std::FILE* stream) { return write_out(stream, rtl::to_utf8(text), 0); }
int rg_putws(const char16_t* text) { return write_out(stdout, rtl::to_utf8(text) + "\n", 0); }
unsigned rg_fputwc(char16_t unit, std::FILE* stream) {
    return write_out(stream, rtl::to_utf8({&unit, 1}), 0) == 0 ? unit : 0xFFFF;
}
unsigned rg_putwchar(char16_t unit) { return rg_fputwc(unit, stdout); }

char16_t* rg_wmemcpy(char16_t* to, const char16_t* from, std::size_t count) {
    return static_cast<char16_t*>(std::memcpy(to, from, count * sizeof(char16_t)));
}
char16_t* rg_wmemmove(char16_t* to, const char16_t* from, std::size_t count) {
    return static_cast<char16_t*>(std::memmove(to, from, count * sizeof(char16_t)));
}
char16_t* rg_wmemset(char16_t* to, char16_t unit, std::size_t count) {
    std::fill_n(to, count, unit);
    return to;
}
int rg_wmemcmp(const char16_t* a, const char16_t* b, std::size_t count) {
    return Utf16View(a, count).compare(Utf16View(b, count));
}

std::size_t rg_wcsspn(const char16_t* text, const char16_t* set) {
    std::size_t length = 0;
    while (in_set(text[length], set)) ++length;
    return length;
}
std::size_t rg_wcscspn(const char16_t* text, const char16_t* set) {
    std::size_t length = 0;
    while (text[length] != 0 && !in_set(text[length], set)) ++length;
    return length;
}
const char16_t* rg_wcspbrk(const char16_t* text, const char16_t* set) {
    text += rg_wcscspn(text, set);
    return *text != 0 ? text : nullptr;
}

char16_t* rg_wcstok_s(char16_t* text, const char16_t* set, char16_t** context) {
    if (text == nullptr) text = *context;
    text += rg_wcsspn(text, set);
    char16_t* end = text + rg_wcscspn(text, set);
    *context = *end != 0 ? end + 1 : end;
    if (end == text) return nullptr;
    *end = 0;
    return text;
}

char16_t* rg_wcsdup(const char16_t* text) {
    const std::size_t bytes = (Utf16View(text).size() + 1) * sizeof(char16_t);
    void* copy = std::malloc(bytes);
    return copy == nullptr ? nullptr : static_cast<char16_t*>(std::memcpy(copy, text, bytes));
}

std::uint64_t rg_wcstoull(const char16_t* text, char16_t** end, int base) {
    const std::string narrow = rtl::to_utf8(Utf16View(text));
    char* stop = nullptr;
    const auto value = std::strtoull(narrow.c_str(), &stop, base);
    // What a number is made of is ASCII: as many units as bytes.
    if (end != nullptr) *end = const_cast<char16_t*>(text) + (stop - narrow.c_str());
    return value;
}
std::int64_t rg_wcstoll(const char16_t* text, char16_t** end, int base) {
    const std::string narrow = rtl::to_utf8(Utf16View(text));
    char* stop = nullptr;
    const auto value = std::strtoll(narrow.c_str(), &stop, base);
    if (end != nullptr) *end = const_cast<char16_t*>(text) + (stop - narrow.c_str());
    return value;
}
std::int64_t rg_wtoi64(const char16_t* text) { return rg_wcstoll(text, nullptr, 10); }

char16_t* rg_itow(int value, char16_t* to, int radix) { return signed_text(value, to, radix); }
char16_t* rg_ultow(unsigned value, char16_t* to, int radix) { return number_text<char16_t>(value, false, to, radix); }
char16_t* rg_i64tow(std::int64_t value, char16_t* to, int radix) { return signed_text(value, to, radix); }
char16_t* rg_ui64tow(std::uint64_t value, char16_t* to, int radix) { return number_text(value, false, to, radix); }
char* rg_itoa(int value, char* to, int radix) { return signed_text(value, to, radix); }
char* rg_ultoa(unsigned value, char* to, int radix) { return number_text<char>(value, false, to, radix); }
}
