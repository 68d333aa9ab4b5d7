/* Bounded strings: every StringCch and StringCb function in A and W, for callers that pass a buffer's size along. */
#pragma once

#include <stdarg.h>
#include <string.h>

#include "winbase.h"
#include "winerror.h"

#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007AL)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057L)
#define STRSAFE_E_END_OF_FILE ((HRESULT)0x80070026L)

/* The low byte is the unit to fill with. */
#define STRSAFE_IGNORE_NULLS 0x00000100
#define STRSAFE_FILL_BEHIND_NULL 0x00000200
#define STRSAFE_FILL_ON_FAILURE 0x00000400
#define STRSAFE_NULL_ON_FAILURE 0x00000800
#define STRSAFE_NO_TRUNCATION 0x00001000
#define STRSAFE_FILL_BYTE(x) ((DWORD)(((x) & 0x000000FF) | STRSAFE_FILL_BEHIND_NULL))
#define STRSAFE_FAILURE_BYTE(x) ((DWORD)(((x) & 0x000000FF) | STRSAFE_FILL_ON_FAILURE))

RG_EXTERN_C_BEGIN
/* The units that the text takes without its NUL; no more than room are written, always with a NUL. */
size_t rg_format_wide(WCHAR* to, size_t room, const WCHAR* format, va_list arguments);
size_t rg_format_narrow(char* to, size_t room, const char* format, va_list arguments);
RG_EXTERN_C_END

#define RG_CHAR WCHAR
#define RG_NAME(prefix, name, suffix) prefix##name##suffix##W
#define RG_FORMAT rg_format_wide
#include "strsafe_width.h"
#undef RG_CHAR
#undef RG_NAME
#undef RG_FORMAT
#define RG_CHAR char
#define RG_NAME(prefix, name, suffix) prefix##name##suffix##A
#define RG_FORMAT rg_format_narrow
#include "strsafe_width.h"
#undef RG_CHAR
#undef RG_NAME
#undef RG_FORMAT

#ifdef UNICODE
#define RG_STRSAFE(name) name##W
#else
#define RG_STRSAFE(name) name##A
#endif
#define StringCchCopy RG_STRSAFE(StringCchCopy)
#define StringCchCopyEx RG_STRSAFE(StringCchCopyEx)
#define StringCchCopyN RG_STRSAFE(StringCchCopyN)
#define StringCchCopyNEx RG_STRSAFE(StringCchCopyNEx)
#define StringCchCat RG_STRSAFE(StringCchCat)
#define StringCchCatEx RG_STRSAFE(StringCchCatEx)
#define StringCchCatN RG_STRSAFE(StringCchCatN)
#define StringCchCatNEx RG_STRSAFE(StringCchCatNEx)
#define StringCchPrintf RG_STRSAFE(StringCchPrintf)
#define StringCchPrintfEx RG_STRSAFE(StringCchPrintfEx)
#define StringCchVPrintf RG_STRSAFE(StringCchVPrintf)
#define StringCchVPrintfEx RG_STRSAFE(StringCchVPrintfEx)
#define StringCchLength RG_STRSAFE(StringCchLength)
#define StringCbCopy RG_STRSAFE(StringCbCopy)
#define StringCbCopyEx RG_STRSAFE(StringCbCopyEx)
#define StringCbCopyN RG_STRSAFE(StringCbCopyN)
#define StringCbCopyNEx RG_STRSAFE(StringCbCopyNEx)
#define StringCbCat RG_STRSAFE(StringCbCat)
#define StringCbCatEx RG_STRSAFE(StringCbCatEx)
#define StringCbCatN RG_STRSAFE(StringCbCatN)
#define StringCbCatNEx RG_STRSAFE(StringCbCatNEx)
#define StringCbPrintf RG_STRSAFE(StringCbPrintf)
#define StringCbPrintfEx RG_STRSAFE(StringCbPrintfEx)
#define StringCbVPrintf RG_STRSAFE(StringCbVPrintf)
#define StringCbVPrintfEx RG_STRSAFE(StringCbVPrintfEx)
#define StringCbLength RG_STRSAFE(StringCbLength)
