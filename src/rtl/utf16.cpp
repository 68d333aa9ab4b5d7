#include "rtl/utf16.h"

#include "rtl/upcase_table.h"

namespace regent::rtl {

char16_t upcase(char16_t unit) {
    return static_cast<char16_t>(unit + upcase_delta[upcase_page[unit >> 8]][unit & 0xFF]);
}

int compare_folded(Utf16View a, Utf16View b) {
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < common; ++i) {
        if (a[i] == b[i]) continue;
        const char16_t ua = upcase(a[i]);
        const char16_t ub = upcase(b[i]);
        if (ua != ub) return ua < ub ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool equal_folded(Utf16View a, Utf16View b) { return a.size() == b.size() && compare_folded(a, b) == 0; }

std::uint32_t name_hash(Utf16View name, std::uint32_t seed) {
    std::uint32_t hash = seed;
    for (char16_t unit : name) hash = hash * 37 + upcase(unit);
    return hash;
}

Utf16 upcased(Utf16View text) {
    Utf16 result(text);
    for (char16_t& unit : result) unit = upcase(unit);
    return result;
}

namespace {

bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c < 0xDC00; }
bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c < 0xE000; }

void append_utf8(std::string& out, char32_t c) {
    auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

void append_utf16(Utf16& out, char32_t c) {
    if (c < 0x10000) {
        out.push_back(static_cast<char16_t>(c));
    } else {
        out.push_back(static_cast<char16_t>(0xD7C0 + (c >> 10)));
        out.push_back(static_cast<char16_t>(0xDC00 + (c & 0x3FF)));
    }
}

struct Lead {
    int continuation;
    char32_t bits;
    char32_t smallest;  // anything below is an overlong form
};

Lead classify(unsigned char byte) {
    if (byte < 0x80) return {0, byte, 0};
    if (byte >= 0xC2 && byte < 0xE0) return {1, static_cast<char32_t>(byte & 0x1F), 0x80};
    if (byte >= 0xE0 && byte < 0xF0) return {2, static_cast<char32_t>(byte & 0x0F), 0x800};
    if (byte >= 0xF0 && byte < 0xF5) return {3, static_cast<char32_t>(byte & 0x07), 0x10000};
    return {-1, 0, 0};
}

}  // namespace

std::string to_utf8(Utf16View text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char32_t c = text[i];
        if (is_high_surrogate(c) && i + 1 < text.size() && is_low_surrogate(text[i + 1])) {
            c = 0x10000 + ((c - 0xD800) << 10) + (text[++i] - 0xDC00);
        }
        append_utf8(out, c);
    }
    return out;
}

Utf16 from_utf8(std::string_view text) {
    Utf16 out;
    out.reserve(text.size());
    std::size_t i = 0;
    while (i < text.size()) {
        const Lead lead = classify(static_cast<unsigned char>(text[i]));
        char32_t c = lead.bits;
        int taken = 0;
        while (lead.continuation > taken && i + 1 + static_cast<std::size_t>(taken) < text.size()) {
            const auto byte = static_cast<unsigned char>(text[i + 1 + static_cast<std::size_t>(taken)]);
            if ((byte & 0xC0) != 0x80) break;
            c = (c << 6) | (byte & 0x3F);
            ++taken;
        }
        const bool good = lead.continuation >= 0 && taken == lead.continuation && c >= lead.smallest && c <= 0x10FFFF;
        append_utf16(out, good ? c : 0xFFFD);
        i += good ? 1 + static_cast<std::size_t>(taken) : 1;
    }
    return out;
}

}  // namespace regent::rtl
