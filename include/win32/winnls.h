/* Comparison and case of text. The tables are the registry's own: one unit to one unit, without locales. */
#pragma once

#include "winbase.h"

RG_EXTERN_C_BEGIN

#define CSTR_LESS_THAN 1
#define CSTR_EQUAL 2
#define CSTR_GREATER_THAN 3
#define LOCALE_INVARIANT 0x007f
#define NORM_IGNORECASE 0x00000001

/* A count of -1: up to the NUL. */
int WINAPI CompareStringOrdinal(LPCWSTR lpString1, int cchCount1, LPCWSTR lpString2, int cchCount2, BOOL bIgnoreCase);
UINT WINAPI GetACP(void);
UINT WINAPI GetOEMCP(void);

RG_EXTERN_C_END
