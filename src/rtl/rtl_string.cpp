// Rtl* routines on counted strings.
#include <cstring>
#include <vector>

#include "rtl/rtl_allocator.h"
#include "rtl/utf16.h"
#include "wdk/wdm.h"

using namespace regent;

namespace {

constexpr std::size_t max_string_bytes = 0xFFFC;  // of a string that is followed by a NUL

char16_t* units_of(PUNICODE_STRING string) { return reinterpret_cast<char16_t*>(string->Buffer); }

// Ends the string with a NUL when there is room behind it.
void terminate(PUNICODE_STRING string) {
    if (string->MaximumLength - string->Length >= 2) units_of(string)[string->Length / 2] = 0;
}

NTSTATUS append(PUNICODE_STRING to, Utf16View from) {
    const std::size_t bytes = from.size() * 2;
    if (std::size_t{to->Length} + bytes > to->MaximumLength) return STATUS_BUFFER_TOO_SMALL;
    if (bytes != 0) std::memmove(units_of(to) + to->Length / 2, from.data(), bytes);
    to->Length = static_cast<USHORT>(to->Length + bytes);
    terminate(to);
    return STATUS_SUCCESS;
}

Utf16View view_of(PCWSTR text) {
    return text != nullptr ? Utf16View(reinterpret_cast<const char16_t*>(text)) : Utf16View();
}

// The lower-case form: the inverse of the upcase table. Where several letters share one upper case the usual pairs win:
// 32 apart, then neighbours, then the first.
const std::vector<char16_t>& downcase_table() {
    static const std::vector<char16_t> table = [] {
        std::vector<char16_t> lower(0x10000);
        std::vector<int> rank(0x10000, 9);
        for (std::size_t i = 0; i < lower.size(); ++i) lower[i] = static_cast<char16_t>(i);
        for (unsigned i = 0; i < 0x10000; ++i) {
            const auto unit = static_cast<char16_t>(i);
            const char16_t upper = rtl::upcase(unit);
            if (upper == unit) continue;
            const int distance = int{unit} - int{upper};
            const int this_rank = distance == 32 ? 0 : distance == 1 ? 1 : 2;
            if (this_rank >= rank[upper]) continue;
            rank[upper] = this_rank;
            lower[upper] = unit;
        }
        return lower;
    }();
    return table;
}

template <typename Convert>
NTSTATUS convert_case(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate, Convert convert) {
    if (allocate) {
        to->Buffer = static_cast<PWSTR>(rtl::allocate_string(from->Length != 0 ? from->Length : 2));
        if (to->Buffer == nullptr) return STATUS_NO_MEMORY;
        to->MaximumLength = from->Length;
    } else if (from->Length > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    const Utf16View source = rtl::view(from);
    for (std::size_t i = 0; i < source.size(); ++i) units_of(to)[i] = convert(source[i]);
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

std::string_view view_of(const STRING* string) {
    return string->Buffer != nullptr ? std::string_view(string->Buffer, string->Length) : std::string_view();
}

}  // namespace

extern "C" {

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
    std::size_t bytes = view_of(SourceString).size() * 2;
    if (bytes > max_string_bytes) bytes = max_string_bytes;
    DestinationString->Length = static_cast<USHORT>(bytes);
    DestinationString->MaximumLength = static_cast<USHORT>(SourceString != nullptr ? bytes + 2 : 0);
    DestinationString->Buffer = const_cast<PWSTR>(SourceString);
}

VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString) {
    std::size_t bytes = SourceString != nullptr ? std::strlen(SourceString) : 0;
    if (bytes > 0xFFFE) bytes = 0xFFFE;
    DestinationString->Length = static_cast<USHORT>(bytes);
    DestinationString->MaximumLength = static_cast<USHORT>(SourceString != nullptr ? bytes + 1 : 0);
    DestinationString->Buffer = const_cast<PCHAR>(SourceString);
}

VOID RtlInitString(PSTRING DestinationString, PCSTR SourceString) {
    RtlInitAnsiString(DestinationString, SourceString);
}

VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
    DestinationString->Length = 0;
    if (SourceString == nullptr) return;
    USHORT bytes = SourceString->Length;
    if (bytes > DestinationString->MaximumLength) bytes = DestinationString->MaximumLength;
    if (bytes != 0) std::memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
    terminate(DestinationString);
}

NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
    return append(Destination, rtl::view(Source));
}

NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source) {
    return append(Destination, view_of(Source));
}

LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
    const Utf16View a = rtl::view(String1);
    const Utf16View b = rtl::view(String2);
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < common; ++i) {
        const int first = CaseInSensitive ? rtl::upcase(a[i]) : a[i];
        const int second = CaseInSensitive ? rtl::upcase(b[i]) : b[i];
        if (first != second) return first - second;
    }
    return static_cast<LONG>(a.size()) - static_cast<LONG>(b.size());
}

BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
    return String1->Length == String2->Length && RtlCompareUnicodeString(String1, String2, CaseInSensitive) == 0;
}

BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
    if (String1->Length > String2->Length) return FALSE;
    UNICODE_STRING head = *String2;
    head.Length = String1->Length;
    return RtlEqualUnicodeString(String1, &head, CaseInSensitive);
}

BOOLEAN RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
    if (String1->Length > String2->Length) return FALSE;
    UNICODE_STRING tail = *String2;
    tail.Buffer += (String2->Length - String1->Length) / 2;
    tail.Length = String1->Length;
    return RtlEqualUnicodeString(String1, &tail, CaseInSensitive);
}

CHAR RtlUpperChar(CHAR Character) {
    return Character >= 'a' && Character <= 'z' ? static_cast<CHAR>(Character - 'a' + 'A') : Character;
}

LONG RtlCompareString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive) {
    const std::string_view a = view_of(String1);
    const std::string_view b = view_of(String2);
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
        const auto first = static_cast<UCHAR>(CaseInSensitive ? RtlUpperChar(a[i]) : a[i]);
        const auto second = static_cast<UCHAR>(CaseInSensitive ? RtlUpperChar(b[i]) : b[i]);
        if (first != second) return int{first} - int{second};
    }
    return static_cast<LONG>(a.size()) - static_cast<LONG>(b.size());
}

BOOLEAN RtlEqualString(const STRING* String1, const STRING* String2, BOOLEAN CaseInSensitive) {
    return RtlCompareString(String1, String2, CaseInSensitive) == 0;
}

WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter) { return rtl::upcase(SourceCharacter); }
WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter) { return downcase_table()[SourceCharacter]; }

NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate) {
    return convert_case(Destination, Source, Allocate, rtl::upcase);
}

NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate) {
    return convert_case(Destination, Source, Allocate, RtlDowncaseUnicodeChar);
}

NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm, PULONG HashValue) {
    if (String == nullptr || HashValue == nullptr || HashAlgorithm > 1) return STATUS_INVALID_PARAMETER;
    ULONG hash = 0;
    for (const char16_t unit : rtl::view(String)) hash = hash * 65599 + (CaseInSensitive ? rtl::upcase(unit) : unit);
    *HashValue = hash;
    return STATUS_SUCCESS;
}

NTSTATUS RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING Source, PUNICODE_STRING Destination) {
    constexpr ULONG add_nul = 1;
    constexpr ULONG allocate_empty = 2;
    if (Source == nullptr || Destination == nullptr || Flags > 3 || Flags == allocate_empty) {
        return STATUS_INVALID_PARAMETER;
    }
    const bool nul = (Flags & add_nul) != 0;
    if (nul && Source->Length > max_string_bytes) return STATUS_NAME_TOO_LONG;
    *Destination = {};
    if (Source->Length == 0 && (Flags & allocate_empty) == 0) return STATUS_SUCCESS;
    const std::size_t size = std::size_t{Source->Length} + (nul ? 2u : 0u);
    auto* buffer = static_cast<PWSTR>(rtl::allocate_string(size));
    if (buffer == nullptr) return STATUS_NO_MEMORY;
    Destination->Buffer = buffer;
    Destination->MaximumLength = static_cast<USHORT>(size);
    RtlCopyUnicodeString(Destination, Source);
    return STATUS_SUCCESS;
}

VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString) {
    if (UnicodeString->Buffer != nullptr) rtl::free_string(UnicodeString->Buffer);
    *UnicodeString = {};
}

VOID RtlFreeAnsiString(PSTRING AnsiString) {
    if (AnsiString->Buffer != nullptr) rtl::free_string(AnsiString->Buffer);
    *AnsiString = {};
}

}  // extern "C"
