/* The run-time library: strings, memory, time, numbers, versions. */
#pragma once

#include "dbg.h"

#define RTL_CONSTANT_STRING(s) {sizeof(s) - sizeof((s)[0]), sizeof(s), (void*)(s)}
#define DECLARE_CONST_UNICODE_STRING(var, text) \
    static const WCHAR var##_buffer[] = text;   \
    static const UNICODE_STRING var = {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)var##_buffer}
#define DECLARE_GLOBAL_CONST_UNICODE_STRING DECLARE_CONST_UNICODE_STRING
#define DECLARE_UNICODE_STRING_SIZE(var, units) \
    WCHAR var##_buffer[units];                  \
    UNICODE_STRING var = {0, (units) * sizeof(WCHAR), var##_buffer}
#define UNICODE_NULL ((WCHAR)0)
#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS 32767

#define RtlZeroMemory(to, n) memset((to), 0, (n))
#define RtlFillMemory(to, n, fill) memset((to), (fill), (n))
#define RtlCopyMemory(to, from, n) memcpy((to), (from), (n))
#define RtlMoveMemory(to, from, n) memmove((to), (from), (n))
#define RtlCopyBytes RtlCopyMemory
#define RtlZeroBytes RtlZeroMemory
#define RtlEqualMemory(a, b, n) (!memcmp((a), (b), (n)))
#define RtlInitEmptyUnicodeString(s, buffer, size) \
    ((s)->Buffer = (buffer), (s)->MaximumLength = (USHORT)(size), (s)->Length = 0)
#define RtlInitEmptyAnsiString RtlInitEmptyUnicodeString
#define RtlNtStatusToDosErrorNoTeb RtlNtStatusToDosError
#define RtlUlongByteSwap(v) __builtin_bswap32(v)
#define RtlUshortByteSwap(v) __builtin_bswap16(v)
#define RtlUlonglongByteSwap(v) __builtin_bswap64(v)
#define RtlCheckBit(bits, i) ((((PULONG)(bits)->Buffer)[(i) >> 5] >> ((i) & 31)) & 1)

FORCEINLINE PVOID RtlSecureZeroMemory(PVOID to, SIZE_T n) {
    memset(to, 0, n);
    __asm__ __volatile__("" : : "r"(to) : "memory");
    return to;
}

typedef struct _TIME_FIELDS {
    CSHORT Year;
    CSHORT Month;
    CSHORT Day;
    CSHORT Hour;
    CSHORT Minute;
    CSHORT Second;
    CSHORT Milliseconds;
    CSHORT Weekday; /* 0 is Sunday */
} TIME_FIELDS, *PTIME_FIELDS;

typedef struct _OSVERSIONINFOW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
} OSVERSIONINFOW, *POSVERSIONINFOW, *LPOSVERSIONINFOW, RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW;

typedef struct _OSVERSIONINFOEXW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
    USHORT wServicePackMajor;
    USHORT wServicePackMinor;
    USHORT wSuiteMask;
    UCHAR wProductType;
    UCHAR wReserved;
} OSVERSIONINFOEXW, *POSVERSIONINFOEXW, RTL_OSVERSIONINFOEXW, *PRTL_OSVERSIONINFOEXW;

#define VER_EQUAL 1
#define VER_GREATER 2
#define VER_GREATER_EQUAL 3
#define VER_LESS 4
#define VER_LESS_EQUAL 5
#define VER_MINORVERSION 0x0000001
#define VER_MAJORVERSION 0x0000002
#define VER_BUILDNUMBER 0x0000004
#define VER_SERVICEPACKMINOR 0x0000010
#define VER_SERVICEPACKMAJOR 0x0000020
#define VER_SET_CONDITION(mask, type, condition) ((mask) = VerSetConditionMask((mask), (type), (condition)))
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif

RG_EXTERN_C_BEGIN

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString);
VOID RtlInitString(PSTRING DestinationString, PCSTR SourceString);
VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
LONG RtlCompareString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive);
NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate);
NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate);
WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
CHAR RtlUpperChar(CHAR Character);
NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm, PULONG HashValue);
NTSTATUS RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING Source, PUNICODE_STRING Destination);
NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING Destination, const STRING* Source, BOOLEAN Allocate);
NTSTATUS RtlUnicodeStringToAnsiString(PSTRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate);
ULONG RtlxAnsiStringToUnicodeSize(const STRING* AnsiString);
ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
#define RtlAnsiStringToUnicodeSize RtlxAnsiStringToUnicodeSize
#define RtlUnicodeStringToAnsiSize RtlxUnicodeStringToAnsiSize
VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
VOID RtlFreeAnsiString(PSTRING AnsiString);
NTSTATUS RtlUTF8ToUnicodeN(PWSTR Destination, ULONG MaxBytes, PULONG ActualBytes, PCSTR Source, ULONG SourceBytes);
NTSTATUS RtlUnicodeToUTF8N(PCHAR Destination, ULONG MaxBytes, PULONG ActualBytes, PCWSTR Source, ULONG SourceBytes);
NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlStringFromGUID(const GUID* Guid, PUNICODE_STRING GuidString);
NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID* Guid);
SIZE_T RtlCompareMemory(const VOID* Source1, const VOID* Source2, SIZE_T Length);

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);
BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);
BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);
ULONG RtlRandomEx(PULONG Seed);
ULONG RtlRandom(PULONG Seed);
NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation);
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask, ULONGLONG ConditionMask);
ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition);
ULONG RtlWalkFrameChain(PVOID* Callers, ULONG Count, ULONG Flags);

RG_EXTERN_C_END

RG_STATIC_ASSERT(sizeof(TIME_FIELDS) == 0x10 && sizeof(RTL_OSVERSIONINFOEXW) == 0x11c);
