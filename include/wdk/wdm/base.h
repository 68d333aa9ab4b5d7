/* What every other part of the driver contract needs: words of the language, IRQLs, modes, helpers. */
#pragma once

#include <string.h>

#include "nt/ntdef.h"
#include "nt/ntexapi.h"
#include "nt/ntioapi.h"
#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntstatus.h"
#include "nt/wcs.h"
#include "sal.h"

#define NTKERNELAPI
#ifdef _WIN32
#define RG_IMPORTED_DATA __declspec(dllimport)
#else
#define RG_IMPORTED_DATA
#endif
#define NTHALAPI
#define NTSYSCALLAPI
#define DECLSPEC_IMPORT
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define FASTCALL
#define STDAPICALLTYPE
#define FORCEINLINE static __inline__ __attribute__((always_inline, unused))
#define CFORCEINLINE FORCEINLINE
#define RESTRICTED_POINTER
#define UNALIGNED
#define POINTER_ALIGNMENT __attribute__((aligned(8)))
#define DECLSPEC_ALIGN(n) __attribute__((aligned(n)))
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define ANYSIZE_ARRAY 1
#define EXTERN_C_START RG_EXTERN_C_BEGIN
#define EXTERN_C_END RG_EXTERN_C_END
#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif
#ifndef __clang__
#define __int64 long long
#define __forceinline FORCEINLINE
#define __declspec(x)
#endif
#ifndef __cdecl
#define __cdecl
#define __stdcall
#define __fastcall
#endif
#ifndef _AMD64_
#define _AMD64_ 1
#define _WIN64 1
#define AMD64 1
#endif

/* A checked build (DBG) enables assertions and KdPrint. */
#ifndef DBG
#define DBG 0
#endif

typedef int INT, *PINT;
typedef unsigned int UINT, *PUINT;
typedef ULONG CLONG;
typedef ULONG DWORD;
typedef USHORT WORD;
typedef int BOOL;
typedef UCHAR UINT8;
typedef USHORT UINT16;
typedef ULONG UINT32, ULONG32, *PULONG32;
typedef ULONGLONG UINT64, DWORD64, DWORDLONG;
typedef signed char INT8;
typedef SHORT INT16;
typedef LONG INT32, LONG32, *PLONG32;
typedef LONGLONG INT64;
typedef LONG_PTR SSIZE_T, *PSSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef LONG KPRIORITY;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef LONGLONG USN;
typedef GUID UUID;
typedef const GUID* PCGUID;
typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;

typedef enum _MODE RG_ENUM_UNDERLYING { KernelMode, UserMode, MaximumMode } MODE;

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define HIGH_LEVEL 15
#define LOW_PRIORITY 0
#define LOW_REALTIME_PRIORITY 16
#define HIGH_PRIORITY 31
#define PAGE_SIZE 0x1000
#define PAGE_SHIFT 12L
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffffu
#define MAXLONG 0x7fffffff
#define MAXLONGLONG 0x7fffffffffffffffll
#ifndef MAX_PATH
#define MAX_PATH 260
#endif

typedef struct _EPROCESS* PEPROCESS;
typedef struct _ETHREAD* PETHREAD;
typedef struct _KPROCESS *PKPROCESS, *PRKPROCESS;
typedef struct _KTHREAD *PKTHREAD, *PRKTHREAD;
typedef struct _OBJECT_TYPE* POBJECT_TYPE;
typedef PVOID PACCESS_TOKEN;
struct _IRP;
struct _DEVICE_OBJECT;
struct _DRIVER_OBJECT;
struct _FILE_OBJECT;
struct _KDPC;

#define UNREFERENCED_PARAMETER(p) ((void)(p))
#define DBG_UNREFERENCED_PARAMETER(p) ((void)(p))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(v) ((void)(v))
#ifndef CONTAINING_RECORD
#define CONTAINING_RECORD(address, type, field) ((type*)((PCHAR)(address) - offsetof(type, field)))
#endif
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((ULONG)offsetof(type, field))
#define RTL_FIELD_SIZE(type, field) (sizeof(((type*)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (offsetof(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_NUMBER_OF(a) (sizeof(a) / sizeof((a)[0]))
#define ARRAYSIZE(a) RTL_NUMBER_OF(a)
#define ARGUMENT_PRESENT(p) ((p) != NULL)
#define C_ASSERT(e) RG_STATIC_ASSERT(e)
#ifndef DEFINE_GUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) extern const GUID name
#endif
#define PtrToUlong(p) ((ULONG)(ULONG_PTR)(p))
#define PtrToLong(p) ((LONG)(LONG_PTR)(p))
#define PtrToInt(p) ((int)(LONG_PTR)(p))
#define UlongToPtr(v) ((PVOID)(ULONG_PTR)(ULONG)(v))
#define ULongToPtr UlongToPtr
#define LongToPtr(v) ((PVOID)(LONG_PTR)(LONG)(v))
#define HandleToUlong(h) ((ULONG)(ULONG_PTR)(h))
#define HandleToULong HandleToUlong
#define HandleToLong(h) ((LONG)(LONG_PTR)(h))
#define UlongToHandle(v) ((HANDLE)(ULONG_PTR)(ULONG)(v))
#define ULongToHandle UlongToHandle
#define LongToHandle(v) ((HANDLE)(LONG_PTR)(LONG)(v))
#define FlagOn(flags, flag) ((flags) & (flag))
#define BooleanFlagOn(flags, flag) ((BOOLEAN)(((flags) & (flag)) != 0))
#define SetFlag(flags, flag) ((flags) |= (flag))
#define ClearFlag(flags, flag) ((flags) &= ~(flag))
#define LOWORD(v) ((USHORT)((ULONG_PTR)(v) & 0xffff))
#define HIWORD(v) ((USHORT)(((ULONG_PTR)(v) >> 16) & 0xffff))
#ifndef __cplusplus
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif
#define Int32x32To64(a, b) ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b) ((ULONGLONG)(ULONG)(a) * (ULONGLONG)(ULONG)(b))
#define ALIGN_DOWN_BY(v, a) ((ULONG_PTR)(v) & ~((ULONG_PTR)(a) - 1))
#define ALIGN_UP_BY(v, a) ALIGN_DOWN_BY((ULONG_PTR)(v) + (a) - 1, a)
#define ALIGN_DOWN(v, t) ALIGN_DOWN_BY(v, sizeof(t))
#define ALIGN_UP(v, t) ALIGN_UP_BY(v, sizeof(t))
#define ROUND_TO_PAGES(v) ALIGN_UP_BY(v, PAGE_SIZE)
#define BYTES_TO_PAGES(v) (((v) >> PAGE_SHIFT) + (((v) & (PAGE_SIZE - 1)) != 0))
#define BYTE_OFFSET(va) ((ULONG)((ULONG_PTR)(va) & (PAGE_SIZE - 1)))
#define PAGE_ALIGN(va) ((PVOID)((ULONG_PTR)(va) & ~((ULONG_PTR)PAGE_SIZE - 1)))
#define __ANNOTATION(x)

/* Structured exceptions: the compilers for Windows (_WIN32) have them; for ELF objects regent-cc rewrites the blocks
   after preprocessing (tools/regent_seh.py) and these words with them. A source with __try that is compiled without it
   does not compile. */
#define GetExceptionCode() ((NTSTATUS)_exception_code())
#define GetExceptionInformation() ((struct _EXCEPTION_POINTERS*)_exception_info())
#define AbnormalTermination _abnormal_termination
#if defined(_WIN32)
RG_EXTERN_C_BEGIN
unsigned long _exception_code(void);
void* _exception_info(void);
int _abnormal_termination(void);
RG_EXTERN_C_END
#endif
