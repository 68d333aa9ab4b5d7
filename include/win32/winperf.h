/* What HKEY_PERFORMANCE_DATA gives, as far as it is here: the head of the data, which no object follows. */
#pragma once

#include "minwinbase.h"

RG_EXTERN_C_BEGIN

#define PERF_DATA_VERSION 1
#define PERF_DATA_REVISION 1
#define PERF_NO_INSTANCES (-1)

typedef struct _PERF_DATA_BLOCK {
    WCHAR Signature[4]; /* "PERF" */
    DWORD LittleEndian;
    DWORD Version;
    DWORD Revision;
    DWORD TotalByteLength;
    DWORD HeaderLength; /* with the system's name: where the first object is */
    DWORD NumObjectTypes;
    LONG DefaultObject; /* -1: none */
    SYSTEMTIME SystemTime;
    LARGE_INTEGER PerfTime;
    LARGE_INTEGER PerfFreq;
    LARGE_INTEGER PerfTime100nSec;
    DWORD SystemNameLength; /* in bytes, with the NUL */
    DWORD SystemNameOffset;
} PERF_DATA_BLOCK, *PPERF_DATA_BLOCK;

RG_EXTERN_C_END
