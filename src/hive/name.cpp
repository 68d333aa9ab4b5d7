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

}  // namespace

std::size_t NameView::copy_to(char16_t* out, std::size_t capacity) const {
    const std::size_t count = size() < capacity ? size() : capacity;
    if (compressed_) {
        const std::byte* from = stored_.data();
        std::size_t i = 0;
        for (; i + units_at_once <= count; i += units_at_once) {
            Latin narrow;
            std::memcpy(&narrow, from + i, sizeof(narrow));
            const Units wide = __builtin_convertvector(narrow, Units);
            std::memcpy(out + i, &wide, sizeof(wide));
        }
        for (; i < count; ++i) out[i] = (*this)[i];
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

std::uint32_t NameView::hash() const {
    std::uint32_t hash = 0;
    if (compressed_) {
        // Four units a step: one multiplication waits for the last step's instead of four.
        std::size_t i = 0;
        for (; i + 4 <= stored_.size(); i += 4) {
            const std::uint32_t four = ((upcased(stored_[i]) * 37 + upcased(stored_[i + 1])) * 37 * 37) +
                                       (upcased(stored_[i + 2]) * 37 + upcased(stored_[i + 3]));
            hash = hash * (37 * 37 * 37 * 37) + four;
        }
        for (; i < stored_.size(); ++i) hash = hash * 37 + upcased(stored_[i]);
        return hash;
    }
    for (std::size_t i = 0; i < size(); ++i) hash = hash * 37 + rtl::upcase((*this)[i]);
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
    for (std::size_t i = 0; i < common; ++i) {
        if (a.stored()[i] == b.stored()[i]) continue;
        const std::uint32_t ua = upcased(a.stored()[i]);
        const std::uint32_t ub = upcased(b.stored()[i]);
        if (ua != ub) return ua < ub ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool NameView::contains(char unit) const {
    if (compressed_) return stored_.size() != 0 && std::memchr(stored_.data(), unit, stored_.size()) != nullptr;
    for (std::size_t i = 0; i < size(); ++i) {
        if ((*this)[i] == static_cast<char16_t>(unit)) return true;
    }
    return false;
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
