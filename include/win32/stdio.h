/* The C library's formats as Microsoft has them (%S, %I64d, %ls of 16 bits) for sources compiled with -fshort-wchar. */
#pragma once

#include_next <stdio.h>

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <stdarg.h>

#include "nt/ntdef.h"

RG_EXTERN_C_BEGIN
int printf(const char* format, ...) __asm__("rg_printf");
int fprintf(FILE* stream, const char* format, ...) __asm__("rg_fprintf");
int vprintf(const char* format, va_list arguments) __asm__("rg_vprintf");
int vfprintf(FILE* stream, const char* format, va_list arguments) __asm__("rg_vfprintf");
int sprintf(char* to, const char* format, ...) __asm__("rg_sprintf");
int snprintf(char* to, size_t room, const char* format, ...) __asm__("rg_snprintf");
int vsnprintf(char* to, size_t room, const char* format, va_list arguments) __asm__("rg_vsnprintf");
int printf_s(const char* format, ...) __asm__("rg_printf");
int fprintf_s(FILE* stream, const char* format, ...) __asm__("rg_fprintf");
int sprintf_s(char* to, size_t room, const char* format, ...) __asm__("rg_sprintf_s");
int _snprintf(char* to, size_t room, const char* format, ...) __asm__("rg_snprintf");
int _vsnprintf(char* to, size_t room, const char* format, va_list arguments) __asm__("rg_vsnprintf");
int _vscprintf(const char* format, va_list arguments) __asm__("rg_vscprintf");
RG_EXTERN_C_END
#endif
