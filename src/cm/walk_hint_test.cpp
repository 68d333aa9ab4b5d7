// Opens below a key that is enumerated follow hints (KeyBody::Reading, KeyTable::find_hinted): what they may never do.
#include "cm/transaction_fixture.h"

namespace regent::cm {
namespace {

class WalkHintTest : public RegistryTest {
protected:
    void SetUp() override {
        RegistryTest::SetUp();
        top_ = made(u"\\Registry\\Machine\\Test\\top");
        for (const Utf16View name : {u"a", u"b", u"c"}) ASSERT_TRUE(set(made(below(name)), u"v", name.front()));
        root_ = ob::insert_handle(top_, KEY_ALL_ACCESS, 0).value();
        ASSERT_EQ(subkeys(top_), "a,b,c");  // from here on hints are kept
    }
    void TearDown() override {
        EXPECT_TRUE(ob::close_handle(root_, ob::kernel_mode));
        top_ = nullptr;
        RegistryTest::TearDown();
    }
    static Utf16 below(Utf16View name) { return u"\\Registry\\Machine\\Test\\top\\" + Utf16(name); }
    NTSTATUS open_below(Utf16View name, KeyRef* key = nullptr) {
        Ask ask{name};
        ask.root = root_;
        return open(ask, key);
    }
    KeyRef opened(Utf16View name) {
        KeyRef key;
        EXPECT_EQ(open_below(name, &key), STATUS_SUCCESS) << rtl::to_utf8(name);
        return key;
    }
    const KeyControlBlock* expected() const { return top_->reading.next.get(); }

    KeyRef top_;
    HANDLE root_ = nullptr;
};

TEST_F(WalkHintTest, what_was_opened_next_is_expected_next) {
    const KeyRef a = opened(u"a");
    const KeyRef b = opened(u"b");
    const KeyRef c = opened(u"c");
    EXPECT_EQ(expected(), nullptr);
    EXPECT_EQ(&opened(u"A")->block(), &a->block());
    EXPECT_EQ(expected(), &b->block());
    EXPECT_EQ(&opened(u"B")->block(), &b->block());
    EXPECT_EQ(expected(), &c->block());
    EXPECT_EQ(get(opened(u"a"), u"v"), u'a');  // not what was expected
    EXPECT_EQ(get(opened(u"c"), u"v"), u'c');
    opened(u"a");
    EXPECT_EQ(expected(), &c->block());
    EXPECT_EQ(open_below(u"b\\x"), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(open_below(u"no"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(WalkHintTest, a_new_opening_begins_where_the_last_one_began) {
    KeyRef a = opened(u"a");
    opened(u"b");
    const KeyRef again = made(u"\\Registry\\Machine\\Test\\top");
    ASSERT_EQ(subkeys(again), "a,b,c");
    ASSERT_EQ(again->reading.next.get(), &a->block());
    const HANDLE below_again = ob::insert_handle(again, KEY_ALL_ACCESS, 0).value();
    Ask ask{u"A"};
    ask.root = below_again;
    KeyRef key;
    EXPECT_EQ(open(ask, &key), STATUS_SUCCESS);
    EXPECT_EQ(&key->block(), &a->block());
    EXPECT_EQ(again->reading.next.get(), a->block().next_opened());
    EXPECT_TRUE(ob::close_handle(below_again, ob::kernel_mode));

    ASSERT_TRUE(delete_key(*a));
    const KeyRef third = made(u"\\Registry\\Machine\\Test\\top");
    ASSERT_EQ(subkeys(third), "b,c");
    const HANDLE below_third = ob::insert_handle(third, KEY_ALL_ACCESS, 0).value();
    ask.root = below_third;
    EXPECT_EQ(open(ask), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_TRUE(ob::close_handle(below_third, ob::kernel_mode));
}

TEST_F(WalkHintTest, a_key_that_went_is_not_found) {
    opened(u"a");
    KeyRef b = opened(u"b");
    ASSERT_TRUE(delete_key(*b));
    opened(u"a");
    EXPECT_EQ(expected(), &b->block());
    EXPECT_EQ(open_below(u"b"), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_TRUE(set(made(below(u"b")), u"v", 2));
    opened(u"a");
    const KeyRef anew = opened(u"b");
    EXPECT_NE(&anew->block(), &b->block());
    EXPECT_EQ(get(anew, u"v"), 2u);
}

TEST_F(WalkHintTest, a_renamed_key_is_found_by_its_new_name_only) {
    opened(u"a");
    const KeyRef b = opened(u"b");
    const KeyRef c = opened(u"c");
    ASSERT_TRUE(rename_key(*b, u"d", *se::Token::system(), ob::kernel_mode));
    opened(u"a");
    EXPECT_EQ(expected(), &b->block());
    EXPECT_EQ(open_below(u"b"), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_TRUE(rename_key(*c, u"b", *se::Token::system(), ob::kernel_mode));
    opened(u"a");
    EXPECT_EQ(&opened(u"b")->block(), &c->block());
    opened(u"a");
    EXPECT_EQ(&opened(u"d")->block(), &b->block());
}

TEST_F(WalkHintTest, a_link_is_followed) {
    const KeyRef link = made(below(u"l"), REG_OPTION_CREATE_LINK);
    ASSERT_EQ(set_link(link, below(u"c")), STATUS_SUCCESS);
    for (int i = 0; i < 3; ++i) {
        opened(u"a");
        EXPECT_EQ(get(opened(u"l"), u"v"), u'c');
    }
}

// The block of a key that only a transaction sees may get the memory that a hint still points to.
TEST_F(WalkHintTest, what_a_transaction_made_stays_hidden) {
    const KeyRef a = opened(u"a");
    KeyRef b = opened(u"b");
    const KeyControlBlock* was = &b->block();
    ASSERT_TRUE(delete_key(*b));
    b = nullptr;
    key_table().drop_all_delayed();
    const Begun in = begin();
    KeyRef hidden;
    ASSERT_EQ(open_in(in, below(u"b"), true, &hidden), STATUS_SUCCESS);
    ASSERT_EQ(&hidden->block(), was);
    opened(u"a");
    ASSERT_EQ(expected(), was);
    EXPECT_EQ(open_below(u"b"), STATUS_OBJECT_NAME_NOT_FOUND);
}

}  // namespace
}  // namespace regent::cm
