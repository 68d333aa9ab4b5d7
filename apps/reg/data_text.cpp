// Data as reg prints it.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "command.h"

namespace regent::reg {
namespace {

std::string hex_bytes(const std::vector<BYTE>& data) {
    std::string text;
    char digits[4];
    for (BYTE byte : data) {
        std::snprintf(digits, sizeof digits, "%02X", byte);
        text += digits;
    }
    return text;
}

Utf16 units(const std::vector<BYTE>& data) {
    Utf16 text(data.size() / sizeof(char16_t), u'\0');
    if (!text.empty()) std::memcpy(text.data(), data.data(), text.size() * sizeof(char16_t));
    return text;
}

std::string multi_text(const std::vector<BYTE>& data, const std::string& separator) {
    Utf16 text = units(data);
    while (text.ends_with(u'\0')) text.pop_back();
    std::string result;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(u'\0', at), text.size());
        if (at > 0) result += separator;
        result += rtl::to_utf8(Utf16View(text).substr(at, end - at));
        at = end + 1;
    }
    return result;
}

}  // namespace

std::string data_text(const Value& value, const std::string& separator) {
    char text[24];
    if (value.type == REG_SZ || value.type == REG_EXPAND_SZ) {
        const Utf16 all = units(value.data);
        return rtl::to_utf8(Utf16View(all).substr(0, all.find(u'\0')));
    }
    if (value.type == REG_MULTI_SZ) return multi_text(value.data, separator);
    if ((value.type == REG_DWORD || value.type == REG_DWORD_BIG_ENDIAN) && value.data.size() == 4) {
        std::uint32_t number = 0;
        std::memcpy(&number, value.data.data(), sizeof number);
        std::snprintf(text, sizeof text, "0x%" PRIx32, number);
        return text;
    }
    if (value.type == REG_QWORD && value.data.size() == 8) {
        std::uint64_t number = 0;
        std::memcpy(&number, value.data.data(), sizeof number);
        std::snprintf(text, sizeof text, "0x%" PRIx64, number);
        return text;
    }
    return hex_bytes(value.data);
}

}  // namespace regent::reg
