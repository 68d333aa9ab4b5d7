// The bounded string routines of ntstrsafe.h, on our formatter.
#include <cstring>
#include <string>

#include "rtl/format.h"
#include "wdk/ntstrsafe.h"

using namespace regent;

namespace {

// The largest destination, in units, for characters of this size.
constexpr std::size_t max_units = NTSTRSAFE_MAX_CCH;

char16_t* units_of(PWSTR text) { return reinterpret_cast<char16_t*>(text); }
const char16_t* units_of(PCWSTR text) { return reinterpret_cast<const char16_t*>(text); }
char* units_of(PSTR text) { return text; }
const char* units_of(PCSTR text) { return text; }

template <typename Unit>
std::size_t bounded_length(const Unit* text, std::size_t limit) {
    std::size_t length = 0;
    while (length < limit && text[length] != 0) ++length;
    return length;
}

// Copies what fits of `length` units to position `at`, and a NUL.
template <typename Unit>
NTSTATUS put(Unit* to, std::size_t size, std::size_t at, const Unit* from, std::size_t length) {
    const std::size_t room = size - at - 1;
    const std::size_t copied = length < room ? length : room;
    std::char_traits<Unit>::move(to + at, from, copied);
    to[at + copied] = 0;
    return copied < length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

bool size_is_legal(std::size_t size) { return size != 0 && size <= max_units; }

template <typename Unit>
NTSTATUS copy(Unit* to, std::size_t size, const Unit* from, std::size_t limit) {
    if (!size_is_legal(size)) return STATUS_INVALID_PARAMETER;
    return put(to, size, 0, from, bounded_length(from, limit));
}

template <typename Unit>
NTSTATUS concatenate(Unit* to, std::size_t size, const Unit* from, std::size_t limit) {
    if (!size_is_legal(size)) return STATUS_INVALID_PARAMETER;
    const std::size_t at = bounded_length(to, size);
    if (at == size) return STATUS_INVALID_PARAMETER;
    return put(to, size, at, from, bounded_length(from, limit));
}

template <typename Unit>
NTSTATUS length(const Unit* text, std::size_t limit, std::size_t unit_size, size_t* answer) {
    const bool legal = text != nullptr && limit <= max_units;
    const std::size_t found = legal ? bounded_length(text, limit) : 0;
    const bool ended = legal && found < limit;
    if (answer != nullptr) *answer = ended ? found * unit_size : 0;
    return ended ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS print(char* to, std::size_t size, const char* format, va_list list) {
    if (!size_is_legal(size)) return STATUS_INVALID_PARAMETER;
    rtl::VaListArguments arguments(list);
    const std::string text = rtl::format_narrow(format, arguments);
    return put(to, size, 0, text.data(), text.size());
}

NTSTATUS print(char16_t* to, std::size_t size, const char16_t* format, va_list list) {
    if (!size_is_legal(size)) return STATUS_INVALID_PARAMETER;
    rtl::VaListArguments arguments(list);
    const Utf16 text = rtl::format_wide(format, arguments);
    return put(to, size, 0, text.data(), text.size());
}

NTSTATUS put_counted(PUNICODE_STRING to, std::size_t at, Utf16View text) {
    const std::size_t room = to->MaximumLength / 2 - at;
    const std::size_t copied = text.size() < room ? text.size() : room;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the size is the third argument
    std::char_traits<char16_t>::move(units_of(to->Buffer) + at, text.data(), copied);
    to->Length = static_cast<USHORT>((at + copied) * 2);
    return copied < text.size() ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS print_ex(PWSTR to, std::size_t size, PWSTR* end, size_t* remaining, std::size_t unit, PCWSTR format,
                  va_list list) {
    const NTSTATUS status = print(units_of(to), size, units_of(format), list);
    if (status == STATUS_INVALID_PARAMETER) return status;
    const std::size_t length = bounded_length(units_of(to), size);
    if (end != nullptr) *end = to + length;
    if (remaining != nullptr) *remaining = (size - length) * unit;
    return status;
}

}  // namespace

#define RG_PRINTF(call)           \
    va_list list;                 \
    va_start(list, Format);       \
    const NTSTATUS status = call; \
    va_end(list);                 \
    return status

#define RG_STRSAFE(X, text, ctext, unit)                                                            \
    NTSTATUS RtlStringCchCopy##X(text Dest, size_t DestUnits, ctext Source) {                       \
        return copy(units_of(Dest), DestUnits, units_of(Source), max_units);                        \
    }                                                                                               \
    NTSTATUS RtlStringCbCopy##X(text Dest, size_t DestBytes, ctext Source) {                        \
        return RtlStringCchCopy##X(Dest, DestBytes / (unit), Source);                               \
    }                                                                                               \
    NTSTATUS RtlStringCchCopyN##X(text Dest, size_t DestUnits, ctext Source, size_t SourceUnits) {  \
        if (SourceUnits > max_units) return STATUS_INVALID_PARAMETER;                               \
        return copy(units_of(Dest), DestUnits, units_of(Source), SourceUnits);                      \
    }                                                                                               \
    NTSTATUS RtlStringCbCopyN##X(text Dest, size_t DestBytes, ctext Source, size_t SourceBytes) {   \
        return RtlStringCchCopyN##X(Dest, DestBytes / (unit), Source, SourceBytes / (unit));        \
    }                                                                                               \
    NTSTATUS RtlStringCchCat##X(text Dest, size_t DestUnits, ctext Source) {                        \
        return concatenate(units_of(Dest), DestUnits, units_of(Source), max_units);                 \
    }                                                                                               \
    NTSTATUS RtlStringCbCat##X(text Dest, size_t DestBytes, ctext Source) {                         \
        return RtlStringCchCat##X(Dest, DestBytes / (unit), Source);                                \
    }                                                                                               \
    NTSTATUS RtlStringCchCatN##X(text Dest, size_t DestUnits, ctext Source, size_t SourceUnits) {   \
        if (SourceUnits > max_units) return STATUS_INVALID_PARAMETER;                               \
        return concatenate(units_of(Dest), DestUnits, units_of(Source), SourceUnits);               \
    }                                                                                               \
    NTSTATUS RtlStringCbCatN##X(text Dest, size_t DestBytes, ctext Source, size_t SourceBytes) {    \
        return RtlStringCchCatN##X(Dest, DestBytes / (unit), Source, SourceBytes / (unit));         \
    }                                                                                               \
    NTSTATUS RtlStringCchVPrintf##X(text Dest, size_t DestUnits, ctext Format, va_list Arguments) { \
        return print(units_of(Dest), DestUnits, units_of(Format), Arguments);                       \
    }                                                                                               \
    NTSTATUS RtlStringCbVPrintf##X(text Dest, size_t DestBytes, ctext Format, va_list Arguments) {  \
        return print(units_of(Dest), DestBytes / (unit), units_of(Format), Arguments);              \
    }                                                                                               \
    NTSTATUS RtlStringCchPrintf##X(text Dest, size_t DestUnits, ctext Format, ...) {                \
        RG_PRINTF(print(units_of(Dest), DestUnits, units_of(Format), list));                        \
    }                                                                                               \
    NTSTATUS RtlStringCbPrintf##X(text Dest, size_t DestBytes, ctext Format, ...) {                 \
        RG_PRINTF(print(units_of(Dest), DestBytes / (unit), units_of(Format), list));               \
    }                                                                                               \
    NTSTATUS RtlStringCchLength##X(ctext Source, size_t MaxUnits, size_t* Units) {                  \
        return length(units_of(Source), MaxUnits, 1, Units);                                        \
    }                                                                                               \
    NTSTATUS RtlStringCbLength##X(ctext Source, size_t MaxBytes, size_t* Bytes) {                   \
        return length(units_of(Source), MaxBytes / (unit), unit, Bytes);                            \
    }

extern "C" {

RG_STRSAFE(A, PSTR, PCSTR, 1)
RG_STRSAFE(W, PWSTR, PCWSTR, 2)

NTSTATUS RtlStringCchPrintfExW(PWSTR Dest, size_t DestUnits, PWSTR* End, size_t* Remaining, ULONG, PCWSTR Format, ...) {
    RG_PRINTF(print_ex(Dest, DestUnits, End, Remaining, 1, Format, list));
}

NTSTATUS RtlStringCbPrintfExW(PWSTR Dest, size_t DestBytes, PWSTR* End, size_t* Remaining, ULONG, PCWSTR Format, ...) {
    RG_PRINTF(print_ex(Dest, DestBytes / 2, End, Remaining, 2, Format, list));
}

NTSTATUS RtlStringCchCopyUnicodeString(PWSTR Dest, size_t DestUnits, PCUNICODE_STRING Source) {
    if (!size_is_legal(DestUnits)) return STATUS_INVALID_PARAMETER;
    const Utf16View text = rtl::view(Source);
    return put(units_of(Dest), DestUnits, 0, text.data(), text.size());
}

NTSTATUS RtlStringCbCopyUnicodeString(PWSTR Dest, size_t DestBytes, PCUNICODE_STRING Source) {
    return RtlStringCchCopyUnicodeString(Dest, DestBytes / 2, Source);
}

NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING Dest, PCWSTR Source) {
    *Dest = {};
    if (Source == nullptr) return STATUS_SUCCESS;
    const std::size_t units = bounded_length(units_of(Source), NTSTRSAFE_UNICODE_STRING_MAX_CCH + 1);
    if (units > NTSTRSAFE_UNICODE_STRING_MAX_CCH) return STATUS_INVALID_PARAMETER;
    Dest->Buffer = const_cast<PWSTR>(Source);
    Dest->Length = static_cast<USHORT>(units * 2);
    Dest->MaximumLength = static_cast<USHORT>(units < NTSTRSAFE_UNICODE_STRING_MAX_CCH ? units * 2 + 2 : units * 2);
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING Dest, PCUNICODE_STRING Source) {
    return put_counted(Dest, 0, rtl::view(Source));
}

NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING Dest, PCWSTR Source) {
    return put_counted(Dest, 0, Utf16View(units_of(Source)));
}

NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING Dest, PCUNICODE_STRING Source) {
    return put_counted(Dest, Dest->Length / 2, rtl::view(Source));
}

NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING Dest, PCWSTR Source) {
    return put_counted(Dest, Dest->Length / 2, Utf16View(units_of(Source)));
}

NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING Dest, PCWSTR Format, va_list Arguments) {
    rtl::VaListArguments arguments(Arguments);
    return put_counted(Dest, 0, rtl::format_wide(units_of(Format), arguments));
}

NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING Dest, PCWSTR Format, ...) {
    RG_PRINTF(RtlUnicodeStringVPrintf(Dest, Format, list));
}

}  // extern "C"
