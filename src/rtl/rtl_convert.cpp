// Rtl* conversions: ANSI (here UTF-8) and UTF-16, numbers, GUIDs.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "rtl/rtl_allocator.h"
#include "rtl/utf16.h"
#include "wdk/wdm.h"

using namespace regent;

namespace {

// Puts `text` and a NUL into the string's buffer, or into a new one.
template <typename String, typename Unit>
NTSTATUS assign(String* to, std::basic_string_view<Unit> text, BOOLEAN allocate) {
    const std::size_t bytes = text.size() * sizeof(Unit);
    const std::size_t size = bytes + sizeof(Unit);
    if (size > 0xFFFF) return STATUS_INVALID_PARAMETER_2;
    if (allocate) {
        to->Buffer = static_cast<decltype(to->Buffer)>(rtl::allocate_string(size));
        if (to->Buffer == nullptr) return STATUS_NO_MEMORY;
        to->MaximumLength = static_cast<USHORT>(size);
    } else if (size > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    auto* units = reinterpret_cast<Unit*>(to->Buffer);
    std::copy(text.begin(), text.end(), units);
    units[text.size()] = 0;
    to->Length = static_cast<USHORT>(bytes);
    return STATUS_SUCCESS;
}

bool base_is_legal(ULONG base) { return base == 0 || base == 2 || base == 8 || base == 10 || base == 16; }

unsigned digit_of(char16_t unit) {
    if (unit >= '0' && unit <= '9') return unit - u'0';
    if (unit >= 'a' && unit <= 'z') return unit - u'a' + 10u;
    if (unit >= 'A' && unit <= 'Z') return unit - u'A' + 10u;
    return 99;
}

// Takes the base from a 0x, 0o or 0b in front; otherwise it is 10.
ULONG take_base(Utf16View& text) {
    if (text.size() < 2 || text[0] != '0') return 10;
    ULONG base = 10;
    if (text[1] == 'x') base = 16;
    if (text[1] == 'o') base = 8;
    if (text[1] == 'b') base = 2;
    if (base != 10) text.remove_prefix(2);
    return base;
}

NTSTATUS number_to_string(ULONGLONG value, ULONG base, PUNICODE_STRING to) {
    if (!base_is_legal(base)) return STATUS_INVALID_PARAMETER;
    if (base == 0) base = 10;
    Utf16 text;
    do {
        text.insert(text.begin(), u"0123456789ABCDEF"[value % base]);
        value /= base;
    } while (value != 0);
    return assign(to, Utf16View(text), FALSE);
}

std::optional<ULONGLONG> parse_hex(Utf16View text) {
    ULONGLONG value = 0;
    for (const char16_t unit : text) {
        const unsigned digit = digit_of(unit);
        if (digit > 15) return std::nullopt;
        value = value << 4 | digit;
    }
    return value;
}

// Bytes that are not all of a well-formed string were replaced.
bool has_replacement(Utf16View text, std::string_view source) {
    return text.find(u'\xFFFD') != Utf16View::npos && source.find("\xEF\xBF\xBD") == std::string_view::npos;
}

}  // namespace

extern "C" {

NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING Destination, const STRING* Source, BOOLEAN Allocate) {
    return assign(Destination, Utf16View(rtl::from_utf8({Source->Buffer, Source->Length})), Allocate);
}

NTSTATUS RtlUnicodeStringToAnsiString(PSTRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate) {
    return assign(Destination, std::string_view(rtl::to_utf8(rtl::view(Source))), Allocate);
}

ULONG RtlxAnsiStringToUnicodeSize(const STRING* AnsiString) {
    return static_cast<ULONG>(rtl::from_utf8({AnsiString->Buffer, AnsiString->Length}).size() + 1) * 2;
}

ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString) {
    return static_cast<ULONG>(rtl::to_utf8(rtl::view(UnicodeString)).size() + 1);
}

NTSTATUS RtlUTF8ToUnicodeN(PWSTR Destination, ULONG MaxBytes, PULONG ActualBytes, PCSTR Source, ULONG SourceBytes) {
    if (Source == nullptr) return STATUS_INVALID_PARAMETER_4;
    const std::string_view source(Source, SourceBytes);
    const Utf16 text = rtl::from_utf8(source);
    const std::size_t needed = text.size() * 2;
    if (Destination == nullptr) {
        if (ActualBytes == nullptr) return STATUS_INVALID_PARAMETER;
        *ActualBytes = static_cast<ULONG>(needed);
        return STATUS_SUCCESS;
    }
    const std::size_t copied = std::min<std::size_t>(needed, MaxBytes & ~1u);
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): counted text
    std::memcpy(Destination, text.data(), copied);
    if (ActualBytes != nullptr) *ActualBytes = static_cast<ULONG>(copied);
    if (copied < needed) return STATUS_BUFFER_TOO_SMALL;
    return has_replacement(text, source) ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeToUTF8N(PCHAR Destination, ULONG MaxBytes, PULONG ActualBytes, PCWSTR Source, ULONG SourceBytes) {
    if (Source == nullptr) return STATUS_INVALID_PARAMETER_4;
    const std::string text = rtl::to_utf8({reinterpret_cast<const char16_t*>(Source), SourceBytes / 2});
    if (Destination == nullptr) {
        if (ActualBytes == nullptr) return STATUS_INVALID_PARAMETER;
        *ActualBytes = static_cast<ULONG>(text.size());
        return STATUS_SUCCESS;
    }
    const std::size_t copied = std::min<std::size_t>(text.size(), MaxBytes);
    std::memcpy(Destination, text.data(), copied);
    if (ActualBytes != nullptr) *ActualBytes = static_cast<ULONG>(copied);
    return copied < text.size() ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value) {
    if (!base_is_legal(Base)) return STATUS_INVALID_PARAMETER;
    Utf16View text = rtl::view(String);
    while (!text.empty() && text.front() <= ' ') text.remove_prefix(1);
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (negative || text.front() == '+')) text.remove_prefix(1);
    if (Base == 0) Base = take_base(text);
    ULONG value = 0;
    for (; !text.empty() && digit_of(text.front()) < Base; text.remove_prefix(1)) {
        value = value * Base + digit_of(text.front());
    }
    *Value = negative ? 0 - value : value;
    return STATUS_SUCCESS;
}

NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String) {
    return number_to_string(Value, Base, String);
}

NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String) {
    return number_to_string(Value, Base, String);
}

NTSTATUS RtlStringFromGUID(const GUID* Guid, PUNICODE_STRING GuidString) {
    char text[40];
    const UCHAR* d = Guid->Data4;
    std::snprintf(text, sizeof text, "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", Guid->Data1,
                  unsigned{Guid->Data2}, unsigned{Guid->Data3}, unsigned{d[0]}, unsigned{d[1]}, unsigned{d[2]},
                  unsigned{d[3]}, unsigned{d[4]}, unsigned{d[5]}, unsigned{d[6]}, unsigned{d[7]});
    return assign(GuidString, Utf16View(rtl::from_utf8(text)), TRUE);
}

NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID* Guid) {
    const Utf16View text = rtl::view(GuidString);
    constexpr Utf16View shape = u"{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
    if (text.size() != shape.size()) return STATUS_INVALID_PARAMETER;
    Utf16 digits;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 'x') {
            digits.push_back(text[i]);
        } else if (text[i] != shape[i]) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    const auto high = parse_hex(Utf16View(digits).substr(0, 16));
    const auto low = parse_hex(Utf16View(digits).substr(16));
    if (!high || !low) return STATUS_INVALID_PARAMETER;
    Guid->Data1 = static_cast<ULONG>(*high >> 32);
    Guid->Data2 = static_cast<USHORT>(*high >> 16);
    Guid->Data3 = static_cast<USHORT>(*high);
    for (int i = 0; i < 8; ++i) Guid->Data4[i] = static_cast<UCHAR>(*low >> (56 - 8 * i));
    return STATUS_SUCCESS;
}

}  // extern "C"
