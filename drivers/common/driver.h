/* The headers every driver of this folder starts with. Only documented WDK interfaces: the same sources are compiled
   for the host (include/wdk) and, with mingw-w64's DDK headers, to Windows objects (tools/check_pe_drivers.sh). */
#pragma once

#include <ntifs.h>

#define DRIVER_POOL_TAG 'ngeR'

/* One look at, or one change of, what other threads change with no lock. MSVC makes a plain access of an aligned
   volatile atomic; the C of other compilers does not promise it. */
#if defined(__GNUC__)
#define ReadShared(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define WriteShared(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#else
#define ReadShared(p) (*(p))
#define WriteShared(p, v) ((void)(*(p) = (v)))
#endif
