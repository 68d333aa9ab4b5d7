#include "hive/name.h"

#include <gtest/gtest.h>

#include <vector>

namespace regent::hive {
namespace {

std::vector<std::byte> stored(Utf16View name) {
    std::vector<std::byte> bytes(stored_size(name));
    store_name(name, bytes);
    return bytes;
}

// Every length around the eight units that are compared at once, and a difference at every place.
TEST(EqualFolded, agrees_with_the_order) {
    const Utf16 letters = u"aZ9\xE9\xFF_kelvin0123456789ABC";
    for (std::size_t size = 0; size <= letters.size(); ++size) {
        const Utf16 name = letters.substr(0, size);
        const auto bytes = stored(name);
        const NameView view(bytes, true);
        EXPECT_TRUE(equal_folded(view, name));
        EXPECT_TRUE(equal_folded(view, rtl::upcased(name)));
        EXPECT_FALSE(equal_folded(view, name + u"x"));
        for (std::size_t at = 0; at < size; ++at) {
            for (const char16_t unit : {u'q', u'Z', u'z', u'\xC9', u'\x178', u'\x161'}) {
                Utf16 other = name;
                other[at] = unit;
                EXPECT_EQ(equal_folded(view, other), compare_folded(view, other) == 0) << size << ' ' << at;
            }
        }
    }
}

TEST(EqualFolded, names_in_utf16_too) {
    const Utf16 name = u"na\x4E00me";
    const auto bytes = stored(name);
    const NameView view(bytes, false);
    EXPECT_TRUE(equal_folded(view, name));
    EXPECT_TRUE(equal_folded(view, u"NA\x4E00ME"));
    EXPECT_FALSE(equal_folded(view, u"na\x4E01me"));
    EXPECT_FALSE(equal_folded(view, u"na\x4E00m"));
}

// Every length around the eight units that are taken at once; letters of both cases, and what is next to them.
TEST(NarrowNames, hash_and_order_are_those_of_their_units) {
    const Utf16 units = u"a@Z[`z{\x7F Az09._-mNbQ\xE9\xFF\xB5";
    for (std::size_t size = 0; size <= units.size(); ++size) {
        for (std::size_t from = 0; from + size <= units.size(); ++from) {
            const Utf16 name = units.substr(from, size);
            const auto bytes = stored(name);
            const NameView view(bytes, true);
            EXPECT_EQ(view.hash(), rtl::name_hash(name)) << size << ' ' << from;
            EXPECT_FALSE(view.contains('\\'));
            for (std::size_t at = 0; at < size; ++at) {
                for (const char16_t unit : {u'\\', u'a', u'Z', u'[', u']', u'\xDC', u'\x5D', u'\xE9', u'\xC9'}) {
                    Utf16 other = name;
                    other[at] = unit;
                    const auto other_bytes = stored(other);
                    const NameView other_view(other_bytes, true);
                    EXPECT_EQ(other_view.hash(), rtl::name_hash(other));
                    EXPECT_EQ(other_view.contains('\\'), unit == u'\\') << size << ' ' << from << ' ' << at;
                    EXPECT_EQ(compare_folded(view, other_view), compare_folded(view, Utf16View(other)));
                    const Utf16 longer = other + u"x";
                    const auto longer_bytes = stored(longer);
                    EXPECT_EQ(compare_folded(NameView(longer_bytes, true), view),
                              compare_folded(NameView(longer_bytes, true), Utf16View(name)));
                }
            }
        }
    }
}

TEST(StoredName, is_narrow_when_every_unit_is) {
    for (std::size_t size = 0; size <= 40; ++size) {
        Utf16 name(size, u'\0');
        for (std::size_t i = 0; i < size; ++i) name[i] = static_cast<char16_t>(0xD8 + i);
        ASSERT_TRUE(compressible(name)) << size;
        const auto narrow = stored(name);
        EXPECT_EQ(NameView(narrow, true).to_utf16(), name);
        for (std::size_t at = 0; at < size; ++at) {
            for (const char16_t unit : {u'\x100', u'\x8000', u'\x4E41'}) {
                Utf16 wide = name;
                wide[at] = unit;
                ASSERT_FALSE(compressible(wide)) << size << ' ' << at;
                EXPECT_EQ(stored_size(wide), size * 2);
                const auto units = stored(wide);
                EXPECT_EQ(NameView(units, false).to_utf16(), wide);
            }
        }
    }
}

}  // namespace
}  // namespace regent::hive
