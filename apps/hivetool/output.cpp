#include "output.h"

#include <array>
#include <charconv>

#include "rtl/utf16.h"

namespace regent::hivetool {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

constexpr std::array<char, 512> make_hex_pairs() {
    std::array<char, 512> pairs = {};
    for (std::size_t i = 0; i < 256; ++i) {
        pairs[2 * i] = hex_digits[i >> 4];
        pairs[2 * i + 1] = hex_digits[i & 15];
    }
    return pairs;
}
constexpr std::array<char, 512> hex_pairs = make_hex_pairs();

constexpr bool is_surrogate(char32_t point) { return point >= 0xD800 && point < 0xE000; }

void append_unit(std::string& to, const char* prefix, char32_t unit) {
    to += prefix;
    for (int shift = 12; shift >= 0; shift -= 4) to += hex_digits[(unit >> shift) & 15];
}

template <typename T>
void append_number(std::string& to, T value) {
    char text[24];
    to.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

void Output::number(std::uint64_t value) { append_number(buffer_, value); }
void Output::number(std::int64_t value) { append_number(buffer_, value); }

void Output::hex(Bytes data) {
    const std::size_t at = buffer_.size();
    buffer_.resize(at + data.size() * 2);
    char* out = buffer_.data() + at;
    for (std::byte byte : data) {
        std::memcpy(out, &hex_pairs[2 * std::to_integer<std::size_t>(byte)], 2);
        out += 2;
    }
}

void Output::base64(Bytes data) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::size_t line = 54;
    for (std::size_t i = 0; i < data.size(); i += 3) {
        if (i != 0 && i % line == 0) put("\r\n");
        const std::size_t left = data.size() - i;
        auto byte = [&](std::size_t n) { return n < left ? std::to_integer<unsigned>(data[i + n]) : 0U; };
        const unsigned group = byte(0) << 16 | byte(1) << 8 | byte(2);
        const char text[4] = {digits[group >> 18], digits[group >> 12 & 63], left > 1 ? digits[group >> 6 & 63] : '=',
                              left > 2 ? digits[group & 63] : '='};
        buffer_.append(text, 4);
    }
}

void Output::write() {
    std::fwrite(buffer_.data(), 1, buffer_.size(), file_);
    buffer_.clear();
}

bool Output::finish() {
    write();
    return std::fflush(file_) == 0 && std::ferror(file_) == 0;
}

void append_utf8(std::string& to, char32_t point) {
    auto tail = [&](int shift) { to += static_cast<char>(0x80 | (point >> shift & 63)); };
    if (point < 0x80) {
        to += static_cast<char>(point);
    } else if (point < 0x800) {
        to += static_cast<char>(0xC0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        to += static_cast<char>(0xE0 | point >> 12);
        tail(6);
        tail(0);
    } else {
        to += static_cast<char>(0xF0 | point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

void append_json(std::string& to, hive::NameView name) {
    each_code_point(name, [&](char32_t point) {
        if (point == U'"' || point == U'\\') {
            to += '\\';
            to += static_cast<char>(point);
        } else if (point == U'\n') {
            to += "\\n";
        } else if (point < 0x20 || is_surrogate(point)) {
            append_unit(to, "\\u", point);
        } else {
            append_utf8(to, point);
        }
    });
}

void append_escaped(std::string& to, hive::NameView name) {
    std::size_t at = 0;
    each_code_point(name, [&](char32_t point) {
        const bool escape = point == U'%' && at + 1 < name.size() && name[at + 1] == u'u';
        if (escape || point < 0x20 || point == 0x7F || is_surrogate(point)) {
            append_unit(to, "%u", point);
        } else {
            append_utf8(to, point);
        }
        at += point < 0x10000 ? 1 : 2;
    });
}

Utf16 parse_escaped(std::string_view text) {
    Utf16 result;
    std::size_t plain = 0;
    for (std::size_t i = text.find("%u"); i != text.npos; i = text.find("%u", i + 1)) {
        unsigned unit = 0;
        const char* digits = text.data() + i + 2;
        if (text.size() - i < 6 || std::from_chars(digits, digits + 4, unit, 16).ptr != digits + 4) continue;
        result += rtl::from_utf8(text.substr(plain, i - plain));
        result += static_cast<char16_t>(unit);
        plain = i + 6;
        i += 5;
    }
    return result + rtl::from_utf8(text.substr(plain));
}

}  // namespace regent::hivetool
