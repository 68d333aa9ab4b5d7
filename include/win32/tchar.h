/* Generic-text names: _T, _tcslen ... follow _UNICODE as in Microsoft's C library. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wchar.h"

#ifdef _UNICODE
typedef wchar_t _TCHAR;
#define __T(x) L##x
#define _tmain wmain
#define _tcslen wcslen
#define _tcscmp wcscmp
#define _tcsncmp wcsncmp
#define _tcsicmp _wcsicmp
#define _tcscpy wcscpy
#define _tcsncpy wcsncpy
#define _tcscat wcscat
#define _tcscat_s wcscat_s
#define _tcscpy_s wcscpy_s
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tprintf wprintf
#define _ftprintf fwprintf
#define _sntprintf _snwprintf
#else
typedef char _TCHAR;
#define __T(x) x
#define _tmain main
#define _tcslen strlen
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp strcasecmp
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tprintf printf
#define _ftprintf fprintf
#define _sntprintf snprintf
#endif
#define _T(x) __T(x)
#define _TEXT(x) __T(x)
