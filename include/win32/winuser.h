/* What registry programs take from user32: case of strings and wsprintf. */
#pragma once

#include <stdarg.h>

#include "winbase.h"

RG_EXTERN_C_BEGIN

/* A pointer below 0x10000 is one character. */
LPWSTR WINAPI CharUpperW(LPWSTR lpsz);
LPSTR WINAPI CharUpperA(LPSTR lpsz);
LPWSTR WINAPI CharLowerW(LPWSTR lpsz);
LPSTR WINAPI CharLowerA(LPSTR lpsz);
DWORD WINAPI CharUpperBuffW(LPWSTR lpsz, DWORD cchLength);
DWORD WINAPI CharLowerBuffW(LPWSTR lpsz, DWORD cchLength);
LPWSTR WINAPI CharNextW(LPCWSTR lpsz);
/* At most 1,024 characters. */
int WINAPIV wsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, ...);
int WINAPIV wsprintfA(LPSTR lpOut, LPCSTR lpFmt, ...);
int WINAPI wvsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, va_list arglist);
int WINAPI wvsprintfA(LPSTR lpOut, LPCSTR lpFmt, va_list arglist);

RG_EXTERN_C_END

#ifdef UNICODE
#define CharUpper CharUpperW
#define CharLower CharLowerW
#define CharUpperBuff CharUpperBuffW
#define CharLowerBuff CharLowerBuffW
#define CharNext CharNextW
#define wsprintf wsprintfW
#define wvsprintf wvsprintfW
#else
#define CharUpper CharUpperA
#define CharLower CharLowerA
#define wsprintf wsprintfA
#define wvsprintf wvsprintfA
#endif
