// A key or value name as it is stored: Latin-1 bytes ("compressed") or UTF-16LE units, in place in its cell.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "rtl/bytes.h"
#include "rtl/utf16.h"

namespace regent::hive {

// A view; lives as long as the bytes below it. Never longer than 32767 units.
class NameView {
public:
    NameView() = default;
    NameView(Bytes stored, bool compressed) : stored_(stored), compressed_(compressed) {}

    std::size_t size() const { return compressed_ ? stored_.size() : stored_.size() / 2; }  // in UTF-16 units
    std::size_t byte_size() const { return size() * 2; }                                    // as UTF-16
    bool empty() const { return size() == 0; }
    bool compressed() const { return compressed_; }
    Bytes stored() const { return stored_; }
    char16_t operator[](std::size_t i) const {
        if (compressed_) return static_cast<char16_t>(std::to_integer<unsigned>(stored_[i]));
        return static_cast<char16_t>(std::to_integer<unsigned>(stored_[2 * i]) |
                                     (std::to_integer<unsigned>(stored_[2 * i + 1]) << 8));
    }
    // Writes min(size(), capacity) units; returns how many.
    std::size_t copy_to(char16_t* out, std::size_t capacity) const;
    Utf16 to_utf16() const;
    bool contains(char unit) const;  // an ASCII character
    std::uint32_t hash() const;      // the `lh` leaf's hash

private:
    Bytes stored_;
    bool compressed_ = false;
};

// <0, 0, >0: the registry's order (upcased code units, then length).
int compare_folded(NameView a, Utf16View b);
int compare_folded(NameView a, NameView b);
// The same as compare_folded(a, b) == 0, eight units at a time where the case agrees too.
// (Its parts apart: they travel in registers, a view in memory.)
bool equal_folded(Bytes stored, bool compressed, Utf16View b);
inline bool equal_folded(NameView a, Utf16View b) { return equal_folded(a.stored(), a.compressed(), b); }

namespace detail {
template <typename Narrow, typename Wide>
[[gnu::always_inline]] inline bool same_units(const std::byte* latin, const char16_t* units) {
    Narrow narrow;
    Wide given;
    std::memcpy(&narrow, latin, sizeof(narrow));
    std::memcpy(&given, units, sizeof(given));
    std::uint64_t wide = narrow;
    wide = (wide | wide << 16) & 0x0000FFFF0000FFFF;
    wide = (wide | wide << 8) & 0x00FF00FF00FF00FF;
    return wide == given;
}
}  // namespace detail

// Whether Latin-1 bytes, as many as `units`, are these very units. Four, two and one at a time, as names are captured
// (nt/capture.cpp): a load from several stores waits for them.
[[gnu::always_inline]] inline bool same_spelling(const std::byte* latin, Utf16View units) {
    std::size_t at = 0;
    for (; at + 4 <= units.size(); at += 4) {
        if (!detail::same_units<std::uint32_t, std::uint64_t>(latin + at, units.data() + at)) return false;
    }
    if ((units.size() & 2) != 0) {
        if (!detail::same_units<std::uint16_t, std::uint32_t>(latin + at, units.data() + at)) return false;
        at += 2;
    }
    return (units.size() & 1) == 0 || detail::same_units<std::uint8_t, std::uint16_t>(latin + at, units.data() + at);
}

// True when every unit is <= 0xFF, so that the name is stored one byte a unit.
bool compressible(Utf16View name);
// How many bytes the name takes in a cell, and those bytes.
std::size_t stored_size(Utf16View name);
void store_name(Utf16View name, MutableBytes out);  // REQUIRES: out.size() == stored_size(name)

}  // namespace regent::hive
