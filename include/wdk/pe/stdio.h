/* The C library's <stdio.h> for drivers that are compiled to PE images: what the kernel exports. Formats are NT's. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
int sprintf(char* to, const char* format, ...);
int sprintf_s(char* to, size_t size, const char* format, ...);
int _snprintf(char* to, size_t size, const char* format, ...);
int vsprintf(char* to, const char* format, va_list arguments);
int _vsnprintf(char* to, size_t size, const char* format, va_list arguments);
#ifdef __cplusplus
}
#endif
