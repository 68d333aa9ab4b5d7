// Buffered text on standard output, fast enough for exports of whole hives. Externally synchronised.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "hive/name.h"
#include "rtl/bytes.h"

namespace regent::hivetool {

class Output {
public:
    explicit Output(std::FILE* file = stdout) : file_(file) { buffer_.reserve(flush_at + 65536); }

    void put(char c) { buffer_.push_back(c); }
    void put(std::string_view text) { buffer_.append(text); }
    void number(std::uint64_t value);
    void number(std::int64_t value);
    void hex(Bytes data);
    void base64(Bytes data);  // lines of 72 characters with CR LF, as libxml2 writes it
    // Ends a piece; writes when the buffer is full.
    void mark() {
        if (buffer_.size() >= flush_at) write();
    }
    bool finish();  // false: standard output could not be written

private:
    static constexpr std::size_t flush_at = 1 << 20;
    void write();

    std::FILE* file_;
    std::string buffer_;
};

// A code point of a stored name; an unpaired surrogate comes as itself.
template <typename Use>
void each_code_point(hive::NameView name, Use use) {
    const std::size_t size = name.size();
    for (std::size_t i = 0; i < size; ++i) {
        const char32_t unit = name[i];
        if (unit >= 0xD800 && unit < 0xDC00 && i + 1 < size && name[i + 1] >= 0xDC00 && name[i + 1] < 0xE000) {
            use(0x10000 + ((unit - 0xD800) << 10) + (name[++i] - char32_t{0xDC00}));
        } else {
            use(unit);
        }
    }
}
void append_utf8(std::string& to, char32_t point);
// As JSON writes it, without the quotes; an unpaired surrogate becomes its \u escape, so nothing is lost.
void append_json(std::string& to, hive::NameView name);
// For people: control characters, unpaired surrogates and a % that would begin an escape are %uXXXX. parse_escaped
// reads it back.
void append_escaped(std::string& to, hive::NameView name);
Utf16 parse_escaped(std::string_view text);
inline hive::NameView view_of(const Utf16& text) {
    return {rtl::as_bytes(text.data(), text.size() * sizeof(char16_t)), false};
}

}  // namespace regent::hivetool
