#include "cm/folded_path.h"

#include <algorithm>
#include <cstring>

namespace regent::cm {

namespace {

using Units = std::uint16_t __attribute__((vector_size(16)));
using Bytes8 = std::uint8_t __attribute__((vector_size(8)));
constexpr std::size_t units_at_once = 8;

// Eight ASCII units, upcased; false when one of them is not ASCII.
bool fold_ascii(const char16_t* from, char* to) {
    Units units;
    std::memcpy(&units, from, sizeof(units));
    std::uint64_t halves[2];
    std::memcpy(halves, &units, sizeof(halves));
    if (((halves[0] | halves[1]) & 0xFF80FF80FF80FF80) != 0) return false;
    const Units is_lower = reinterpret_cast<Units>(units - u'a' < 26);
    units -= is_lower & 0x20;
    const Bytes8 bytes = __builtin_convertvector(units, Bytes8);
    std::memcpy(to, &bytes, sizeof(bytes));
    return true;
}

std::uint64_t load64(const char* at) {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

bool FoldedPath::append(std::string_view folded) {
    if (folded.size() > room()) return false;
    std::memcpy(bytes_ + size_, folded.data(), folded.size());
    size_ += folded.size();
    return true;
}

bool FoldedPath::append_unit(char16_t unit) {
    const char16_t folded = rtl::upcase(unit);
    if (folded < 0x80) {
        if (room() < 1) return false;
        bytes_[size_++] = static_cast<char>(folded);
        return true;
    }
    if (room() < 3) return false;
    bytes_[size_++] = static_cast<char>(0xE0 | (folded >> 12));
    bytes_[size_++] = static_cast<char>(0x80 | ((folded >> 6) & 0x3F));
    bytes_[size_++] = static_cast<char>(0x80 | (folded & 0x3F));
    return true;
}

bool FoldedPath::append_folding(Utf16View text) {
    if (text.size() > room()) return false;
    // Whole blocks of ASCII, the last one overlapping the one before it.
    std::size_t at = 0;
    while (at < text.size() && text.size() >= units_at_once) {
        const std::size_t next = std::min(at, text.size() - units_at_once);
        if (!fold_ascii(&text[next], bytes_ + size_ - (at - next))) break;
        size_ += next + units_at_once - at;
        at = next + units_at_once;
    }
    for (; at < text.size(); ++at) {
        if (!append_unit(text[at])) return false;
    }
    return true;
}

std::uint64_t hash_path(std::string_view folded) {
    constexpr std::uint64_t k0 = 0xA0761D6478BD642F, k1 = 0xE7037ED1A0B428DB, k2 = 0x8EBC6AF09C88C6E3;
    const char* at = folded.data();
    std::size_t left = folded.size();
    std::uint64_t hash = (left + 1) * k0;
    for (; left > 16; left -= 16, at += 16) hash = mix(load64(at) ^ k1, load64(at + 8) ^ hash);
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (folded.size() >= 16) {
        // The last sixteen bytes, some of them for the second time.
        low = load64(at + left - 16);
        high = load64(at + left - 8);
    } else if (left >= 8) {
        low = load64(at);
        high = load64(at + left - 8);
    } else {
        std::memcpy(&low, at, left);
    }
    return mix(k2 ^ hash, mix(low ^ k1, high ^ hash));
}

}  // namespace regent::cm
