#include "rtl/utf16.h"

#include <gtest/gtest.h>

namespace regent::rtl {
namespace {

TEST(Upcase, FollowsTheRegistrysTable) {
    EXPECT_EQ(upcase(u'a'), u'A');
    EXPECT_EQ(upcase(u'\u00F6'), u'\u00D6');
    EXPECT_EQ(upcase(u'\u014D'), u'\u014C');
    EXPECT_EQ(upcase(u'\u0371'), u'\u0370');
    EXPECT_EQ(upcase(u'\uFF41'), u'\uFF21');
    EXPECT_EQ(upcase(u'\u00DF'), u'\u00DF');
    EXPECT_EQ(upcase(0xDC28), 0xDC28);
}

TEST(CompareFolded, OrdersByUpcasedUnitsThenLength) {
    EXPECT_EQ(compare_folded(u"Software", u"SOFTWARE"), 0);
    EXPECT_LT(compare_folded(u"ab", u"abc"), 0);
    EXPECT_GT(compare_folded(u"b", u"A"), 0);
    EXPECT_LT(compare_folded(u"Z", u"_"), 0);  // '_' sorts after 'Z' because letters are upcased first
    EXPECT_TRUE(equal_folded(u"", u""));
}

TEST(NameHash, MatchesTheLeafHashOfTheFormat) {
    EXPECT_EQ(name_hash(u"a"), 0x41u);
    EXPECT_EQ(name_hash(u"ab"), 0x41u * 37 + 0x42u);
    EXPECT_EQ(name_hash(u"AB"), name_hash(u"ab"));
}

TEST(Utf8, RoundTripsPairsAndLoneSurrogates) {
    const Utf16 text = u"x\u00E9\u20AC\U00010400";
    EXPECT_EQ(to_utf8(text), "x\xC3\xA9\xE2\x82\xAC\xF0\x90\x90\x80");
    EXPECT_EQ(from_utf8(to_utf8(text)), text);
    const Utf16 lone(1, static_cast<char16_t>(0xD801));
    EXPECT_EQ(from_utf8(to_utf8(lone)), lone);
    EXPECT_EQ(from_utf8("a\xFF"), u"a\uFFFD");
    EXPECT_EQ(from_utf8("\xC0\x80"), u"\uFFFD\uFFFD");
}

}  // namespace
}  // namespace regent::rtl
