#include "regent/client/value.h"

#include <bit>
#include <cstring>

#include "regent/client/text.h"

namespace regent::client {
namespace {

template <typename T>
std::optional<T> exactly(const Bytes& data) {
    T number;
    if (data.size() != sizeof number) return std::nullopt;
    std::memcpy(&number, data.data(), sizeof number);
    return number;
}

std::u16string all_units(const Bytes& data) {
    std::u16string units(data.size() / sizeof(char16_t), u'\0');
    if (!units.empty()) std::memcpy(units.data(), data.data(), units.size() * sizeof(char16_t));
    return units;
}

std::u16string first_string(const Bytes& data) {
    std::u16string units = all_units(data);
    if (const auto end = units.find(u'\0'); end != std::u16string::npos) units.resize(end);
    return units;
}

Value with_units(ULONG type, std::u16string_view units) {
    const auto bytes = std::as_bytes(std::span(units));
    return Value{.name = {}, .type = type, .data = Bytes(bytes.begin(), bytes.end())};
}

Value terminated(ULONG type, std::u16string_view text) { return with_units(type, std::u16string(text) + u'\0'); }

template <typename T>
Value with_number(ULONG type, T number) {
    static_assert(std::endian::native == std::endian::little);
    const auto bytes = std::as_bytes(std::span(&number, 1));
    return Value{.name = {}, .type = type, .data = Bytes(bytes.begin(), bytes.end())};
}

}  // namespace

template <>
std::optional<std::uint32_t> Value::as() const {
    if (type == REG_DWORD) return exactly<std::uint32_t>(data);
    if (type != REG_DWORD_BIG_ENDIAN) return std::nullopt;
    const auto number = exactly<std::uint32_t>(data);
    return number ? std::optional(__builtin_bswap32(*number)) : std::nullopt;
}

template <>
std::optional<std::uint64_t> Value::as() const {
    if (type == REG_QWORD) return exactly<std::uint64_t>(data);
    return as<std::uint32_t>();
}

template <>
std::optional<std::u16string> Value::as() const {
    if (type != REG_SZ && type != REG_EXPAND_SZ && type != REG_LINK) return std::nullopt;
    return type == REG_LINK ? all_units(data) : first_string(data);
}

template <>
std::optional<std::string> Value::as() const {
    const auto units = as<std::u16string>();
    return units ? std::optional(to_utf8(*units)) : std::nullopt;
}

template <>
std::optional<ExpandString> Value::as() const {
    if (type != REG_EXPAND_SZ) return std::nullopt;
    return ExpandString{to_utf8(first_string(data))};
}

template <>
std::optional<Strings> Value::as() const {
    if (type != REG_MULTI_SZ) return std::nullopt;
    const std::u16string units = all_units(data);
    Strings strings;
    for (std::size_t at = 0; at < units.size() && units[at] != u'\0';) {
        const std::size_t end = std::min(units.find(u'\0', at), units.size());
        strings.push_back(to_utf8(std::u16string_view(units).substr(at, end - at)));
        at = end + 1;
    }
    return strings;
}

template <>
std::optional<Bytes> Value::as() const {
    return data;
}

Value encode(std::string_view text) { return terminated(REG_SZ, to_utf16(text)); }
Value encode(std::u16string_view text) { return terminated(REG_SZ, text); }
Value encode(const ExpandString& text) { return terminated(REG_EXPAND_SZ, to_utf16(text.text)); }

Value encode(const Strings& texts) {
    std::u16string units;
    for (const std::string& text : texts) units += to_utf16(text) + u'\0';
    return terminated(REG_MULTI_SZ, units);
}

Value encode(std::span<const std::byte> bytes) {
    return Value{.name = {}, .type = REG_BINARY, .data = Bytes(bytes.begin(), bytes.end())};
}

Value encode_dword(std::uint32_t number) { return with_number(REG_DWORD, number); }
Value encode_qword(std::uint64_t number) { return with_number(REG_QWORD, number); }

}  // namespace regent::client
