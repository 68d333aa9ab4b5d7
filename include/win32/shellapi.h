/* The shell's view of a command line. */
#pragma once

#include "winbase.h"

RG_EXTERN_C_BEGIN

/* One block, for LocalFree. */
LPWSTR* WINAPI CommandLineToArgvW(LPCWSTR lpCmdLine, int* pNumArgs);

RG_EXTERN_C_END
