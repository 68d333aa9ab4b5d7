#include "hive/name.h"

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

std::uint32_t NameView::hash() const {
    std::uint32_t hash = 0;
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
int compare_folded(NameView a, NameView b) { return compare(a, b); }

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
