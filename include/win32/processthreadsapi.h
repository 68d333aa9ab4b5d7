/* Threads of this process and their local storage. A thread handle is signalled when the thread ends and tells its exit
   code until it is closed; its duplicates are signalled too, but tell no code. */
#pragma once

#include "winbase.h"

RG_EXTERN_C_BEGIN

typedef DWORD(WINAPI* PTHREAD_START_ROUTINE)(LPVOID lpThreadParameter);
typedef PTHREAD_START_ROUTINE LPTHREAD_START_ROUTINE;

#define CREATE_SUSPENDED 0x00000004
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x00010000
#define TLS_OUT_OF_INDEXES 0xFFFFFFFF
#define TLS_MINIMUM_AVAILABLE 64

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES lpThreadAttributes, SIZE_T dwStackSize,
                           LPTHREAD_START_ROUTINE lpStartAddress, LPVOID lpParameter, DWORD dwCreationFlags,
                           LPDWORD lpThreadId);
DWORD WINAPI ResumeThread(HANDLE hThread); /* of a thread that was created suspended */
DWORD WINAPI GetThreadId(HANDLE hThread);
BOOL WINAPI GetExitCodeThread(HANDLE hThread, LPDWORD lpExitCode);
void WINAPI ExitThread(DWORD dwExitCode) __attribute__((noreturn));
void WINAPI ExitProcess(UINT uExitCode) __attribute__((noreturn));
BOOL WINAPI SwitchToThread(void);
DWORD WINAPI TlsAlloc(void);
BOOL WINAPI TlsFree(DWORD dwTlsIndex);
LPVOID WINAPI TlsGetValue(DWORD dwTlsIndex);
BOOL WINAPI TlsSetValue(DWORD dwTlsIndex, LPVOID lpTlsValue);

RG_EXTERN_C_END
