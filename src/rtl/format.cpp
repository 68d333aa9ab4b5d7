#include "rtl/format.h"

#include <cstdio>

namespace regent::rtl {
namespace {

constexpr std::size_t max_field = 65536;  // a width or precision above is a mistake in the format

enum class Size { normal, half, half_half, wide, pointer, bits64 };

struct Spec {
    bool left = false;
    bool plus = false;
    bool space = false;
    bool zero = false;
    bool alternate = false;
    std::size_t width = 0;
    std::size_t precision = 0;
    bool has_precision = false;
    Size size = Size::normal;
    char16_t type = 0;
};

// Walks the units of a format; 0 at its end.
template <typename Unit>
class Cursor {
public:
    explicit Cursor(const Unit* text) : text_(text) {}
    char16_t peek(std::size_t ahead = 0) const {
        for (std::size_t i = 0; i < ahead; ++i) {
            if (text_[i] == 0) return 0;
        }
        if constexpr (sizeof(Unit) == 1) return static_cast<unsigned char>(text_[ahead]);
        return static_cast<char16_t>(text_[ahead]);
    }
    void skip(std::size_t count = 1) { text_ += count; }
    bool take(char16_t unit) {
        if (peek() != unit) return false;
        skip();
        return true;
    }

private:
    const Unit* text_;
};

template <typename Unit>
std::size_t parse_number(Cursor<Unit>& at) {
    std::size_t value = 0;
    while (at.peek() >= '0' && at.peek() <= '9') {
        value = value * 10 + (at.peek() - u'0');
        if (value > max_field) value = max_field;
        at.skip();
    }
    return value;
}

template <typename Unit>
void parse_flags(Cursor<Unit>& at, Spec& spec) {
    for (;; at.skip()) {
        switch (at.peek()) {
            case '-':
                spec.left = true;
                break;
            case '+':
                spec.plus = true;
                break;
            case ' ':
                spec.space = true;
                break;
            case '0':
                spec.zero = true;
                break;
            case '#':
                spec.alternate = true;
                break;
            default:
                return;
        }
    }
}

template <typename Unit>
void parse_width(Cursor<Unit>& at, Spec& spec, FormatArguments& arguments) {
    if (at.take('*')) {
        const auto value = static_cast<std::int32_t>(arguments.next());
        spec.left = spec.left || value < 0;
        const auto magnitude = static_cast<std::size_t>(value < 0 ? -std::int64_t{value} : value);
        spec.width = magnitude < max_field ? magnitude : max_field;
    } else {
        spec.width = parse_number(at);
    }
    if (!at.take('.')) return;
    spec.has_precision = true;
    if (at.take('*')) {
        const auto value = static_cast<std::int32_t>(arguments.next());
        spec.has_precision = value >= 0;
        spec.precision = value >= 0 ? static_cast<std::size_t>(value) : 0;
    } else {
        spec.precision = parse_number(at);
    }
}

template <typename Unit>
Size parse_size(Cursor<Unit>& at) {
    if (at.take('h')) return at.take('h') ? Size::half_half : Size::half;
    if (at.take('l')) return at.take('l') ? Size::bits64 : Size::wide;
    if (at.take('w')) return Size::wide;
    if (at.take('j')) return Size::bits64;
    if (at.take('z') || at.take('t')) return Size::pointer;
    if (at.peek() != 'I') return Size::normal;
    if (at.peek(1) == '6' && at.peek(2) == '4') {
        at.skip(3);
        return Size::bits64;
    }
    if (at.peek(1) == '3' && at.peek(2) == '2') {
        at.skip(3);
        return Size::normal;
    }
    at.skip();
    return Size::pointer;
}

// Everything is put together as UTF-16 or as UTF-8, the output's own form.
template <typename Out>
class Formatter {
public:
    explicit Formatter(FormatArguments& arguments) : arguments_(arguments) {}

    template <typename Unit>
    Out run(const Unit* format) {
        Cursor<Unit> at(format);
        while (const char16_t unit = at.peek()) {
            at.skip();
            if (unit != '%') {
                out_.push_back(static_cast<typename Out::value_type>(unit));
                continue;
            }
            if (at.take('%')) {
                out_.push_back('%');
                continue;
            }
            Spec spec;
            parse_flags(at, spec);
            parse_width(at, spec, arguments_);
            spec.size = parse_size(at);
            spec.type = at.peek();
            if (spec.type == 0) break;
            at.skip();
            convert(spec);
        }
        return std::move(out_);
    }

private:
    static constexpr bool wide_output = sizeof(typename Out::value_type) == 2;

    void convert(const Spec& spec) {
        switch (spec.type) {
            case 'd':
            case 'i':
                return signed_integer(spec);
            case 'u':
                return integer(spec, 10, false);
            case 'o':
                return integer(spec, 8, false);
            case 'x':
                return integer(spec, 16, false);
            case 'X':
                return integer(spec, 16, true);
            case 'p':
                return pointer(spec);
            case 'c':
            case 'C':
                return character(spec);
            case 's':
            case 'S':
                return string(spec);
            case 'Z':
                return counted_string(spec);
            case 'e':
            case 'E':
            case 'f':
            case 'g':
            case 'G':
                return floating(spec);
            case 'n':
                arguments_.next();
                return;  // never writes through a pointer
            default:
                out_.push_back(static_cast<typename Out::value_type>(spec.type));
                return;
        }
    }

    std::uint64_t unsigned_value(Size size) {
        const std::uint64_t raw = arguments_.next();
        switch (size) {
            case Size::half:
                return static_cast<std::uint16_t>(raw);
            case Size::half_half:
                return static_cast<std::uint8_t>(raw);
            case Size::pointer:
            case Size::bits64:
                return raw;
            default:
                return static_cast<std::uint32_t>(raw);
        }
    }

    std::int64_t signed_value(Size size) {
        const std::uint64_t raw = arguments_.next();
        switch (size) {
            case Size::half:
                return static_cast<std::int16_t>(raw);
            case Size::half_half:
                return static_cast<std::int8_t>(raw);
            case Size::pointer:
            case Size::bits64:
                return static_cast<std::int64_t>(raw);
            default:
                return static_cast<std::int32_t>(raw);
        }
    }

    static std::string digits_of(std::uint64_t value, unsigned base, bool upper) {
        const char* const digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
        std::string text;
        for (; value != 0; value /= base) text.insert(text.begin(), digits[value % base]);
        return text;
    }

    void number(const Spec& spec, std::string_view sign, std::string digits, bool is_zero) {
        if (is_zero && !spec.has_precision) digits = "0";
        if (spec.has_precision && digits.size() < spec.precision) {
            digits.insert(0, (spec.precision < max_field ? spec.precision : max_field) - digits.size(), '0');
        }
        const std::size_t length = sign.size() + digits.size();
        if (spec.zero && !spec.left && !spec.has_precision && length < spec.width) {
            digits.insert(0, spec.width - length, '0');
        }
        pad(spec, std::string(sign) + digits);
    }

    void signed_integer(const Spec& spec) {
        const std::int64_t value = signed_value(spec.size);
        const std::uint64_t magnitude =
            value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
        const char* sign = value < 0 ? "-" : spec.plus ? "+" : spec.space ? " " : "";
        number(spec, sign, digits_of(magnitude, 10, false), magnitude == 0);
    }

    void integer(const Spec& spec, unsigned base, bool upper) {
        const std::uint64_t value = unsigned_value(spec.size);
        const char* sign = "";
        if (spec.alternate && value != 0) sign = base == 16 ? (upper ? "0X" : "0x") : base == 8 ? "0" : "";
        number(spec, sign, digits_of(value, base, upper), value == 0);
    }

    void floating(const Spec& spec) {
        double value = 0;
        if (!arguments_.next_double(&value)) return out_.push_back(static_cast<typename Out::value_type>(spec.type));
        std::string format = "%";
        if (spec.plus) format += '+';
        if (spec.space) format += ' ';
        if (spec.zero && !spec.left) format += '0';
        if (spec.alternate) format += '#';
        format += "*.*";
        format += static_cast<char>(spec.type);
        const int width = spec.left ? 0 : static_cast<int>(spec.width);
        const int precision = spec.has_precision ? static_cast<int>(spec.precision) : 6;
        const int length = std::snprintf(nullptr, 0, format.c_str(), width, precision, value);
        std::string text(static_cast<std::size_t>(length) + 1, '\0');
        std::snprintf(text.data(), text.size(), format.c_str(), width, precision, value);
        text.pop_back();
        pad(spec, text);
    }

    void pointer(const Spec& spec) {
        Spec fixed = spec;
        fixed.has_precision = true;
        fixed.precision = 16;
        number(fixed, "", digits_of(arguments_.next(), 16, true), false);
    }

    // Whether text of this conversion is 16-bit: %s is as wide as the output, %S the opposite, prefixes overrule.
    static bool is_wide(const Spec& spec) {
        if (spec.size == Size::wide) return true;
        if (spec.size == Size::half) return false;
        return (spec.type == 's' || spec.type == 'c') == wide_output;
    }

    void character(const Spec& spec) {
        const auto raw = arguments_.next();
        if (is_wide(spec)) {
            const auto unit = static_cast<char16_t>(raw);
            wide_text(spec, {&unit, 1});
        } else {
            const auto unit = static_cast<char>(raw);
            narrow_text(spec, {&unit, 1});
        }
    }

    void string(const Spec& spec) {
        const auto address = static_cast<std::uintptr_t>(arguments_.next());
        const std::size_t limit = spec.has_precision ? spec.precision : SIZE_MAX;
        if (address == 0) return narrow_text(spec, "(null)");
        if (is_wide(spec)) {
            const auto* text = reinterpret_cast<const char16_t*>(address);
            std::size_t length = 0;
            while (length < limit && text[length] != 0) ++length;
            wide_text(spec, {text, length});
        } else {
            const auto* text = reinterpret_cast<const char*>(address);
            std::size_t length = 0;
            while (length < limit && text[length] != 0) ++length;
            narrow_text(spec, {text, length});
        }
    }

    void counted_string(const Spec& spec) {
        const auto address = static_cast<std::uintptr_t>(arguments_.next());
        if (spec.size == Size::wide) {
            const auto* text = reinterpret_cast<const UNICODE_STRING*>(address);
            if (text == nullptr || text->Buffer == nullptr) return narrow_text(spec, "(null)");
            wide_text(spec, view(text));
        } else {
            const auto* text = reinterpret_cast<const STRING*>(address);
            if (text == nullptr || text->Buffer == nullptr) return narrow_text(spec, "(null)");
            narrow_text(spec, {text->Buffer, text->Length});
        }
    }

    void wide_text(const Spec& spec, Utf16View text) {
        if (spec.has_precision && text.size() > spec.precision) text = text.substr(0, spec.precision);
        if constexpr (wide_output) {
            pad(spec, text, text.size());
        } else {
            pad(spec, to_utf8(text), text.size());
        }
    }

    void narrow_text(const Spec& spec, std::string_view text) {
        if (spec.has_precision && text.size() > spec.precision) text = text.substr(0, spec.precision);
        if constexpr (wide_output) {
            const Utf16 wide = from_utf8(text);
            pad(spec, wide, wide.size());
        } else {
            pad(spec, text, text.size());
        }
    }

    void pad(const Spec& spec, const std::string& ascii) {
        if constexpr (wide_output) {
            pad(spec, Utf16(ascii.begin(), ascii.end()), ascii.size());
        } else {
            pad(spec, ascii, ascii.size());
        }
    }

    // `length` is the width in characters of the source.
    template <typename Text>
    void pad(const Spec& spec, const Text& text, std::size_t length) {
        const std::size_t fill = length < spec.width ? spec.width - length : 0;
        if (!spec.left) out_.append(fill, ' ');
        out_.append(text);
        if (spec.left) out_.append(fill, ' ');
    }

    FormatArguments& arguments_;
    Out out_;
};

}  // namespace

std::string format_narrow(const char* format, FormatArguments& arguments) {
    return Formatter<std::string>(arguments).run(format);
}

Utf16 format_wide(const char16_t* format, FormatArguments& arguments) {
    return Formatter<Utf16>(arguments).run(format);
}

}  // namespace regent::rtl
