/* Bounded string functions with HRESULTs. Cb counts bytes, Cch units; a text that does not fit is cut and terminated.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "windef.h"

#ifndef S_OK
#define S_OK ((HRESULT)0)
#define SUCCEEDED(hr) (((HRESULT)(hr)) >= 0)
#define FAILED(hr) (((HRESULT)(hr)) < 0)
#endif
#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007A)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057)

/* One family for each character type. */
#define RG_STRSAFE(X, unit)                                                                                           \
    static inline                                                                                                     \
        __attribute__((unused)) HRESULT StringCchCopyN##X(unit* dest, size_t room, const unit* source, size_t most) { \
        size_t i = 0;                                                                                                 \
        if (room == 0 || room > STRSAFE_MAX_CCH) return STRSAFE_E_INVALID_PARAMETER;                                  \
        for (; i < most && source[i] != 0; i++) {                                                                     \
            if (i + 1 == room) {                                                                                      \
                dest[i] = 0;                                                                                          \
                return STRSAFE_E_INSUFFICIENT_BUFFER;                                                                 \
            }                                                                                                         \
            dest[i] = source[i];                                                                                      \
        }                                                                                                             \
        dest[i] = 0;                                                                                                  \
        return S_OK;                                                                                                  \
    }                                                                                                                 \
    static inline __attribute__((unused)) HRESULT StringCchLength##X(const unit* text, size_t most, size_t* length) { \
        size_t i = 0;                                                                                                 \
        while (i < most && text[i] != 0) i++;                                                                         \
        if (length != NULL) *length = i < most ? i : 0;                                                               \
        return i < most ? S_OK : STRSAFE_E_INVALID_PARAMETER;                                                         \
    }                                                                                                                 \
    static inline __attribute__((unused)) HRESULT StringCchCopy##X(unit* dest, size_t room, const unit* source) {     \
        return StringCchCopyN##X(dest, room, source, STRSAFE_MAX_CCH);                                                \
    }                                                                                                                 \
    static inline __attribute__((unused)) HRESULT StringCchCat##X(unit* dest, size_t room, const unit* source) {      \
        size_t used;                                                                                                  \
        if (room > STRSAFE_MAX_CCH || StringCchLength##X(dest, room, &used) != S_OK)                                  \
            return STRSAFE_E_INVALID_PARAMETER;                                                                       \
        return StringCchCopyN##X(dest + used, room - used, source, STRSAFE_MAX_CCH);                                  \
    }                                                                                                                 \
    static inline __attribute__((unused)) HRESULT StringCbCopy##X(unit* dest, size_t bytes, const unit* source) {     \
        return StringCchCopy##X(dest, bytes / sizeof(unit), source);                                                  \
    }                                                                                                                 \
    static inline __attribute__((unused)) HRESULT StringCbCat##X(unit* dest, size_t bytes, const unit* source) {      \
        return StringCchCat##X(dest, bytes / sizeof(unit), source);                                                   \
    }
RG_STRSAFE(A, char)
RG_STRSAFE(W, WCHAR)
#undef RG_STRSAFE

RG_EXTERN_C_BEGIN
int rg_vsnwprintf(WCHAR*, size_t, const WCHAR*, va_list);
RG_EXTERN_C_END
#define RG_STRSAFE_PRINT(X, unit, print)                                                                           \
    static inline __attribute__((unused)) HRESULT StringCchVPrintf##X(unit* dest, size_t room, const unit* format, \
                                                                      va_list list) {                              \
        int count;                                                                                                 \
        if (room == 0 || room > STRSAFE_MAX_CCH) return STRSAFE_E_INVALID_PARAMETER;                               \
        count = print(dest, room, format, list);                                                                   \
        dest[room - 1] = 0;                                                                                        \
        return count < 0 || (size_t)count >= room ? STRSAFE_E_INSUFFICIENT_BUFFER : S_OK;                          \
    }                                                                                                              \
    static inline                                                                                                  \
        __attribute__((unused)) HRESULT StringCchPrintf##X(unit* dest, size_t room, const unit* format, ...) {     \
        HRESULT result;                                                                                            \
        va_list list;                                                                                              \
        va_start(list, format);                                                                                    \
        result = StringCchVPrintf##X(dest, room, format, list);                                                    \
        va_end(list);                                                                                              \
        return result;                                                                                             \
    }                                                                                                              \
    static inline                                                                                                  \
        __attribute__((unused)) HRESULT StringCbPrintf##X(unit* dest, size_t bytes, const unit* format, ...) {     \
        HRESULT result;                                                                                            \
        va_list list;                                                                                              \
        va_start(list, format);                                                                                    \
        result = StringCchVPrintf##X(dest, bytes / sizeof(unit), format, list);                                    \
        va_end(list);                                                                                              \
        return result;                                                                                             \
    }
RG_STRSAFE_PRINT(A, char, vsnprintf)
RG_STRSAFE_PRINT(W, WCHAR, rg_vsnwprintf)
#undef RG_STRSAFE_PRINT

#ifdef UNICODE
#define StringCchCopy StringCchCopyW
#define StringCchCopyN StringCchCopyNW
#define StringCchCat StringCchCatW
#define StringCchLength StringCchLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCat StringCbCatW
#define StringCchPrintf StringCchPrintfW
#define StringCbPrintf StringCbPrintfW
#else
#define StringCchCopy StringCchCopyA
#define StringCchCopyN StringCchCopyNA
#define StringCchCat StringCchCatA
#define StringCchLength StringCchLengthA
#define StringCbCopy StringCbCopyA
#define StringCbCat StringCbCatA
#define StringCchPrintf StringCchPrintfA
#define StringCbPrintf StringCbPrintfA
#endif
