#include "cm/key_control_block.h"

#include <gtest/gtest.h>

#include <thread>

namespace regent::cm {
namespace {

class KeyTableTest : public testing::Test {
protected:
    void SetUp() override {
        auto storage = hive::Hive::create(rtl::real_env(), {});
        ASSERT_TRUE(storage);
        const hive::CellIndex cell = (*storage)->root();
        hive_ = rtl::make_ref<MountedHive>(std::move(*storage), u"\\REGISTRY", MountOptions{});
        root_ = rtl::make_ref<KeyControlBlock>(table_, hive_, nullptr, u"REGISTRY", cell, std::uint16_t{0});
    }
    Ref<KeyControlBlock> ensure(KeyControlBlock& parent, Utf16View name) {
        return table_.ensure(parent, name, *hive_, 0x20, 0);
    }

    KeyTable table_;
    Ref<MountedHive> hive_;
    Ref<KeyControlBlock> root_;
};

TEST_F(KeyTableTest, one_block_for_one_key_in_any_case) {
    const auto a = ensure(*root_, u"Software");
    EXPECT_EQ(ensure(*root_, u"SOFTWARE").get(), a.get());
    EXPECT_EQ(table_.find(*root_, u"software").get(), a.get());
    EXPECT_EQ(table_.find(*a, u"software").get(), nullptr);
    EXPECT_EQ(table_.size(), 1u);
}

TEST_F(KeyTableTest, the_last_reference_takes_the_block_out) {
    {
        const auto b = ensure(*ensure(*root_, u"a"), u"b");
        EXPECT_EQ(table_.size(), 2u);
        EXPECT_EQ(rtl::to_utf8(b->path()), "\\REGISTRY\\a\\b");
    }
    EXPECT_EQ(table_.size(), 0u);
}

TEST_F(KeyTableTest, the_path_is_written_whole_or_not_at_all) {
    const auto a = ensure(*root_, u"abc");
    char16_t buffer[13];
    EXPECT_EQ(a->copy_path(std::span(buffer).first(12)), 13u);
    EXPECT_EQ(a->copy_path(buffer), 13u);
    EXPECT_EQ(Utf16View(buffer, 13), u"\\REGISTRY\\abc");
}

TEST_F(KeyTableTest, rename_moves_the_subtree_and_remembers_names) {
    const auto a = ensure(*root_, u"a");
    const auto b = ensure(*a, u"b");
    const auto c = ensure(*b, u"c");
    const auto other = ensure(*root_, u"other");
    const Utf16View before = b->name();
    b->renamed_locked(u"renamed", 0x40);
    EXPECT_EQ(before, u"b");  // a reader's view outlives the rename
    EXPECT_EQ(table_.find(*a, u"RENAMED").get(), b.get());
    EXPECT_EQ(table_.find(*a, u"b").get(), nullptr);
    EXPECT_EQ(table_.find(*b, u"C").get(), c.get());
    EXPECT_EQ(table_.find(*root_, u"other").get(), other.get());
    EXPECT_EQ(b->cell(), 0x40u);
    b->renamed_locked(u"b", 0x20);
    EXPECT_EQ(b->name().data(), before.data());
    EXPECT_EQ(table_.size(), 4u);
}

TEST_F(KeyTableTest, a_deleted_block_leaves_its_name_to_the_next) {
    const auto a = ensure(*root_, u"a");
    a->mark_deleted_locked();
    EXPECT_EQ(a->check_alive().error().code(), STATUS_KEY_DELETED);
    const auto again = ensure(*root_, u"a");
    EXPECT_NE(again.get(), a.get());
    EXPECT_NE(again->id(), a->id());
}

TEST_F(KeyTableTest, delayed_close_keeps_a_bounded_number) {
    for (int i = 0; i < 20'000; ++i) {
        const std::string digits = std::to_string(i);
        table_.delay_close(ensure(*root_, Utf16(digits.begin(), digits.end())));
    }
    EXPECT_GT(table_.size(), 1000u);
    EXPECT_LE(table_.size(), 64u * 64u);
    table_.drop_delayed(*hive_);
    EXPECT_EQ(table_.size(), 0u);
}

TEST_F(KeyTableTest, threads_open_close_and_rename_one_subtree) {
    const auto top = ensure(*root_, u"top");
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            while (!stop.load()) {
                SharedGuard guard(hive_->lock());
                const auto child = ensure(*top, u"child");
                const auto grandchild = ensure(*child, u"x");
                char16_t path[64];
                EXPECT_NE(grandchild->copy_path(path), 0u);
                table_.delay_close(grandchild);
            }
        });
    }
    for (int i = 0; i < 500; ++i) {
        ExclusiveGuard guard(hive_->lock());
        top->renamed_locked(i % 2 == 0 ? u"one" : u"top", 0x20);
    }
    stop.store(true);
    for (auto& thread : threads) thread.join();
    table_.drop_all_delayed();
    EXPECT_EQ(table_.size(), 1u);
}

}  // namespace
}  // namespace regent::cm
