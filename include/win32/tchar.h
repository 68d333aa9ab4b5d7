/* Generic-text names: _T, _tcslen ... follow _UNICODE as in Microsoft's C library. */
#pragma once

/* In angle brackets: what these headers include next is the system's only when found along the path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#ifdef _UNICODE
typedef wchar_t _TCHAR;
#define __T(x) L##x
#define _tmain wmain
#define _tcslen wcslen
#define _tcsnlen wcsnlen
#define _tcscmp wcscmp
#define _tcsncmp wcsncmp
#define _tcsicmp _wcsicmp
#define _tcsnicmp _wcsnicmp
#define _tcscpy wcscpy
#define _tcsncpy wcsncpy
#define _tcscat wcscat
#define _tcscat_s wcscat_s
#define _tcscpy_s wcscpy_s
#define _tcsncat wcsncat
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tcsspn wcsspn
#define _tcscspn wcscspn
#define _tcstok_s wcstok_s
#define _tcsdup _wcsdup
#define _tcstol wcstol
#define _tcstoul wcstoul
#define _tcstoui64 _wcstoui64
#define _ttoi _wtoi
#define _ttoi64 _wtoi64
#define _itot _itow
#define _ultot _ultow
#define _tprintf wprintf
#define _tprintf_s wprintf
#define _ftprintf fwprintf
#define _vtprintf vwprintf
#define _vftprintf vfwprintf
#define _stprintf_s swprintf_s
#define _sntprintf _snwprintf
#define _vsntprintf _vsnwprintf
#define _vsctprintf _vscwprintf
#define _putts _putws
#define _fputts fputws
#define _puttchar putwchar
#else
typedef char _TCHAR;
#define __T(x) x
#define _tmain main
#define _tcslen strlen
#define _tcsnlen strnlen
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp strcasecmp
#define _tcsnicmp strncasecmp
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcsncat strncat
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcsspn strspn
#define _tcscspn strcspn
#define _tcstok_s strtok_r
#define _tcsdup strdup
#define _tcstol strtol
#define _tcstoul strtoul
#define _tcstoui64 strtoull
#define _ttoi atoi
#define _ttoi64 atoll
#define _itot _itoa
#define _ultot _ultoa
#define _tprintf printf
#define _tprintf_s printf
#define _ftprintf fprintf
#define _vtprintf vprintf
#define _vftprintf vfprintf
#define _stprintf_s sprintf_s
#define _sntprintf _snprintf
#define _vsntprintf _vsnprintf
#define _vsctprintf _vscprintf
#define _putts puts
#define _fputts fputs
#define _puttchar putchar
#endif
#define _T(x) __T(x)
#define _TEXT(x) __T(x)
