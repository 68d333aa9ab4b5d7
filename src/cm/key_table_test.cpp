#include "cm/key_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace regent::cm {
namespace {

class KeyTableTest : public testing::Test {
protected:
    static constexpr std::size_t small_budget = 64 * 64 * 256;

    void SetUp() override {
        auto storage = hive::Hive::create(rtl::real_env(), {});
        ASSERT_TRUE(storage);
        const hive::CellIndex cell = (*storage)->root();
        hive_ = rtl::make_ref<MountedHive>(std::move(*storage), u"\\REGISTRY", MountOptions{});
        root_ = table_.make_root(hive_, u"REGISTRY", cell);
    }
    Ref<KeyControlBlock> ensure(KeyControlBlock& parent, Utf16View name) {
        return table_.ensure(parent, name, *hive_, 0x20, 0);
    }

    KeyTable table_{small_budget};
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

TEST_F(KeyTableTest, the_whole_path_finds_the_block_without_a_lock) {
    const auto a = ensure(*root_, u"Software");
    const auto b = ensure(*a,
                          u"Gr\xFC\xDF"
                          u"e");
    FoldedPath path;
    ASSERT_TRUE(
        path.append_folding(u"\\Registry\\SOFTWARE\\gr\xDC\xDF"
                            u"E"));
    EXPECT_EQ(table_.find_path(path.view()).get(), b.get());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\SOFTWARE").get(), a.get());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\SOFTWAR").get(), nullptr);
    EXPECT_EQ(table_.find_path("\\REGISTRY\\SOFTWARE\\").get(), nullptr);
    EXPECT_EQ(table_.find_path("").get(), nullptr);
}

TEST_F(KeyTableTest, paths_too_long_to_be_looked_up_whole_are_walked) {
    auto at = root_;
    const Utf16 name(200, u'n');
    for (int i = 0; i < 4; ++i) at = ensure(*at, name);
    EXPECT_TRUE(at->folded_path().empty());
    EXPECT_EQ(ensure(*at->parent(), name).get(), at.get());
    EXPECT_EQ(table_.find(*at->parent(), Utf16(200, u'N')).get(), at.get());
    EXPECT_EQ(at->path().size(), 9u + 4 * 201);
}

TEST_F(KeyTableTest, the_last_reference_takes_the_block_out) {
    {
        const auto b = ensure(*ensure(*root_, u"a"), u"b");
        EXPECT_EQ(table_.size(), 2u);
        EXPECT_EQ(rtl::to_utf8(b->path()), "\\REGISTRY\\a\\b");
    }
    EXPECT_EQ(table_.size(), 0u);
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A").get(), nullptr);
}

// Enough to make the arrays of slots grow, and then to leave holes in every run of them.
TEST_F(KeyTableTest, what_stays_is_found_when_its_neighbours_go) {
    std::vector<Ref<KeyControlBlock>> blocks;
    std::vector<std::string> paths;
    for (int i = 0; i < 20'000; ++i) {
        const std::string digits = std::to_string(i);
        blocks.push_back(ensure(*root_, Utf16(digits.begin(), digits.end())));
        paths.push_back("\\REGISTRY\\" + digits);
    }
    EXPECT_EQ(table_.size(), blocks.size());
    for (std::size_t i = 0; i < blocks.size(); i += 3) blocks[i] = nullptr;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const bool gone = i % 3 == 0;
        ASSERT_EQ(table_.find_path(paths[i]).get(), blocks[i].get()) << i;
        ASSERT_EQ(table_.find(*root_, Utf16(paths[i].begin() + 10, paths[i].end())).get(), blocks[i].get());
        ASSERT_EQ(blocks[i].get() == nullptr, gone);
    }
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
    const std::uint64_t moves = table_.moves();
    b->renamed_locked(u"renamed", 0x40);
    EXPECT_NE(table_.moves(), moves);
    EXPECT_EQ(table_.moves() % 2, 0u);
    EXPECT_EQ(before, u"b");  // a reader's view outlives the rename
    EXPECT_EQ(table_.find(*a, u"RENAMED").get(), b.get());
    EXPECT_EQ(table_.find(*a, u"b").get(), nullptr);
    EXPECT_EQ(table_.find(*b, u"C").get(), c.get());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A\\RENAMED\\C").get(), c.get());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A\\B\\C").get(), nullptr);
    EXPECT_EQ(table_.find(*root_, u"other").get(), other.get());
    EXPECT_EQ(b->cell(), 0x40u);
    b->renamed_locked(u"b", 0x20);
    EXPECT_EQ(b->name().data(), before.data());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A\\B\\C").get(), c.get());
    EXPECT_EQ(table_.size(), 4u);
}

TEST_F(KeyTableTest, a_deleted_block_leaves_its_name_to_the_next) {
    const auto a = ensure(*root_, u"a");
    a->mark_deleted_locked();
    EXPECT_EQ(a->check_alive().error().code(), STATUS_KEY_DELETED);
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A").get(), nullptr);
    const auto again = ensure(*root_, u"a");
    EXPECT_NE(again.get(), a.get());
    EXPECT_NE(again->id(), a->id());
    EXPECT_EQ(table_.find_path("\\REGISTRY\\A").get(), again.get());
}

TEST_F(KeyTableTest, delayed_close_keeps_a_bounded_number) {
    const std::string hot = "\\REGISTRY\\HOT";
    table_.delay_close(*ensure(*root_, u"hot"));
    for (int i = 0; i < 20'000; ++i) {
        const std::string digits = std::to_string(i);
        table_.delay_close(*ensure(*root_, Utf16(digits.begin(), digits.end())));
        ASSERT_TRUE(table_.find_path(hot)) << i;  // what is used goes last
    }
    EXPECT_GT(table_.size(), 1000u);
    EXPECT_LE(table_.size(), small_budget / 192);
    table_.drop_delayed(*hive_);
    EXPECT_EQ(table_.size(), 0u);
}

TEST_F(KeyTableTest, delayed_close_keeps_no_more_than_it_may) {
    KeyTable table;
    const auto root = table.make_root(hive_, u"REGISTRY", 0x20);
    const auto close = [&](int number) {
        const std::string digits = std::to_string(number);
        table.delay_close(*table.ensure(*root, Utf16(digits.begin(), digits.end()), *hive_, 0x20, 0));
    };
    table.limit_delayed(640);
    for (int i = 0; i < 20'000; ++i) close(i);
    EXPECT_LE(table.size(), 640u);
    EXPECT_GT(table.size(), 500u);
    table.limit_delayed(65);  // rounded up to as many in each shard
    for (int i = 20'000; i < 24'000; ++i) close(i);
    EXPECT_LE(table.size(), 128u);
    table.limit_delayed(0);
    for (int i = 24'000; i < 28'000; ++i) close(i);
    EXPECT_EQ(table.size(), 0u);
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
                table_.delay_close(*grandchild);
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

// Blocks come and go in the same few cells of memory while others probe for them without a lock: whatever a probe
// answers has the path that was asked for.
TEST_F(KeyTableTest, probes_meet_only_what_they_asked_for) {
    std::atomic<bool> stop{false};
    std::atomic<unsigned> found{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            while (!stop.load()) {
                for (const std::string_view path : {"\\REGISTRY\\AA", "\\REGISTRY\\BB", "\\REGISTRY\\AA\\CC"}) {
                    const auto block = table_.find_path(path);
                    if (!block) continue;
                    ASSERT_EQ(rtl::to_utf8(rtl::upcased(block->path())), path);
                    ++found;
                }
            }
        });
    }
    for (int i = 0; i < 20'000; ++i) {
        const auto a = ensure(*root_, i % 2 == 0 ? u"aa" : u"bb");
        const auto b = ensure(*a, u"cc");
    }
    while (found.load() == 0) {
        const auto a = ensure(*root_, u"aa");
        std::this_thread::yield();
    }
    stop.store(true);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(table_.size(), 0u);
}

}  // namespace
}  // namespace regent::cm
