#include "hive/name.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace regent::hive {

std::size_t NameView::copy_to(char16_t* out, std::size_t capacity) const {
    const std::size_t count = size() < capacity ? size() : capacity;
    if (compressed_) {
        for (std::size_t i = 0; i < count; ++i) out[i] = (*this)[i];
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
const std::array<char16_t, 256>& latin_upcase() {
    static const std::array<char16_t, 256> table = [] {
        std::array<char16_t, 256> made;
        for (std::size_t i = 0; i < made.size(); ++i) made[i] = rtl::upcase(static_cast<char16_t>(i));
        return made;
    }();
    return table;
}

}  // namespace

std::uint32_t NameView::hash() const {
    std::uint32_t hash = 0;
    if (compressed_) {
        const auto& table = latin_upcase();
        for (const std::byte unit : stored_) hash = hash * 37 + table[std::to_integer<std::size_t>(unit)];
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
    const auto& table = latin_upcase();
    const std::size_t common = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < common; ++i) {
        if (a.stored()[i] == b.stored()[i]) continue;
        const char16_t ua = table[std::to_integer<std::size_t>(a.stored()[i])];
        const char16_t ub = table[std::to_integer<std::size_t>(b.stored()[i])];
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

constexpr std::size_t units_at_once = 8;

// Eight Latin-1 units against eight UTF-16 units, case and all.
bool same_units(const std::byte* latin, const char16_t* units) {
    using Latin = std::uint8_t __attribute__((vector_size(units_at_once)));
    using Units = std::uint16_t __attribute__((vector_size(2 * units_at_once)));
    Latin narrow;
    std::memcpy(&narrow, latin, sizeof(narrow));
    const Units wide = __builtin_convertvector(narrow, Units);
    return std::memcmp(&wide, units, sizeof(wide)) == 0;
}

}  // namespace

bool equal_folded(NameView a, Utf16View b) {
    if (a.size() != b.size()) return false;
    if (!a.compressed()) {
        return b.empty() || std::memcmp(a.stored().data(), b.data(), b.size() * 2) == 0 || compare(a, b) == 0;
    }
    const std::byte* latin = a.stored().data();
    for (std::size_t at = 0; at < b.size();) {
        // The last eight overlap those before them.
        if (b.size() >= units_at_once) at = std::min(at, b.size() - units_at_once);
        const std::size_t count = std::min(b.size() - at, units_at_once);
        if (count < units_at_once || !same_units(latin + at, b.data() + at)) {
            for (std::size_t i = at; i < at + count; ++i) {
                const auto unit = static_cast<char16_t>(std::to_integer<unsigned>(latin[i]));
                if (unit != b[i] && rtl::upcase(unit) != rtl::upcase(b[i])) return false;
            }
        }
        at += count;
    }
    return true;
}

bool compressible(Utf16View name) {
    for (char16_t unit : name) {
        if (unit > 0xFF) return false;
    }
    return true;
}

std::size_t stored_size(Utf16View name) { return compressible(name) ? name.size() : name.size() * 2; }

void store_name(Utf16View name, MutableBytes out) {
    if (out.size() == name.size()) {
        for (std::size_t i = 0; i < name.size(); ++i) out[i] = static_cast<std::byte>(name[i]);
    } else {
        std::memcpy(out.data(), name.data(), name.size() * 2);
    }
}

}  // namespace regent::hive
