/* The wide C library of a Windows program: 16-bit units. The system's functions of these names take 32-bit ones, so in
   C sources compiled with -fshort-wchar the names are bound to Regent's. Output goes to the stream as UTF-8. */
#pragma once

#include_next <wchar.h>

#if !defined(__cplusplus) && defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <stdarg.h>
#include <stdio.h>

#include "nt/wcs.h"

int wprintf(const wchar_t* format, ...) __asm__("rg_wprintf");
int fwprintf(FILE* stream, const wchar_t* format, ...) __asm__("rg_fwprintf");
int vfwprintf(FILE* stream, const wchar_t* format, va_list arguments) __asm__("rg_vfwprintf");
#endif
