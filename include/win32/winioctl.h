/* Control codes of devices; the definitions are the NT contract's. */
#pragma once

#include "nt/ntioapi.h"
#include "windef.h"

#define DEVICE_TYPE_FROM_CTL_CODE(code) (((DWORD)((code) & 0xffff0000)) >> 16)
#define METHOD_FROM_CTL_CODE(code) ((DWORD)((code) & 3))
