/* Microsoft's names beside the system's. */
#pragma once

#include_next <stdlib.h>

#include "nt/ntdef.h"

RG_EXTERN_C_BEGIN
char* _itoa(int value, char* to, int radix) __asm__("rg_itoa");
char* _ultoa(unsigned value, char* to, int radix) __asm__("rg_ultoa");
RG_EXTERN_C_END

#ifndef _countof
#define _countof(a) (sizeof(a) / sizeof((a)[0]))
#endif
