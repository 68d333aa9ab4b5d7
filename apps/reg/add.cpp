// REG ADD: the text of /d to data of the type /t. What each type takes is in the table of the tests.
#include <cstring>

#include "command.h"

namespace regent::reg {
namespace {

using Data = std::vector<BYTE>;

Data bytes_of(Utf16View text) {
    Data data(text.size() * sizeof(char16_t));
    if (!data.empty()) std::memcpy(data.data(), text.data(), data.size());
    return data;
}

Data string_data(Utf16 text) {
    text += u'\0';
    return bytes_of(text);
}

std::optional<unsigned> digit(char c, unsigned base) {
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
        value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
        value = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
        value = static_cast<unsigned>(c - 'A') + 10;
    } else {
        return std::nullopt;
    }
    return value < base ? std::optional(value) : std::nullopt;
}

// Decimal (leading zeros too) or 0x hex, no sign.
std::optional<std::uint64_t> number(std::string_view text, std::uint64_t maximum) {
    unsigned base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (char c : text) {
        const auto next = digit(c, base);
        if (!next || value > (maximum - *next) / base) return std::nullopt;
        value = value * base + *next;
    }
    return value;
}

template <typename T>
Data little_endian(T value) {
    Data data(sizeof(value));
    std::memcpy(data.data(), &value, sizeof(value));
    return data;
}

std::optional<Data> binary(const std::string& text) {
    Data data;
    // An odd count of digits has a 0 in front of it.
    std::string digits = text.size() % 2 != 0 ? "0" + text : text;
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        const auto high = digit(digits[at], 16);
        const auto low = digit(digits[at + 1], 16);
        if (!high || !low) return std::nullopt;
        data.push_back(static_cast<BYTE>(*high << 4 | *low));
    }
    return data;
}

// One separator may end the list; two in a row, or one at the front, may not stand.
std::optional<Data> multi(const Utf16& text, const Utf16& separator) {
    Utf16 list;
    if (text == separator) return bytes_of(Utf16(2, u'\0'));
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        if (end == at) return std::nullopt;
        list.append(text, at, end - at);
        list += u'\0';
        at = end + separator.size();
    }
    list += u'\0';
    return bytes_of(list);
}

std::optional<Data> data_of(DWORD type, const std::optional<std::string>& text, const Utf16& separator) {
    const std::string given = text.value_or("");
    switch (type) {
        case REG_NONE:
        case REG_SZ:
        case REG_EXPAND_SZ:
            return string_data(rtl::from_utf8(given));
        case REG_MULTI_SZ:
            return multi(rtl::from_utf8(given), separator);
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN: {  // the latter in this machine's order all the same, as Windows stores it
            const auto value = number(given, 0xFFFFFFFF);
            if (!value) return std::nullopt;
            return little_endian(static_cast<std::uint32_t>(*value));
        }
        case REG_QWORD: {
            if (!text) return little_endian(std::uint64_t{0});
            if (given == "-1") return little_endian(~std::uint64_t{0});
            const auto value = number(given, ~std::uint64_t{0});
            if (!value) return std::nullopt;
            return little_endian(*value);
        }
        default:
            return binary(given);
    }
}

bool value_exists(HKEY key, const Utf16& name) {
    return RegQueryValueExW(key, name.c_str(), nullptr, nullptr, nullptr, nullptr) == ERROR_SUCCESS;
}

}  // namespace

int add(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(
        words, {.positional = 1, .flags = {"ve", "f"}, .with_value = {"v", "t", "s", "d"}, .optional_value = {}});
    if (!arguments) return syntax_error("add");
    auto name = parse_key(arguments->positional(0), "add", RootSeparator::refused);
    if (!name) return exit_failed;
    const auto type = type_number(arguments->value("t").value_or("REG_SZ"));
    const Utf16 separator = rtl::from_utf8(arguments->value("s").value_or("\\0"));
    if (!type || (arguments->has("s") && separator.size() != 1)) return syntax_error("add");
    Value value{rtl::from_utf8(arguments->value("v").value_or("")), *type, {}};
    const auto data = data_of(*type, arguments->value("d"), separator);
    if (!data) {
        const bool numeric = *type == REG_DWORD || *type == REG_DWORD_BIG_ENDIAN || *type == REG_QWORD;
        if (numeric) return fail(std::string("Invalid syntax. Specify valid numeric value for '/d'."));
        return syntax_error("add");
    }
    value.data = *data;
    Key key;
    LSTATUS error = key.create(name->root, name->subkey, KEY_QUERY_VALUE | KEY_SET_VALUE);
    if (error != ERROR_SUCCESS) return fail(error);
    if (!arguments->has("f") && value_exists(key.handle(), value.name)) {
        const Answer answer = ask("Value exists, overwrite(Yes/No)? ");
        if (answer != Answer::yes) return canceled(answer);
    }
    error = write_value(key.handle(), value);
    return error == ERROR_SUCCESS ? success() : fail(error);
}

}  // namespace regent::reg
