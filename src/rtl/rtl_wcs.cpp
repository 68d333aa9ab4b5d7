// The 16-bit wide-character library that nt/wcs.h binds drivers and Win32 programs to.
#include <cstdarg>
#include <cstring>
#include <limits>

#include "rtl/format.h"
#include "rtl/utf16.h"

using namespace regent;

namespace {

constexpr int error_invalid = 22;  // EINVAL
constexpr int error_range = 34;    // ERANGE
constexpr int error_truncated = 80;
constexpr std::size_t truncate = std::numeric_limits<std::size_t>::max();

std::size_t length_of(const char16_t* text, std::size_t limit = truncate) {
    std::size_t length = 0;
    while (length < limit && text[length] != 0) ++length;
    return length;
}

// Letters of ASCII only, as in the C locale.
char16_t lower(char16_t unit) { return unit >= 'A' && unit <= 'Z' ? static_cast<char16_t>(unit + 32) : unit; }
char16_t upper(char16_t unit) { return unit >= 'a' && unit <= 'z' ? static_cast<char16_t>(unit - 32) : unit; }

template <typename Fold>
int compare(const char16_t* a, const char16_t* b, std::size_t count, Fold fold) {
    for (std::size_t i = 0; i < count; ++i) {
        const char16_t first = fold(a[i]);
        const char16_t second = fold(b[i]);
        if (first != second) return first < second ? -1 : 1;
        if (first == 0) return 0;
    }
    return 0;
}

char16_t same(char16_t unit) { return unit; }

// The "secure" copies: they end in a NUL, or leave an empty string and say why.
int copy_checked(char16_t* to, std::size_t size, std::size_t at, const char16_t* from, std::size_t count) {
    if (to == nullptr || size == 0) return error_invalid;
    if (from == nullptr) {
        to[0] = 0;
        return error_invalid;
    }
    const std::size_t length = length_of(from, count);
    if (at + length < size) {
        std::memmove(to + at, from, length * 2);
        to[at + length] = 0;
        return 0;
    }
    if (count == truncate && at < size) return -1;
    to[0] = 0;
    return error_range;
}

int copy_or_truncate(char16_t* to, std::size_t size, std::size_t at, const char16_t* from, std::size_t count) {
    const int error = copy_checked(to, size, at, from, count);
    if (error != -1) return error;
    const std::size_t room = size - at - 1;
    std::memmove(to + at, from, room * 2);
    to[size - 1] = 0;
    return error_truncated;
}

int copy_whole(char16_t* to, std::size_t size, std::size_t at, const char16_t* from) {
    const int error = copy_checked(to, size, at, from, truncate);
    if (error != -1) return error;
    to[0] = 0;
    return error_range;
}

unsigned digit_of(char16_t unit) {
    if (unit >= '0' && unit <= '9') return unit - u'0';
    const char16_t letter = lower(unit);
    return letter >= 'a' && letter <= 'z' ? letter - u'a' + 10u : 99;
}

struct Number {
    unsigned long magnitude = 0;
    bool negative = false;
    bool overflow = false;
    const char16_t* end = nullptr;
};

Number parse(const char16_t* text, unsigned base) {
    Number number;
    number.end = text;
    while (*text == ' ' || (*text >= 9 && *text <= 13)) ++text;
    number.negative = *text == '-';
    if (*text == '-' || *text == '+') ++text;
    const bool prefixed = text[0] == '0' && lower(text[1]) == 'x' && digit_of(text[2]) < 16;
    if ((base == 0 || base == 16) && prefixed) {
        text += 2;
        base = 16;
    }
    if (base == 0) base = *text == '0' ? 8 : 10;
    for (; digit_of(*text) < base; ++text) {
        number.overflow |= __builtin_mul_overflow(number.magnitude, base, &number.magnitude);
        number.overflow |= __builtin_add_overflow(number.magnitude, digit_of(*text), &number.magnitude);
        number.end = text + 1;
    }
    return number;
}

// C's swprintf: the count, or -1 when it does not fit with its NUL.
int print(char16_t* to, std::size_t size, const char16_t* format, va_list list) {
    rtl::VaListArguments arguments(list, rtl::VaListArguments::Floating::yes);
    const Utf16 text = rtl::format_wide(format, arguments);
    if (size == 0) return -1;
    const std::size_t copied = text.size() < size ? text.size() : size - 1;
    std::memcpy(to, text.data(), copied * 2);
    to[copied] = 0;
    return copied == text.size() ? static_cast<int>(copied) : -1;
}

// Microsoft's _snwprintf: no NUL when the text fills the buffer, -1 when it does not fit.
int print_unterminated(char16_t* to, std::size_t size, const char16_t* format, va_list list) {
    rtl::VaListArguments arguments(list, rtl::VaListArguments::Floating::yes);
    const Utf16 text = rtl::format_wide(format, arguments);
    const std::size_t copied = text.size() < size ? text.size() : size;
    std::memcpy(to, text.data(), copied * 2);
    if (copied < size) to[copied] = 0;
    return copied == text.size() ? static_cast<int>(copied) : -1;
}

}  // namespace

extern "C" {

std::size_t rg_wcslen(const char16_t* text) { return length_of(text); }
std::size_t rg_wcsnlen(const char16_t* text, std::size_t limit) { return length_of(text, limit); }
std::size_t rg_wcsnlen_s(const char16_t* text, std::size_t limit) {
    return text != nullptr ? length_of(text, limit) : 0;
}
int rg_wcscmp(const char16_t* a, const char16_t* b) { return compare(a, b, truncate, same); }
int rg_wcsncmp(const char16_t* a, const char16_t* b, std::size_t count) { return compare(a, b, count, same); }
int rg_wcsicmp(const char16_t* a, const char16_t* b) { return compare(a, b, truncate, lower); }
int rg_wcsnicmp(const char16_t* a, const char16_t* b, std::size_t count) { return compare(a, b, count, lower); }

char16_t* rg_wcscpy(char16_t* to, const char16_t* from) {
    std::memmove(to, from, (length_of(from) + 1) * 2);
    return to;
}

char16_t* rg_wcsncpy(char16_t* to, const char16_t* from, std::size_t count) {
    const std::size_t length = length_of(from, count);
    std::memmove(to, from, length * 2);
    std::memset(to + length, 0, (count - length) * 2);
    return to;
}

char16_t* rg_wcscat(char16_t* to, const char16_t* from) {
    rg_wcscpy(to + length_of(to), from);
    return to;
}

char16_t* rg_wcsncat(char16_t* to, const char16_t* from, std::size_t count) {
    char16_t* end = to + length_of(to);
    const std::size_t length = length_of(from, count);
    std::memmove(end, from, length * 2);
    end[length] = 0;
    return to;
}

const char16_t* rg_wcschr(const char16_t* text, char16_t unit) {
    for (;; ++text) {
        if (*text == unit) return text;
        if (*text == 0) return nullptr;
    }
}

const char16_t* rg_wcsrchr(const char16_t* text, char16_t unit) {
    const char16_t* found = nullptr;
    for (;; ++text) {
        if (*text == unit) found = text;
        if (*text == 0) return found;
    }
}

const char16_t* rg_wcsstr(const char16_t* text, const char16_t* part) {
    const std::size_t at = Utf16View(text).find(Utf16View(part));
    return at != Utf16View::npos ? text + at : nullptr;
}

char16_t* rg_wcsupr(char16_t* text) {
    for (char16_t* unit = text; *unit != 0; ++unit) *unit = upper(*unit);
    return text;
}

char16_t* rg_wcslwr(char16_t* text) {
    for (char16_t* unit = text; *unit != 0; ++unit) *unit = lower(*unit);
    return text;
}

int rg_wcscpy_s(char16_t* to, std::size_t size, const char16_t* from) { return copy_whole(to, size, 0, from); }

int rg_wcsncpy_s(char16_t* to, std::size_t size, const char16_t* from, std::size_t count) {
    return copy_or_truncate(to, size, 0, from, count);
}

int rg_wcscat_s(char16_t* to, std::size_t size, const char16_t* from) {
    if (to == nullptr || size == 0) return error_invalid;
    return copy_whole(to, size, length_of(to, size), from);
}

int rg_wcsncat_s(char16_t* to, std::size_t size, const char16_t* from, std::size_t count) {
    if (to == nullptr || size == 0) return error_invalid;
    return copy_or_truncate(to, size, length_of(to, size), from, count);
}

int rg_vswprintf(char16_t* to, std::size_t size, const char16_t* format, va_list list) {
    return print(to, size, format, list);
}

int rg_swprintf(char16_t* to, std::size_t size, const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = print(to, size, format, list);
    va_end(list);
    return count;
}

int rg_vsnwprintf(char16_t* to, std::size_t size, const char16_t* format, va_list list) {
    return print_unterminated(to, size, format, list);
}

int rg_snwprintf(char16_t* to, std::size_t size, const char16_t* format, ...) {
    va_list list;
    va_start(list, format);
    const int count = print_unterminated(to, size, format, list);
    va_end(list);
    return count;
}

// `long` has 32 bits in the sources that call these.
unsigned long rg_wcstoul(const char16_t* text, char16_t** end, int base) {
    const Number number = parse(text, static_cast<unsigned>(base));
    if (end != nullptr) *end = const_cast<char16_t*>(number.end);
    if (number.overflow || number.magnitude > 0xFFFFFFFFu) return 0xFFFFFFFFu;
    return static_cast<ULONG>(number.negative ? 0 - number.magnitude : number.magnitude);
}

long rg_wcstol(const char16_t* text, char16_t** end, int base) {
    const Number number = parse(text, static_cast<unsigned>(base));
    if (end != nullptr) *end = const_cast<char16_t*>(number.end);
    const unsigned long limit = number.negative ? 0x80000000u : 0x7FFFFFFFu;
    const auto magnitude = static_cast<long>(number.overflow || number.magnitude > limit ? limit : number.magnitude);
    return number.negative ? -magnitude : magnitude;
}

int rg_wtoi(const char16_t* text) { return static_cast<int>(rg_wcstol(text, nullptr, 10)); }

}  // extern "C"
