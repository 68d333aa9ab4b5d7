/* Bounded string operations. Cb counts bytes, Cch counts units; sizes include the terminating zero. A result that does
   not fit is cut, terminated, and answered with STATUS_BUFFER_OVERFLOW; a size of 0 or above the limit with
   STATUS_INVALID_PARAMETER. */
#pragma once

#include "wdm/rtl.h"

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))
#define NTSTRSAFE_PWSTR PWSTR
#define NTSTRSAFE_PSTR PSTR
#define NTSTRSAFE_PCWSTR PCWSTR
#define NTSTRSAFE_PCSTR PCSTR

RG_EXTERN_C_BEGIN

/* One family for each character type: text is PSTR or PWSTR, ctext its constant form. */
#define RG_STRSAFE(X, text, ctext)                                                                 \
    NTSTATUS RtlStringCchCopy##X(text Dest, size_t DestUnits, ctext Source);                       \
    NTSTATUS RtlStringCbCopy##X(text Dest, size_t DestBytes, ctext Source);                        \
    NTSTATUS RtlStringCchCopyN##X(text Dest, size_t DestUnits, ctext Source, size_t SourceUnits);  \
    NTSTATUS RtlStringCbCopyN##X(text Dest, size_t DestBytes, ctext Source, size_t SourceBytes);   \
    NTSTATUS RtlStringCchCat##X(text Dest, size_t DestUnits, ctext Source);                        \
    NTSTATUS RtlStringCbCat##X(text Dest, size_t DestBytes, ctext Source);                         \
    NTSTATUS RtlStringCchCatN##X(text Dest, size_t DestUnits, ctext Source, size_t SourceUnits);   \
    NTSTATUS RtlStringCbCatN##X(text Dest, size_t DestBytes, ctext Source, size_t SourceBytes);    \
    NTSTATUS RtlStringCchPrintf##X(text Dest, size_t DestUnits, ctext Format, ...);                \
    NTSTATUS RtlStringCbPrintf##X(text Dest, size_t DestBytes, ctext Format, ...);                 \
    NTSTATUS RtlStringCchVPrintf##X(text Dest, size_t DestUnits, ctext Format, va_list Arguments); \
    NTSTATUS RtlStringCbVPrintf##X(text Dest, size_t DestBytes, ctext Format, va_list Arguments);  \
    NTSTATUS RtlStringCchLength##X(ctext Source, size_t MaxUnits, size_t* Units);                  \
    NTSTATUS RtlStringCbLength##X(ctext Source, size_t MaxBytes, size_t* Bytes);
RG_STRSAFE(A, PSTR, PCSTR)
RG_STRSAFE(W, PWSTR, PCWSTR)
#undef RG_STRSAFE

NTSTATUS RtlStringCchPrintfExW(PWSTR Dest, size_t DestUnits, PWSTR* End, size_t* Remaining, ULONG Flags, PCWSTR Format,
                               ...);
NTSTATUS RtlStringCbPrintfExW(PWSTR Dest, size_t DestBytes, PWSTR* End, size_t* Remaining, ULONG Flags, PCWSTR Format,
                              ...);
NTSTATUS RtlStringCchCopyUnicodeString(PWSTR Dest, size_t DestUnits, PCUNICODE_STRING Source);
NTSTATUS RtlStringCbCopyUnicodeString(PWSTR Dest, size_t DestBytes, PCUNICODE_STRING Source);

/* On counted strings; results are not terminated. */
NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING Dest, PCWSTR Source);
NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING Dest, PCUNICODE_STRING Source);
NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING Dest, PCWSTR Source);
NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING Dest, PCUNICODE_STRING Source);
NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING Dest, PCWSTR Source);
NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING Dest, PCWSTR Format, ...);
NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING Dest, PCWSTR Format, va_list Arguments);

RG_EXTERN_C_END
