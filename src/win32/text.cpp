// Text of Win32 programs: code pages (CP_ACP, CP_OEMCP and CP_UTF8 are all UTF-8 here), lstr*, environment strings.
#include <strings.h>

#include <algorithm>
#include <cstring>

#include "win32/convert.h"
#include "win32/predefined.h"

using namespace regent;
using namespace regent::win32;

namespace {

bool known_code_page(UINT page) { return page == CP_ACP || page == CP_OEMCP || page == CP_UTF8 || page == 3; }

int fail_with(DWORD error) {
    SetLastError(error);
    return 0;
}

template <typename Char>
int deliver(std::basic_string_view<Char> text, Char* buffer, int room) {
    if (text.size() > 0x7FFFFFFF) return fail_with(ERROR_INVALID_PARAMETER);
    const int size = static_cast<int>(text.size());
    if (room == 0) return size;
    if (room < size) return fail_with(ERROR_INSUFFICIENT_BUFFER);
    std::copy(text.begin(), text.end(), buffer);
    return size;
}

}  // namespace

extern "C" {

int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr, int cbMultiByte,
                               LPWSTR lpWideCharStr, int cchWideChar) {
    const bool bad_output = cchWideChar < 0 || (cchWideChar > 0 && lpWideCharStr == nullptr);
    if (!known_code_page(CodePage) || lpMultiByteStr == nullptr || cbMultiByte == 0 || cbMultiByte < -1 || bad_output) {
        return fail_with(ERROR_INVALID_PARAMETER);
    }
    if (CodePage == CP_UTF8 && (dwFlags & ~DWORD{MB_ERR_INVALID_CHARS}) != 0) return fail_with(ERROR_INVALID_FLAGS);
    const std::size_t length =
        cbMultiByte == -1 ? std::strlen(lpMultiByteStr) + 1 : static_cast<std::size_t>(cbMultiByte);
    const std::string_view bytes{lpMultiByteStr, length};
    const Utf16 text = rtl::from_utf8(bytes);
    // A malformed byte has become U+FFFD: then the text does not come back the same.
    if ((dwFlags & MB_ERR_INVALID_CHARS) != 0 && rtl::to_utf8(text) != bytes) {
        return fail_with(ERROR_NO_UNICODE_TRANSLATION);
    }
    return deliver<char16_t>(text, lpWideCharStr, cchWideChar);
}

int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr, int cchWideChar,
                               LPSTR lpMultiByteStr, int cbMultiByte, LPCSTR lpDefaultChar, LPBOOL lpUsedDefaultChar) {
    const bool bad_output = cbMultiByte < 0 || (cbMultiByte > 0 && lpMultiByteStr == nullptr);
    if (!known_code_page(CodePage) || lpWideCharStr == nullptr || cchWideChar == 0 || cchWideChar < -1 || bad_output) {
        return fail_with(ERROR_INVALID_PARAMETER);
    }
    // UTF-8 needs no default character and refuses to be given one.
    if (CodePage == CP_UTF8 && (lpDefaultChar != nullptr || lpUsedDefaultChar != nullptr)) {
        return fail_with(ERROR_INVALID_PARAMETER);
    }
    if (CodePage == CP_UTF8 && (dwFlags & ~DWORD{WC_ERR_INVALID_CHARS}) != 0) return fail_with(ERROR_INVALID_FLAGS);
    const std::size_t length =
        cchWideChar == -1 ? units_of(lpWideCharStr).size() + 1 : static_cast<std::size_t>(cchWideChar);
    if (lpUsedDefaultChar != nullptr) *lpUsedDefaultChar = FALSE;  // every unit has a form in UTF-8
    const std::string text = rtl::to_utf8({lpWideCharStr, length});
    // A lone surrogate has become something else: then the text does not come back the same.
    if ((dwFlags & WC_ERR_INVALID_CHARS) != 0 && rtl::from_utf8(text) != Utf16View(lpWideCharStr, length)) {
        return fail_with(ERROR_NO_UNICODE_TRANSLATION);
    }
    return deliver<char>(text, lpMultiByteStr, cbMultiByte);
}

// The size needed, with the NUL; more than nSize means that nothing was written.
DWORD WINAPI ExpandEnvironmentStringsW(LPCWSTR lpSrc, LPWSTR lpDst, DWORD nSize) {
    const Utf16 text = expand_environment(units_of(lpSrc));
    if (lpDst != nullptr && text.size() < nSize) std::memcpy(lpDst, text.c_str(), (text.size() + 1) * sizeof(WCHAR));
    return static_cast<DWORD>(text.size() + 1);
}

DWORD WINAPI ExpandEnvironmentStringsA(LPCSTR lpSrc, LPSTR lpDst, DWORD nSize) {
    const std::string text = rtl::to_utf8(expand_environment(units_of(WideArgument(lpSrc).get())));
    if (lpDst != nullptr && text.size() < nSize) std::memcpy(lpDst, text.c_str(), text.size() + 1);
    return static_cast<DWORD>(text.size() + 1);
}

int WINAPI lstrlenW(LPCWSTR lpString) { return static_cast<int>(units_of(lpString).size()); }
int WINAPI lstrlenA(LPCSTR lpString) { return lpString == nullptr ? 0 : static_cast<int>(std::strlen(lpString)); }

// At most iMaxLength units with the NUL, which is always there.
LPWSTR WINAPI lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength) {
    if (iMaxLength <= 0) return lpString1;
    const auto text = units_of(lpString2).substr(0, static_cast<std::size_t>(iMaxLength - 1));
    std::copy(text.begin(), text.end(), lpString1);
    lpString1[text.size()] = 0;
    return lpString1;
}
LPSTR WINAPI lstrcpynA(LPSTR lpString1, LPCSTR lpString2, int iMaxLength) {
    if (iMaxLength <= 0) return lpString1;
    const auto text = std::string_view(lpString2).substr(0, static_cast<std::size_t>(iMaxLength - 1));
    std::copy(text.begin(), text.end(), lpString1);
    lpString1[text.size()] = 0;
    return lpString1;
}

LPWSTR WINAPI lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2) {
    std::memcpy(lpString1, lpString2, (units_of(lpString2).size() + 1) * sizeof(WCHAR));
    return lpString1;
}
LPSTR WINAPI lstrcpyA(LPSTR lpString1, LPCSTR lpString2) { return std::strcpy(lpString1, lpString2); }

LPWSTR WINAPI lstrcatW(LPWSTR lpString1, LPCWSTR lpString2) {
    lstrcpyW(lpString1 + units_of(lpString1).size(), lpString2);
    return lpString1;
}
LPSTR WINAPI lstrcatA(LPSTR lpString1, LPCSTR lpString2) { return std::strcat(lpString1, lpString2); }

// Ordinal order: Windows' linguistic order depends on its locale tables.
int WINAPI lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2) {
    const int order = units_of(lpString1).compare(units_of(lpString2));
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}
int WINAPI lstrcmpA(LPCSTR lpString1, LPCSTR lpString2) { return std::strcmp(lpString1, lpString2); }
int WINAPI lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2) {
    return rtl::compare_folded(units_of(lpString1), units_of(lpString2));
}
int WINAPI lstrcmpiA(LPCSTR lpString1, LPCSTR lpString2) {
    return lstrcmpiW(WideArgument(lpString1).get(), WideArgument(lpString2).get());
}
}
