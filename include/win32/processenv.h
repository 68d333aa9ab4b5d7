/* The command line. */
#pragma once

#include "winbase.h"

RG_EXTERN_C_BEGIN

LPWSTR WINAPI GetCommandLineW(void);
LPSTR WINAPI GetCommandLineA(void);

RG_EXTERN_C_END

#ifdef UNICODE
#define GetCommandLine GetCommandLineW
#else
#define GetCommandLine GetCommandLineA
#endif
