#include "cm/notify.h"

#include "cm/registry_fixture.h"

namespace regent::cm {
namespace {

// Counts what it is told.
class Told final : public NotifyRequest {
public:
    void complete(NTSTATUS status) noexcept override {
        last = status;
        ++count;
    }
    int count = 0;
    NTSTATUS last = STATUS_PENDING;
};

class NotifyTest : public RegistryTest {
protected:
    void SetUp() override {
        RegistryTest::SetUp();
        key_ = made(u"\\Registry\\Machine\\Test\\k");
    }
    void TearDown() override {
        key_ = nullptr;
        RegistryTest::TearDown();
    }
    static Ref<Told> arm(const KeyRef& key, ULONG filter, bool tree = false) {
        auto told = rtl::make_ref<Told>();
        EXPECT_TRUE(notify_change(*key, filter, tree, told));
        return told;
    }
    KeyRef key_;
};

TEST_F(NotifyTest, one_change_tells_all_requests_of_the_handle_once) {
    const auto first = arm(key_, REG_NOTIFY_CHANGE_NAME);
    const auto second = arm(key_, 0);  // NT-4: the first filter holds
    KeyRef other;
    ASSERT_EQ(open({u"\\Registry\\Machine\\Test\\k"}, &other), STATUS_SUCCESS);
    const auto mute = arm(other, 0);
    const auto late = arm(other, REG_NOTIFY_CHANGE_NAME);  // NO-2
    made(u"\\Registry\\Machine\\Test\\k\\sub");
    made(u"\\Registry\\Machine\\Test\\k\\sub2");
    EXPECT_EQ(first->count, 1);
    EXPECT_EQ(first->last, STATUS_NOTIFY_ENUM_DIR);
    EXPECT_EQ(second->count, 1);
    EXPECT_EQ(mute->count + late->count, 0);
}

TEST_F(NotifyTest, changes_between_requests_are_remembered) {
    EXPECT_EQ(arm(key_, REG_NOTIFY_CHANGE_LAST_SET)->count, 0);
    ASSERT_TRUE(set(key_, u"v", 1));  // tells
    ASSERT_TRUE(set(key_, u"v", 2));  // remembered
    EXPECT_EQ(arm(key_, REG_NOTIFY_CHANGE_LAST_SET)->count, 1);
    EXPECT_EQ(arm(key_, REG_NOTIFY_CHANGE_LAST_SET)->count, 0);
}

TEST_F(NotifyTest, trees_and_single_keys) {
    KeyRef single;
    ASSERT_EQ(open({u"\\Registry\\Machine\\Test\\k"}, &single), STATUS_SUCCESS);
    const ULONG all = REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET;
    const auto here = arm(single, all, false);
    KeyRef machine;
    ASSERT_EQ(open({u"\\Registry\\Machine"}, &machine), STATUS_SUCCESS);
    auto above = arm(machine, all, true);
    const auto tree = arm(key_, all, true);
    const KeyRef child = made(u"\\Registry\\Machine\\Test\\k\\c");
    EXPECT_EQ(tree->count, 1);
    EXPECT_EQ(here->count, 1);
    EXPECT_EQ(above->count, 1);  // across the hive's border
    const auto tree_again = arm(key_, all, true);
    const auto here_again = arm(single, all, false);
    above = arm(machine, all, true);
    ASSERT_TRUE(set(child, u"v", 1));
    EXPECT_EQ(tree_again->count, 1);
    EXPECT_EQ(here_again->count, 0);
    EXPECT_EQ(above->count, 1);
}

TEST_F(NotifyTest, the_same_data_tells_nobody) {
    ASSERT_TRUE(set(key_, u"v", 1));
    const auto told = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    ASSERT_TRUE(set(key_, u"v", 1));
    EXPECT_EQ(told->count, 0);
    ASSERT_TRUE(delete_value(*key_, u"v"));
    EXPECT_EQ(told->count, 1);
}

TEST_F(NotifyTest, security_and_attributes) {
    const auto security = arm(key_, REG_NOTIFY_CHANGE_SECURITY);
    const auto current = query_key_security(*key_);
    ASSERT_TRUE(current);
    ASSERT_TRUE(set_key_security(*key_, DACL_SECURITY_INFORMATION, *current, *se::Token::system()));
    EXPECT_EQ(security->count, 1);
}

TEST_F(NotifyTest, deleting_the_key_ends_the_requests) {
    const auto told = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    ASSERT_TRUE(delete_key(*key_));
    EXPECT_EQ(told->last, STATUS_NOTIFY_CLEANUP);
    EXPECT_EQ(notify_change(*key_, 1, false, rtl::make_ref<Told>()).error().code(), STATUS_KEY_DELETED);
}

TEST_F(NotifyTest, closing_the_last_handle_ends_the_requests) {
    const auto one = ob::insert_handle(key_, KEY_ALL_ACCESS, 0);
    const auto two = ob::insert_handle(key_, KEY_ALL_ACCESS, 0);
    ASSERT_TRUE(one && two);
    const auto told = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    ASSERT_TRUE(ob::close_handle(*one, ob::kernel_mode));
    EXPECT_EQ(told->count, 0);
    ASSERT_TRUE(ob::close_handle(*two, ob::kernel_mode));
    EXPECT_EQ(told->last, STATUS_NOTIFY_CLEANUP);
}

TEST_F(NotifyTest, a_request_taken_back_is_not_told) {
    const auto told = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    EXPECT_TRUE(cancel_notify(*key_, *told));
    EXPECT_FALSE(cancel_notify(*key_, *told));
    ASSERT_TRUE(set(key_, u"v", 1));
    EXPECT_EQ(told->count, 0);
}

TEST_F(NotifyTest, the_end_of_a_thread_takes_its_requests) {
    const auto mine = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    const auto agnostic = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    ob::Thread& thread = *ob::current().thread;
    mine->issuer = &thread;
    const auto taken = take_notifies_of(thread);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].get(), mine.get());
    ASSERT_TRUE(set(key_, u"v", 1));
    EXPECT_EQ(mine->count, 0);
    EXPECT_EQ(agnostic->count, 1);
}

TEST_F(NotifyTest, a_forced_unload_ends_the_requests) {
    const auto told = arm(key_, REG_NOTIFY_CHANGE_LAST_SET);
    ob::ObjectAttributes target;
    target.name = u"\\Registry\\Machine\\Test";
    ASSERT_TRUE(registry().unmount_at(target, true));
    EXPECT_EQ(told->last, STATUS_NOTIFY_CLEANUP);
}

}  // namespace
}  // namespace regent::cm
