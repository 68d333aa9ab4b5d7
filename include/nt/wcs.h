/* The wide-character C library for sources compiled with -fshort-wchar. The system's own functions of these names work
   on 32-bit units, so the names are bound here, by the linker's name, to Regent's 16-bit ones. Other sources see
   nothing. */
#pragma once

#include "nt/ntdef.h"

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <stdarg.h>

RG_EXTERN_C_BEGIN
#define RG_BIND(name) __asm__(#name)
size_t wcslen(const wchar_t*) RG_BIND(rg_wcslen);
size_t wcsnlen(const wchar_t*, size_t) RG_BIND(rg_wcsnlen);
size_t wcsnlen_s(const wchar_t*, size_t) RG_BIND(rg_wcsnlen_s);
int wcscmp(const wchar_t*, const wchar_t*) RG_BIND(rg_wcscmp);
int wcsncmp(const wchar_t*, const wchar_t*, size_t) RG_BIND(rg_wcsncmp);
int _wcsicmp(const wchar_t*, const wchar_t*) RG_BIND(rg_wcsicmp);
int _wcsnicmp(const wchar_t*, const wchar_t*, size_t) RG_BIND(rg_wcsnicmp);
int wcscasecmp(const wchar_t*, const wchar_t*) RG_BIND(rg_wcsicmp);
int wcsncasecmp(const wchar_t*, const wchar_t*, size_t) RG_BIND(rg_wcsnicmp);
wchar_t* wcscpy(wchar_t*, const wchar_t*) RG_BIND(rg_wcscpy);
wchar_t* wcsncpy(wchar_t*, const wchar_t*, size_t) RG_BIND(rg_wcsncpy);
wchar_t* wcscat(wchar_t*, const wchar_t*) RG_BIND(rg_wcscat);
wchar_t* wcsncat(wchar_t*, const wchar_t*, size_t) RG_BIND(rg_wcsncat);
wchar_t* _wcsupr(wchar_t*) RG_BIND(rg_wcsupr);
wchar_t* _wcslwr(wchar_t*) RG_BIND(rg_wcslwr);
int wcscpy_s(wchar_t*, size_t, const wchar_t*) RG_BIND(rg_wcscpy_s);
int wcsncpy_s(wchar_t*, size_t, const wchar_t*, size_t) RG_BIND(rg_wcsncpy_s);
int wcscat_s(wchar_t*, size_t, const wchar_t*) RG_BIND(rg_wcscat_s);
int wcsncat_s(wchar_t*, size_t, const wchar_t*, size_t) RG_BIND(rg_wcsncat_s);
int swprintf(wchar_t*, size_t, const wchar_t*, ...) RG_BIND(rg_swprintf);
int vswprintf(wchar_t*, size_t, const wchar_t*, va_list) RG_BIND(rg_vswprintf);
int swprintf_s(wchar_t*, size_t, const wchar_t*, ...) RG_BIND(rg_swprintf);
int _snwprintf(wchar_t*, size_t, const wchar_t*, ...) RG_BIND(rg_snwprintf);
int _vsnwprintf(wchar_t*, size_t, const wchar_t*, va_list) RG_BIND(rg_vsnwprintf);
unsigned long wcstoul(const wchar_t*, wchar_t**, int) RG_BIND(rg_wcstoul);
long wcstol(const wchar_t*, wchar_t**, int) RG_BIND(rg_wcstol);
int _wtoi(const wchar_t*) RG_BIND(rg_wtoi);
RG_EXTERN_C_END

#if defined(__cplusplus) && (!defined(_WCHAR_H) || defined(__CORRECT_ISO_CPP_WCHAR_H_PROTO))
/* C++ sees searches that keep the constness of what they search, and copies that know their array. */
extern "C" const wchar_t* rg_wcschr(const wchar_t*, wchar_t);
extern "C" const wchar_t* rg_wcsrchr(const wchar_t*, wchar_t);
extern "C" const wchar_t* rg_wcsstr(const wchar_t*, const wchar_t*);
inline const wchar_t* wcschr(const wchar_t* s, wchar_t c) { return rg_wcschr(s, c); }
inline wchar_t* wcschr(wchar_t* s, wchar_t c) { return const_cast<wchar_t*>(rg_wcschr(s, c)); }
inline const wchar_t* wcsrchr(const wchar_t* s, wchar_t c) { return rg_wcsrchr(s, c); }
inline wchar_t* wcsrchr(wchar_t* s, wchar_t c) { return const_cast<wchar_t*>(rg_wcsrchr(s, c)); }
inline const wchar_t* wcsstr(const wchar_t* s, const wchar_t* t) { return rg_wcsstr(s, t); }
inline wchar_t* wcsstr(wchar_t* s, const wchar_t* t) { return const_cast<wchar_t*>(rg_wcsstr(s, t)); }
template <size_t N>
inline int wcscpy_s(wchar_t (&to)[N], const wchar_t* from) {
    return wcscpy_s(to, N, from);
}
template <size_t N>
inline int wcsncpy_s(wchar_t (&to)[N], const wchar_t* from, size_t count) {
    return wcsncpy_s(to, N, from, count);
}
template <size_t N>
inline int wcscat_s(wchar_t (&to)[N], const wchar_t* from) {
    return wcscat_s(to, N, from);
}
#else
wchar_t* wcschr(const wchar_t*, wchar_t) RG_BIND(rg_wcschr);
wchar_t* wcsrchr(const wchar_t*, wchar_t) RG_BIND(rg_wcsrchr);
wchar_t* wcsstr(const wchar_t*, const wchar_t*) RG_BIND(rg_wcsstr);
#endif
#ifndef _TRUNCATE
#define _TRUNCATE ((size_t)-1)
#endif
#endif
