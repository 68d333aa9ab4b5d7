#include "hive/name.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "rtl/upcase_table.h"

namespace regent::hive {

namespace {

constexpr std::size_t units_at_once = 8;
using Units = std::uint16_t __attribute__((vector_size(2 * units_at_once)));
using Latin = std::uint8_t __attribute__((vector_size(units_at_once)));
using HalfUnits = std::uint16_t __attribute__((vector_size(units_at_once)));
using HalfLatin = std::uint8_t __attribute__((vector_size(units_at_once / 2)));

template <typename Wide, typename Narrow>
void widen(const std::byte* from, char16_t* to) {
    Narrow narrow;
    std::memcpy(&narrow, from, sizeof(narrow));
    const Wide wide = __builtin_convertvector(narrow, Wide);
    std::memcpy(to, &wide, sizeof(wide));
}

template <typename Word>
std::uint64_t word_at(const std::byte* from) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    return word;
}

// The first min(count, 8) of the bytes as a number whose low byte is the first; zeros above them.
[[gnu::always_inline]] inline std::uint64_t bytes_at(const std::byte* from, std::size_t count) {
    if (count >= 8) return word_at<std::uint64_t>(from);
    if (count >= 4) {
        const std::uint64_t low = word_at<std::uint32_t>(from);
        return low | word_at<std::uint32_t>(from + count - 4) << (count - 4) * 8;
    }
    if (count == 0) return 0;
    return word_at<std::uint8_t>(from) | word_at<std::uint8_t>(from + count / 2) << count / 2 * 8 |
           word_at<std::uint8_t>(from + count - 1) << (count - 1) * 8;
}

constexpr std::uint64_t each_byte = 0x0101010101010101;
constexpr std::uint64_t top_bits = 0x80 * each_byte;

}  // namespace

std::size_t NameView::copy_to(char16_t* out, std::size_t capacity) const {
    const std::size_t count = size() < capacity ? size() : capacity;
    if (compressed_) {
        const std::byte* from = stored_.data();
        // Whole blocks, the last one overlapping the one before it.
        if (count >= units_at_once) {
            const std::size_t last = count - units_at_once;
            for (std::size_t i = 0; i < last; i += units_at_once) widen<Units, Latin>(from + i, out + i);
            widen<Units, Latin>(from + last, out + last);
        } else if (count >= units_at_once / 2) {
            const std::size_t last = count - units_at_once / 2;
            widen<HalfUnits, HalfLatin>(from, out);
            widen<HalfUnits, HalfLatin>(from + last, out + last);
        } else {
            for (std::size_t i = 0; i < count; ++i) out[i] = (*this)[i];
        }
    } else if (count != 0) {
        std::memcpy(out, stored_.data(), count * 2);
    }
    return count;
}

Utf16 NameView::to_utf16() const {
    Utf16 text(size(), u'\0');
    copy_to(text.data(), text.size());
    return text;
}

namespace {

// The upcase of what a compressed name can hold.
constexpr std::array<char16_t, 256> latin_upcase = [] {
    std::array<char16_t, 256> made{};
    for (std::size_t i = 0; i < made.size(); ++i) {
        made[i] = static_cast<char16_t>(static_cast<int>(i) + rtl::upcase_delta[rtl::upcase_page[0]][i]);
    }
    return made;
}();

std::uint32_t upcased(std::byte unit) { return latin_upcase[std::to_integer<std::size_t>(unit)]; }

}  // namespace

namespace {

constexpr std::uint32_t power_of_37(unsigned exponent) { return exponent == 0 ? 1 : 37 * power_of_37(exponent - 1); }

// The hash of eight ASCII units, the first of them in the lowest byte. (A zero before a name changes no hash.)
[[gnu::always_inline]] inline std::uint32_t hash_of_eight(std::uint64_t bytes) {
    // A byte's top bit says that it is at least 'a', and that it is above 'z': no sum leaves its byte.
    const std::uint64_t from_a = bytes + (0x80 - 'a') * each_byte;
    const std::uint64_t above_z = bytes + (0x80 - 'z' - 1) * each_byte;
    bytes -= (from_a & ~above_z & top_bits) >> 2;
    // Neighbours join: pairs, fours, and the eight; each sum fits its place.
    constexpr std::uint64_t even_bytes = 0x00FF00FF00FF00FF;
    constexpr std::uint64_t even_pairs = 0x0000FFFF0000FFFF;
    bytes = (bytes & even_bytes) * 37 + (bytes >> 8 & even_bytes);
    bytes = (bytes & even_pairs) * power_of_37(2) + (bytes >> 16 & even_pairs);
    return static_cast<std::uint32_t>(bytes) * power_of_37(4) + static_cast<std::uint32_t>(bytes >> 32);
}

}  // namespace

std::uint32_t NameView::hash() const {
    std::uint32_t hash = 0;
    if (!compressed_) {
        for (std::size_t i = 0; i < size(); ++i) hash = hash * 37 + rtl::upcase((*this)[i]);
        return hash;
    }
    const std::byte* from = stored_.data();
    const std::size_t first = stored_.size() % units_at_once;
    std::uint64_t all = 0;
    if (first != 0) {
        all = bytes_at(from, stored_.size()) << (units_at_once - first) * 8;  // of eight, those behind the first go
        hash = hash_of_eight(all);
    }
    for (std::size_t i = first; i < stored_.size(); i += units_at_once) {
        const std::uint64_t eight = word_at<std::uint64_t>(from + i);
        all |= eight;
        hash = hash * power_of_37(8) + hash_of_eight(eight);
    }
    if ((all & top_bits) == 0) return hash;
    hash = 0;
    for (const std::byte unit : stored_) hash = hash * 37 + upcased(unit);
    return hash;
}

namespace {

template <typename Left, typename Right>
int compare(const Left& a, const Right& b) {
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < common; ++i) {
        if (a[i] == b[i]) continue;
        const char16_t ua = rtl::upcase(a[i]);
        const char16_t ub = rtl::upcase(b[i]);
        if (ua != ub) return ua < ub ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

}  // namespace

int compare_folded(NameView a, Utf16View b) { return compare(a, b); }
int compare_folded(NameView a, NameView b) {
    if (!a.compressed() || !b.compressed()) return compare(a, b);
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t at = 0; at < common; at += units_at_once) {
        const std::uint64_t eight_a = bytes_at(a.stored().data() + at, common - at);
        std::uint64_t differences = eight_a ^ bytes_at(b.stored().data() + at, common - at);
        while (differences != 0) {
            const auto i = at + static_cast<std::size_t>(std::countr_zero(differences)) / 8;
            const std::uint32_t ua = upcased(a.stored()[i]);
            const std::uint32_t ub = upcased(b.stored()[i]);
            if (ua != ub) return ua < ub ? -1 : 1;
            differences &= ~(std::uint64_t{0xFF} << (i - at) * 8);
        }
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool NameView::contains(char unit) const {
    if (!compressed_) {
        for (std::size_t i = 0; i < size(); ++i) {
            if ((*this)[i] == static_cast<char16_t>(unit)) return true;
        }
        return false;
    }
    return stored_.size() != 0 && std::memchr(stored_.data(), unit, stored_.size()) != nullptr;
}

namespace {

bool same_upcased(char16_t a, char16_t b) {
    // What differs in ASCII in more than the bit of case differs.
    if ((a | b) < 0x80 && (a ^ b) != 0 && (a ^ b) != 0x20) return false;
    return a == b || rtl::upcase(a) == rtl::upcase(b);
}

// Eight Latin-1 units against eight UTF-16 units; only those that differ are folded.
bool same_folded(const std::byte* latin, const char16_t* units) {
    Latin narrow;
    Units given;
    std::memcpy(&narrow, latin, sizeof(narrow));
    std::memcpy(&given, units, sizeof(given));
    const Units differences = __builtin_convertvector(narrow, Units) ^ given;
    std::uint64_t halves[2];
    std::memcpy(halves, &differences, sizeof(halves));
    for (std::size_t half = 0; half < 2; ++half) {
        while (halves[half] != 0) {
            const auto at = static_cast<std::size_t>(std::countr_zero(halves[half])) / 16;
            const std::size_t i = half * 4 + at;
            if (!same_upcased(static_cast<char16_t>(std::to_integer<unsigned>(latin[i])), units[i])) return false;
            halves[half] &= ~(std::uint64_t{0xFFFF} << (at * 16));
        }
    }
    return true;
}

}  // namespace

bool equal_folded(Bytes stored, bool compressed, Utf16View b) {
    if (!compressed) {
        if (stored.size() / 2 != b.size()) return false;
        if (b.empty() || std::memcmp(stored.data(), b.data(), b.size() * 2) == 0) return true;
        return compare(NameView(stored, false), b) == 0;
    }
    if (stored.size() != b.size()) return false;
    const std::byte* latin = stored.data();
    if (b.size() < units_at_once) {
        for (std::size_t i = 0; i < b.size(); ++i) {
            if (!same_upcased(static_cast<char16_t>(std::to_integer<unsigned>(latin[i])), b[i])) return false;
        }
        return true;
    }
    // The end first, where names that begin alike differ; it overlaps the last whole block.
    const std::size_t last = b.size() - units_at_once;
    if (!same_folded(latin + last, b.data() + last)) return false;
    for (std::size_t at = 0; at < last; at += units_at_once) {
        if (!same_folded(latin + at, b.data() + at)) return false;
    }
    return true;
}

bool compressible(Utf16View name) {
    // Whole blocks, the last one overlapping the one before it.
    if (name.size() >= units_at_once) {
        Units all{};
        for (std::size_t at = 0; at < name.size(); at += units_at_once) {
            Units units;
            std::memcpy(&units, &name[std::min(at, name.size() - units_at_once)], sizeof(units));
            all |= units;
        }
        std::uint64_t halves[2];
        std::memcpy(halves, &all, sizeof(halves));
        return ((halves[0] | halves[1]) & 0xFF00FF00FF00FF00) == 0;
    }
    for (char16_t unit : name) {
        if (unit > 0xFF) return false;
    }
    return true;
}

std::size_t stored_size(Utf16View name) { return compressible(name) ? name.size() : name.size() * 2; }

void store_name(Utf16View name, MutableBytes out) {
    if (out.size() == name.size()) {
        std::size_t i = 0;
        for (; i + units_at_once <= name.size(); i += units_at_once) {
            Units units;
            std::memcpy(&units, &name[i], sizeof(units));
            const Latin narrow = __builtin_convertvector(units, Latin);
            std::memcpy(&out[i], &narrow, sizeof(narrow));
        }
        for (; i < name.size(); ++i) out[i] = static_cast<std::byte>(name[i]);
    } else {
        std::memcpy(out.data(), name.data(), name.size() * 2);
    }
}

}  // namespace regent::hive
