#include "cm/folded_path.h"

#include <gtest/gtest.h>

#include <set>

namespace regent::cm {
namespace {

std::string folded(Utf16View text) {
    FoldedPath path;
    EXPECT_TRUE(path.append_folding(text));
    return std::string(path.view());
}

// One unit at a time, as the rule says it.
std::string folded_slowly(Utf16View text) {
    std::string bytes;
    for (const char16_t unit : text) bytes += folded({&unit, 1});
    return bytes;
}

TEST(FoldedPath, folds_ascii_at_every_length_and_place) {
    const Utf16 text = u"abcXYZ019{`@[zZaA\\Software\\Classes~\x7F";
    for (std::size_t from = 0; from <= text.size(); ++from) {
        for (std::size_t size = 0; from + size <= text.size(); ++size) {
            const Utf16View part = Utf16View(text).substr(from, size);
            EXPECT_EQ(folded(part), folded_slowly(part));
            EXPECT_EQ(folded(part), rtl::to_utf8(rtl::upcased(part)));
        }
    }
}

TEST(FoldedPath, folds_other_units_among_ascii) {
    for (std::size_t at = 0; at < 20; ++at) {
        Utf16 text = u"abcdefghijklmnopqrst";
        text[at] = u'\xE9';
        EXPECT_EQ(folded(text), folded_slowly(text)) << at;
        Utf16 upper = text;
        upper[at] = u'\xC9';
        EXPECT_EQ(folded(upper), folded(text));
    }
}

// Whatever two units are, they are told apart exactly when they differ in more than case.
TEST(FoldedPath, units_differ_as_their_upper_cases_do) {
    std::set<std::string> forms;
    std::set<char16_t> uppers;
    for (unsigned unit = 0; unit <= 0xFFFF; ++unit) {
        const auto c = static_cast<char16_t>(unit);
        forms.insert(folded({&c, 1}));
        uppers.insert(rtl::upcase(c));
    }
    EXPECT_EQ(forms.size(), uppers.size());
}

TEST(FoldedPath, says_when_there_is_no_room) {
    FoldedPath path;
    EXPECT_TRUE(path.append_folding(Utf16(max_folded_path - 3, u'a')));
    EXPECT_FALSE(path.append_folding(u"abcd"));
    EXPECT_TRUE(path.append_folding(u"\x4E00"));
    EXPECT_FALSE(path.append_separator());
    FoldedPath wide;
    EXPECT_FALSE(wide.append_folding(Utf16(max_folded_path / 2, u'\x4E00')));
}

TEST(FoldedPath, hashes_depend_on_every_byte_and_on_the_length) {
    std::set<std::uint64_t> seen;
    std::size_t inputs = 0;
    for (std::size_t size = 0; size < 100; ++size) {
        std::string text(size, 'A');
        seen.insert(hash_path(text));
        ++inputs;
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = 'B';
            seen.insert(hash_path(text));
            ++inputs;
            text[at] = 'A';
        }
    }
    EXPECT_EQ(seen.size(), inputs);
}

}  // namespace
}  // namespace regent::cm
