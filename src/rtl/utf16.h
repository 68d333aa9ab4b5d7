// UTF-16 names as the registry sees them: sequences of code units, compared after the simple upcase of each unit.
// Surrogates are never folded or checked (semantics NS-8, NS-17).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nt/ntdef.h"

namespace regent::rtl {

using Utf16 = std::u16string;
using Utf16View = std::u16string_view;

// The upper-case form of one code unit, as RtlUpcaseUnicodeChar gives it.
char16_t upcase(char16_t unit);

// <0, 0, >0: order of the upcased code units, then of the lengths.
int compare_folded(Utf16View a, Utf16View b);
bool equal_folded(Utf16View a, Utf16View b);
// The `lh` leaf's hash: H = 37*H + upcase(unit), mod 2^32, from 0 (or from `seed`, to continue one).
std::uint32_t name_hash(Utf16View name, std::uint32_t seed = 0);
Utf16 upcased(Utf16View text);

// Unpaired surrogates survive a round trip: they are encoded as three bytes each (WTF-8).
std::string to_utf8(Utf16View text);
// Malformed bytes become U+FFFD.
Utf16 from_utf8(std::string_view text);

// A view of a UNICODE_STRING's units; empty for a null pointer or buffer.
inline Utf16View view(const UNICODE_STRING* string) {
    if (string == nullptr || string->Buffer == nullptr) return {};
    return {reinterpret_cast<const char16_t*>(string->Buffer), string->Length / sizeof(char16_t)};
}
inline Utf16View view(const UNICODE_STRING& string) { return view(&string); }
// A UNICODE_STRING over `text`, which must outlive it. REQUIRES: text.size() <= 32767.
inline UNICODE_STRING unicode_string(Utf16View text) {
    UNICODE_STRING string;
    string.Length = static_cast<USHORT>(text.size() * sizeof(char16_t));
    string.MaximumLength = string.Length;
    string.Buffer = reinterpret_cast<PWSTR>(const_cast<char16_t*>(text.data()));
    return string;
}

}  // namespace regent::rtl

namespace regent {
using rtl::Utf16;
using rtl::Utf16View;
}  // namespace regent
