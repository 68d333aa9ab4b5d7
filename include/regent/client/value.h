// Values: a type and bytes as the registry keeps them, and the C++ types that stand for them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nt/ntdef.h"
#include "nt/ntregapi.h"

namespace regent::client {

using Bytes = std::vector<std::byte>;
using Strings = std::vector<std::string>;

// Text whose %VARIABLES% the reader replaces: REG_EXPAND_SZ.
struct ExpandString {
    std::string text;
    friend bool operator==(const ExpandString&, const ExpandString&) = default;
};

// One value, copied. The name is empty for a key's default value, and where the value was asked for by its name.
struct Value {
    std::u16string name;
    ULONG type = REG_NONE;
    Bytes data;

    // The data as a T, or nothing when type or size do not fit:
    //   std::uint32_t    REG_DWORD, REG_DWORD_BIG_ENDIAN
    //   std::uint64_t    REG_QWORD, and what std::uint32_t takes
    //   std::string      REG_SZ, REG_EXPAND_SZ (as it is), REG_LINK; up to the first NUL; UTF-8
    //   std::u16string   the same
    //   ExpandString     REG_EXPAND_SZ
    //   Strings          REG_MULTI_SZ, up to its empty string
    //   Bytes            any type
    template <typename T>
    std::optional<T> as() const;
};

template <>
std::optional<std::uint32_t> Value::as() const;
template <>
std::optional<std::uint64_t> Value::as() const;
template <>
std::optional<std::string> Value::as() const;
template <>
std::optional<std::u16string> Value::as() const;
template <>
std::optional<ExpandString> Value::as() const;
template <>
std::optional<Strings> Value::as() const;
template <>
std::optional<Bytes> Value::as() const;

// What is stored for a C++ value; text gets the NUL that Windows' programs expect.
Value encode(std::string_view text);     // REG_SZ
Value encode(std::u16string_view text);  // REG_SZ
Value encode(const ExpandString& text);  // REG_EXPAND_SZ
Value encode(const Strings& texts);      // REG_MULTI_SZ
Value encode(std::span<const std::byte> bytes);
inline Value encode(const char* text) { return encode(std::string_view(text)); }
inline Value encode(const char16_t* text) { return encode(std::u16string_view(text)); }
inline Value encode(const std::string& text) { return encode(std::string_view(text)); }
inline Value encode(const std::u16string& text) { return encode(std::u16string_view(text)); }
inline Value encode(const Bytes& bytes) { return encode(std::span<const std::byte>(bytes)); }
Value encode_dword(std::uint32_t number);
Value encode_qword(std::uint64_t number);
// Integers by their size: REG_DWORD up to 32 bits, REG_QWORD above.
template <std::integral T>
Value encode(T number) {
    if constexpr (sizeof(T) <= sizeof(std::uint32_t)) {
        return encode_dword(static_cast<std::uint32_t>(number));
    } else {
        return encode_qword(static_cast<std::uint64_t>(number));
    }
}

}  // namespace regent::client
