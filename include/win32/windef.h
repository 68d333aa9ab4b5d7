/* Windows' base names over include/nt: 32-bit LONG and DWORD, 16-bit WCHAR (compile with -fshort-wchar). */
#pragma once

#include "nt/ntdef.h"

#ifndef _WIN32
#define RG_WIN32_ON_LINUX 1 /* _WIN32 itself stays undefined: sources test it for DLL and file-system facts we lack */
#endif

#ifndef WINAPI
#define WINAPI
#define APIENTRY
#define CALLBACK
#define WINAPIV
#define APIPRIVATE
#endif
#ifndef WINADVAPI
#define WINADVAPI
#define WINBASEAPI
#define DECLSPEC_IMPORT
#endif
#ifndef FAR
#define FAR
#define NEAR
#endif

/* Annotations of the SDK's sources mean nothing to gcc. */
#define RG_NO_OLD_SAL 1
#include "wdk/wdm/sal.h"
#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(p) ((void)(p))
#endif

typedef int BOOL, *PBOOL, *LPBOOL;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT, *LPUINT;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef unsigned int DWORD, *PDWORD, *LPDWORD;
typedef unsigned long long DWORD64, *PDWORD64, DWORDLONG, *PDWORDLONG, QWORD;
typedef unsigned int ULONG32, UINT32, DWORD32;
typedef int INT32, LONG32, *LPLONG;
typedef unsigned char UINT8, byte;
typedef unsigned short UINT16;
typedef unsigned long long UINT64, *PUINT64;
typedef long long INT64;
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR;
typedef LONG_PTR SSIZE_T;
typedef float FLOAT;
typedef unsigned char* LPBYTE;
typedef void* LPVOID;
typedef const void *LPCVOID, *PCVOID;
typedef char* LPSTR;
typedef HANDLE *LPHANDLE, HLOCAL, HGLOBAL;
typedef LONG HRESULT;
typedef LONG LSTATUS;
typedef ULONG_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef LONG_PTR LRESULT;
typedef LONG_PTR (*FARPROC)(void);

#define DECLARE_HANDLE(name)  \
    typedef struct name##__ { \
        int unused;           \
    }* name
DECLARE_HANDLE(HKEY);
typedef HKEY* PHKEY;
DECLARE_HANDLE(HINSTANCE);
typedef HINSTANCE HMODULE;

typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

#ifndef MAX_PATH
#define MAX_PATH 260
#endif
#define MAKEWORD(a, b) ((WORD)(((BYTE)(a)) | (((WORD)((BYTE)(b))) << 8)))
#define MAKELONG(a, b) ((LONG)(((WORD)(a)) | (((DWORD)((WORD)(b))) << 16)))
#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w) ((BYTE)((DWORD_PTR)(w) & 0xff))
#define HIBYTE(w) ((BYTE)(((DWORD_PTR)(w) >> 8) & 0xff))
#ifndef __cplusplus
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif
#ifndef ARRAYSIZE
#define ARRAYSIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif
#define ZeroMemory(p, n) __builtin_memset((p), 0, (n))
#define CopyMemory(d, s, n) __builtin_memcpy((d), (s), (n))
#define MoveMemory(d, s, n) __builtin_memmove((d), (s), (n))
#ifndef RtlZeroMemory
#define RtlZeroMemory ZeroMemory
#define RtlCopyMemory CopyMemory
#endif
#define FillMemory(p, n, v) __builtin_memset((p), (v), (n))

RG_STATIC_ASSERT(sizeof(DWORD) == 4);
RG_STATIC_ASSERT(sizeof(FILETIME) == 8);
