/* The wide C library of a Windows program: 16-bit units. The system's functions of these names take 32-bit ones, so in
   sources compiled with -fshort-wchar the names are bound to Regent's. Output goes to the stream as UTF-8.
   std::wstring keeps the C++ library's 32-bit units and cannot be used in such sources. */
#pragma once

#include_next <wchar.h>

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "nt/wcs.h"

RG_EXTERN_C_BEGIN
int wprintf(const wchar_t* format, ...) __asm__("rg_wprintf");
int fwprintf(FILE* stream, const wchar_t* format, ...) __asm__("rg_fwprintf");
int vwprintf(const wchar_t* format, va_list arguments) __asm__("rg_vwprintf");
int vfwprintf(FILE* stream, const wchar_t* format, va_list arguments) __asm__("rg_vfwprintf");
int wprintf_s(const wchar_t* format, ...) __asm__("rg_wprintf");
int fwprintf_s(FILE* stream, const wchar_t* format, ...) __asm__("rg_fwprintf");
int _scwprintf(const wchar_t* format, ...) __asm__("rg_scwprintf");
int _vscwprintf(const wchar_t* format, va_list arguments) __asm__("rg_vscwprintf");
int fputws(const wchar_t* text, FILE* stream) __asm__("rg_fputws");
int _putws(const wchar_t* text) __asm__("rg_putws");
wint_t fputwc(wchar_t unit, FILE* stream) __asm__("rg_fputwc");
wint_t putwc(wchar_t unit, FILE* stream) __asm__("rg_fputwc");
wint_t putwchar(wchar_t unit) __asm__("rg_putwchar");
wchar_t* wmemcpy(wchar_t* to, const wchar_t* from, size_t count) __asm__("rg_wmemcpy");
wchar_t* wmemmove(wchar_t* to, const wchar_t* from, size_t count) __asm__("rg_wmemmove");
wchar_t* wmemset(wchar_t* to, wchar_t unit, size_t count) __asm__("rg_wmemset");
int wmemcmp(const wchar_t* a, const wchar_t* b, size_t count) __asm__("rg_wmemcmp");
size_t wcsspn(const wchar_t* text, const wchar_t* set) __asm__("rg_wcsspn");
size_t wcscspn(const wchar_t* text, const wchar_t* set) __asm__("rg_wcscspn");
wchar_t* wcstok_s(wchar_t* text, const wchar_t* set, wchar_t** context) __asm__("rg_wcstok_s");
wchar_t* wcstok(wchar_t* text, const wchar_t* set, wchar_t** context) __asm__("rg_wcstok_s");
wchar_t* _wcsdup(const wchar_t* text) __asm__("rg_wcsdup");
wchar_t* wcsdup(const wchar_t* text) __asm__("rg_wcsdup");
unsigned long long wcstoull(const wchar_t* text, wchar_t** end, int base) __asm__("rg_wcstoull");
long long wcstoll(const wchar_t* text, wchar_t** end, int base) __asm__("rg_wcstoll");
unsigned long long _wcstoui64(const wchar_t* text, wchar_t** end, int base) __asm__("rg_wcstoull");
long long _wtoi64(const wchar_t* text) __asm__("rg_wtoi64");
wchar_t* _itow(int value, wchar_t* to, int radix) __asm__("rg_itow");
wchar_t* _ultow(unsigned value, wchar_t* to, int radix) __asm__("rg_ultow");
wchar_t* _i64tow(long long value, wchar_t* to, int radix) __asm__("rg_i64tow");
wchar_t* _ui64tow(unsigned long long value, wchar_t* to, int radix) __asm__("rg_ui64tow");
RG_EXTERN_C_END
#ifndef __cplusplus
wchar_t* wcspbrk(const wchar_t* text, const wchar_t* set) __asm__("rg_wcspbrk");
#endif
#endif
