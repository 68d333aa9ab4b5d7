/* What mingw-w64's DDK headers lack for the drivers of this folder; force-included (-include) by
   tools/check_pe_drivers.sh and nowhere else. Each entry says what stands in the WDK instead.

   1. __try/__except: the WDK's compilers implement them, and clang for this target; GCC for Windows has no structured
      exception handling in C. What it builds of them is checked, not shipped: the block runs unguarded.
   2. ReadTimeStampCounter: wdm.h of the WDK declares it as an intrinsic.
   3. PsGetProcessImageFileName: exported by the kernel, declared by no public header.
   4. IoCreateDeviceSecure: the WDK links wdmsec.lib statically; mingw-w64 has the header but not the library. */
#pragma once

#include <ntifs.h>
#include <wdmsec.h>
#include <x86intrin.h>

#if !defined(__try) && !defined(__clang__)
#define __try if (1)
#define __except(filter) else if (0)
#endif

NTKERNELAPI PCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process);

#ifndef ReadTimeStampCounter
#define ReadTimeStampCounter() __rdtsc()
#endif

#undef IoCreateDeviceSecure
#define IoCreateDeviceSecure(driver, size, name, type, characteristics, exclusive, sddl, guid, device) \
    ((void)(sddl), IoCreateDevice((driver), (size), (name), (type), (characteristics), (exclusive), (device)))
