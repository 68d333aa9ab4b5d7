#include <cstdio>
#include <cstring>

#include "nt/ntregapi.h"
#include "win32/reg_text.h"

namespace regent::win32::reg_text {
namespace {

// A line of hex bytes is broken behind the comma that reaches this column.
constexpr std::size_t break_column = 77;

Utf16 ascii(const char* text) { return {text, text + std::strlen(text)}; }

Utf16View string_data(rtl::Bytes data, Utf16& storage) {
    storage.resize(data.size() / sizeof(char16_t));
    if (!storage.empty()) std::memcpy(storage.data(), data.data(), storage.size() * sizeof(char16_t));
    return Utf16View(storage).substr(0, storage.find(u'\0'));
}

}  // namespace

void Writer::key(Utf16View path) {
    text_ += u"\r\n[";
    text_ += path;
    text_ += u"]\r\n";
}

void Writer::quoted(Utf16View text) {
    text_ += u'"';
    for (char16_t unit : text) {
        if (unit == u'\\' || unit == u'"') text_ += u'\\';
        text_ += unit;
    }
    text_ += u'"';
}

void Writer::value(Utf16View name, std::uint32_t type, rtl::Bytes data) {
    const std::size_t line_start = text_.size();
    if (name.empty()) {
        text_ += u'@';
    } else {
        quoted(name);
    }
    text_ += u'=';
    if (type == REG_SZ) {
        Utf16 storage;
        quoted(string_data(data, storage));
    } else if (type == REG_DWORD && data.size() == sizeof(std::uint32_t)) {
        std::uint32_t number = 0;
        std::memcpy(&number, data.data(), sizeof number);
        char digits[24];
        std::snprintf(digits, sizeof digits, "dword:%08x", number);
        text_ += ascii(digits);
    } else {
        hex(type, data, line_start);
    }
    text_ += u"\r\n";
}

void Writer::hex(std::uint32_t type, rtl::Bytes data, std::size_t line_start) {
    char prefix[24] = "hex:";
    if (type != REG_BINARY) std::snprintf(prefix, sizeof prefix, "hex(%x):", type);
    text_ += ascii(prefix);
    constexpr char16_t digits[] = u"0123456789abcdef";
    for (std::size_t index = 0; index < data.size(); ++index) {
        const auto byte = static_cast<unsigned>(data[index]);
        text_ += digits[byte >> 4];
        text_ += digits[byte & 15];
        if (index + 1 == data.size()) break;
        text_ += u',';
        if (text_.size() - line_start >= break_column) {
            text_ += u"\\\r\n";
            line_start = text_.size();
            text_ += u"  ";
        }
    }
}

std::string Writer::take() {
    std::string bytes;
    if (!begun_) bytes = "\xFF\xFE";
    begun_ = true;
    bytes.append(reinterpret_cast<const char*>(text_.data()), text_.size() * sizeof(char16_t));
    text_.clear();
    return bytes;
}

}  // namespace regent::win32::reg_text
