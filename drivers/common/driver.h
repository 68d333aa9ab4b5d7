/* The headers every driver of this folder starts with. Only documented WDK interfaces: the same sources are compiled for
   the host (include/wdk) and, with mingw-w64's DDK headers, to Windows objects (tools/check_pe_drivers.sh). */
#pragma once

#include <ntifs.h>

#define DRIVER_POOL_TAG 'ngeR'
