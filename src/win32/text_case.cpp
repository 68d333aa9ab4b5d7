// Case and order of text by the registry's own tables: one unit to one unit, no locale.
#include <algorithm>
#include <cstring>
#include <vector>

#include "rtl/format.h"
#include "win32/convert.h"
#include "win32/predefined.h"
#include "win32/strsafe.h"
#include "win32/winnls.h"
#include "win32/winuser.h"

using namespace regent;
using namespace regent::win32;

namespace {

// The one unit whose upper case this is.
char16_t lowered(char16_t unit) {
    static const std::vector<char16_t> table = [] {
        std::vector<char16_t> lower(0x10000);
        for (unsigned code = 0; code < lower.size(); ++code) lower[code] = static_cast<char16_t>(code);
        for (unsigned code = 0xFFFF; code > 0; --code) {
            const char16_t up = rtl::upcase(static_cast<char16_t>(code));
            if (up != code) lower[up] = static_cast<char16_t>(code);
        }
        return lower;
    }();
    return table[unit];
}
char16_t raised(char16_t unit) { return rtl::upcase(unit); }

template <typename Change>
LPWSTR change(LPWSTR text, Change one) {
    const auto value = reinterpret_cast<ULONG_PTR>(text);
    if (value <= 0xFFFF) return reinterpret_cast<LPWSTR>(ULONG_PTR{one(static_cast<char16_t>(value))});
    for (LPWSTR at = text; *at != 0; ++at) *at = one(*at);
    return text;
}

// Of UTF-8 only the ASCII letters keep their length for certain; the others are left alone.
template <typename Change>
LPSTR change_narrow(LPSTR text, Change one) {
    auto letter = [&](char unit) {
        const auto code = static_cast<unsigned char>(unit);
        return code < 0x80 ? static_cast<char>(one(code)) : unit;
    };
    const auto value = reinterpret_cast<ULONG_PTR>(text);
    if (value <= 0xFFFF) {
        return reinterpret_cast<LPSTR>(ULONG_PTR{static_cast<unsigned char>(letter(static_cast<char>(value)))});
    }
    for (LPSTR at = text; *at != 0; ++at) *at = letter(*at);
    return text;
}

constexpr std::size_t wsprintf_room = 1025;

}  // namespace

extern "C" {

int WINAPI CompareStringOrdinal(LPCWSTR lpString1, int cchCount1, LPCWSTR lpString2, int cchCount2, BOOL bIgnoreCase) {
    if (lpString1 == nullptr || lpString2 == nullptr || cchCount1 < -1 || cchCount2 < -1) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    auto view = [](LPCWSTR text, int count) {
        return count < 0 ? units_of(text) : Utf16View(text, static_cast<std::size_t>(count));
    };
    const Utf16View first = view(lpString1, cchCount1);
    const Utf16View second = view(lpString2, cchCount2);
    const int order = bIgnoreCase ? rtl::compare_folded(first, second) : first.compare(second);
    return order < 0 ? CSTR_LESS_THAN : order > 0 ? CSTR_GREATER_THAN : CSTR_EQUAL;
}

UINT WINAPI GetACP(void) { return CP_UTF8; }
UINT WINAPI GetOEMCP(void) { return CP_UTF8; }

LPWSTR WINAPI CharUpperW(LPWSTR lpsz) { return change(lpsz, raised); }
LPWSTR WINAPI CharLowerW(LPWSTR lpsz) { return change(lpsz, lowered); }
LPSTR WINAPI CharUpperA(LPSTR lpsz) { return change_narrow(lpsz, raised); }
LPSTR WINAPI CharLowerA(LPSTR lpsz) { return change_narrow(lpsz, lowered); }

DWORD WINAPI CharUpperBuffW(LPWSTR lpsz, DWORD cchLength) {
    std::transform(lpsz, lpsz + cchLength, lpsz, raised);
    return cchLength;
}

DWORD WINAPI CharLowerBuffW(LPWSTR lpsz, DWORD cchLength) {
    std::transform(lpsz, lpsz + cchLength, lpsz, lowered);
    return cchLength;
}

LPWSTR WINAPI CharNextW(LPCWSTR lpsz) { return const_cast<LPWSTR>(*lpsz == 0 ? lpsz : lpsz + 1); }

int WINAPI wvsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, va_list arglist) {
    return static_cast<int>(std::min(rg_format_wide(lpOut, wsprintf_room, lpFmt, arglist), wsprintf_room - 1));
}

int WINAPI wvsprintfA(LPSTR lpOut, LPCSTR lpFmt, va_list arglist) {
    return static_cast<int>(std::min(rg_format_narrow(lpOut, wsprintf_room, lpFmt, arglist), wsprintf_room - 1));
}

int WINAPIV wsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, ...) {
    va_list list;
    va_start(list, lpFmt);
    const int count = wvsprintfW(lpOut, lpFmt, list);
    va_end(list);
    return count;
}

int WINAPIV wsprintfA(LPSTR lpOut, LPCSTR lpFmt, ...) {
    va_list list;
    va_start(list, lpFmt);
    const int count = wvsprintfA(lpOut, lpFmt, list);
    va_end(list);
    return count;
}
}
