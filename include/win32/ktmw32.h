/* Transactions of the kernel transaction manager, as programs use them (ktmw32.dll). */
#pragma once

#include "nt/nttmapi.h"
#include "winbase.h"
#include "winreg.h"

RG_EXTERN_C_BEGIN
HANDLE WINAPI CreateTransaction(LPSECURITY_ATTRIBUTES lpTransactionAttributes, LPGUID UOW, DWORD CreateOptions,
                                DWORD IsolationLevel, DWORD IsolationFlags, DWORD Timeout, LPWSTR Description);
HANDLE WINAPI OpenTransaction(DWORD dwDesiredAccess, LPGUID TransactionId);
BOOL WINAPI CommitTransaction(HANDLE TransactionHandle);
BOOL WINAPI RollbackTransaction(HANDLE TransactionHandle);
BOOL WINAPI GetTransactionId(HANDLE TransactionHandle, LPGUID TransactionId);
RG_EXTERN_C_END
