// The allocator as the hive shows it: growth in place, shrinking, free bins that go, the figure of fragmentation; and
// the limits of the format.
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

TEST(HiveSpace, CellsGrowAndShrinkWhereTheyAre) {
    Cells cells;
    Storage& storage = cells.stable();
    const CellIndex first = storage.allocate(100).value();
    const CellIndex second = storage.allocate(100).value();
    EXPECT_FALSE(storage.extend(first, 200)) << "its neighbour is in use";
    ASSERT_TRUE(storage.extend(second, 200));
    EXPECT_EQ(storage.cell(second).size(), 204U);
    storage.release(second);
    ASSERT_TRUE(storage.extend(first, 3000));
    const std::uint64_t free_before = storage.space().free_bytes;
    storage.shrink(first, 50);
    EXPECT_EQ(storage.cell(first).size(), 52U);
    EXPECT_EQ(storage.space().free_bytes, free_before + 3008 - 56);
    EXPECT_EQ(storage.space().free_cells, 1U);
    EXPECT_FALSE(storage.extend(first, page_size)) << "cells end with their bin";
    FindingList findings;
    storage.check(findings);
    EXPECT_EQ(findings.count(), 0U);
}

TEST(HiveSpace, AnUndoneEditShrinksWhatItExtended) {
    Cells cells;
    const CellIndex cell = cells.stable().allocate(100).value();
    const std::uint64_t free_before = cells.stable().space().free_bytes;
    {
        Edit edit(cells);
        ASSERT_TRUE(edit.extend(cell, 1000));
        std::fill_n(edit.change(cell, 50, 900).begin(), 900, std::byte{1});
    }
    EXPECT_EQ(cells.stable().space().free_bytes, free_before);
    EXPECT_EQ(cells.data(cell).size(), 100U);
    EXPECT_TRUE(
        std::all_of(cells.data(cell).begin(), cells.data(cell).end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(HiveSpace, AValueThatShrinksNeedsNoRoom) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex root = hive->root();
    ASSERT_TRUE(hive->set_value(root, u"v", 3, bytes_of(std::string(3000, 'a')), 1));
    const Bytes before = *hive->value_bytes(*hive->find_value(root, u"v"));
    for (const std::size_t size : {2999U, 1000U, 5U, 2000U, 3000U}) {
        const std::string data(size, 'b');
        ASSERT_TRUE(hive->set_value(root, u"v", 3, bytes_of(data), 1));
        const Bytes now = *hive->value_bytes(*hive->find_value(root, u"v"));
        EXPECT_EQ(now.data(), before.data()) << size;
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(now.data()), now.size()), data);
        expect_sound(*hive);
    }
}

TEST(HiveSpace, FreeBinsAtTheEndGo) {
    rtl::SimEnv env;
    HiveOptions options;
    options.path = "h";
    const auto file_size = [&] { return env.contents()["h"].size(); };
    auto hive = std::move(Hive::create(env, options)).value();
    const std::size_t small = file_size();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 200; ++i) {
            const CellIndex key = make_key(*hive, hive->root(), wide(std::to_string(i))).value();
            ASSERT_TRUE(hive->set_value(key, u"v", 3, bytes_of(std::string(5000, 'x')), 1));
        }
        ASSERT_TRUE(hive->reconcile());
        EXPECT_GT(file_size(), 200U * 5000);
        EXPECT_EQ(file_size(), bins_start + hive->stable_size());
        if (round == 1) {  // as mapped from the file as made here
            hive.reset();
            hive = std::move(Hive::open(env, "h", {})).value();
        }
        for (int i = 0; i < 200; ++i) {
            ASSERT_TRUE(hive->delete_key(*hive->find_subkey(hive->root(), wide(std::to_string(i)))));
        }
        expect_sound(*hive);
        ASSERT_TRUE(hive->reconcile());
        expect_sound(*hive);
        EXPECT_LE(hive->stable_size(), 4 * page_size);
        EXPECT_LE(file_size(), small + 4 * page_size);
    }
    const auto again = std::move(Hive::open(env, "h", {})).value();
    EXPECT_FALSE(again->healed());
    EXPECT_EQ(describe(*again), describe(*hive));
}

TEST(HiveSpace, TheFigureOfFragmentation) {
    auto hive = std::move(memory_hive()).value();
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(make_key(*hive, hive->root(), wide("key" + std::to_string(i))));
    EXPECT_LT(hive->space().fragmentation(), 0.1);
    for (int i = 0; i < 1000; i += 2) {
        ASSERT_TRUE(hive->delete_key(*hive->find_subkey(hive->root(), wide("key" + std::to_string(i)))));
    }
    const HiveSpace space = hive->space();
    EXPECT_GT(space.fragmentation(), 0.3);
    EXPECT_GT(space.free_cells, 400U);
    EXPECT_EQ(space.bytes, hive->stable_size());
}

}  // namespace
}  // namespace regent::hive
