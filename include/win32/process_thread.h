/* Alertable waits and overlapped requests with completion routines: a part of <windows.h>. */
#pragma once

#include "libloaderapi.h"
#include "processthreadsapi.h"

typedef VOID(CALLBACK* LPOVERLAPPED_COMPLETION_ROUTINE)(DWORD dwErrorCode, DWORD dwNumberOfBytesTransfered,
                                                        LPOVERLAPPED lpOverlapped);

typedef VOID(NTAPI* PAPCFUNC)(ULONG_PTR Parameter);

RG_EXTERN_C_BEGIN

/* The routine runs in the thread that made the request, when that waits in SleepEx(..., TRUE). */
BOOL WINAPI ReadFileEx(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPOVERLAPPED lpOverlapped,
                       LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
BOOL WINAPI WriteFileEx(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPOVERLAPPED lpOverlapped,
                        LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
DWORD WINAPI SleepEx(DWORD dwMilliseconds, BOOL bAlertable);
/* To a thread that CreateThread made, or GetCurrentThread(). */
DWORD WINAPI QueueUserAPC(PAPCFUNC pfnAPC, HANDLE hThread, ULONG_PTR dwData);

/* A Linux path, with backslashes between the names. */
DWORD WINAPI GetCurrentDirectoryW(DWORD nBufferLength, LPWSTR lpBuffer);
DWORD WINAPI GetCurrentDirectoryA(DWORD nBufferLength, LPSTR lpBuffer);

RG_EXTERN_C_END

#ifdef UNICODE
#define GetCurrentDirectory GetCurrentDirectoryW
#else
#define GetCurrentDirectory GetCurrentDirectoryA
#endif
