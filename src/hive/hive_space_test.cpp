// The space of a hive: cells that grow and shrink where they are, bins at the end that go, copies that are dropped.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

std::string text(std::size_t size, char fill = 't') { return std::string(size, fill); }

void set(Hive& hive, Utf16View name, const std::string& data) {
    ASSERT_TRUE(hive.set_value(hive.root(), name, 3, bytes_of(data), 5));
}
Bytes stored(const Hive& hive, Utf16View name) { return *hive.value_bytes(*hive.find_value(hive.root(), name)); }

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "hive_space_XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

std::unique_ptr<Hive> file_hive(const std::string& path) {
    OpenOptions options;
    options.create_if_missing = true;
    options.create.time = 100;
    return std::move(Hive::open(rtl::real_env(), path, options)).value();
}

TEST(HiveSpace, DataGrowsIntoTheFreeCellBehindIt) {
    const auto hive = std::move(memory_hive()).value();
    set(*hive, u"grows", text(100));
    const std::byte* const before = stored(*hive, u"grows").data();
    for (const std::size_t size : {101U, 200U, 1000U, 2000U}) {
        set(*hive, u"grows", text(size, 'g'));
        EXPECT_EQ(stored(*hive, u"grows").size(), size);
        expect_sound(*hive);
    }
    // The vk behind the first data cell is in the way; afterwards the data is at the end and stays there.
    const std::byte* const moved = stored(*hive, u"grows").data();
    EXPECT_NE(moved, before);
    set(*hive, u"grows", text(2500, 'h'));
    EXPECT_EQ(stored(*hive, u"grows").data(), moved);
    const std::string data(reinterpret_cast<const char*>(stored(*hive, u"grows").data()), 2500);
    EXPECT_EQ(data, text(2500, 'h'));
}

TEST(HiveSpace, DataShrinksWhereItIsAndGivesTheRestBack) {
    const auto hive = std::move(memory_hive()).value();
    set(*hive, u"shrinks", text(16000));
    const std::byte* const place = stored(*hive, u"shrinks").data();
    for (const std::size_t size : {15000U, 8000U, 100U, 44U, 12U}) {
        const std::uint64_t free_before = hive->space().free_bytes;
        set(*hive, u"shrinks", text(size, 's'));
        EXPECT_EQ(stored(*hive, u"shrinks").data(), place);
        EXPECT_EQ(stored(*hive, u"shrinks").size(), size);
        EXPECT_GT(hive->space().free_bytes, free_before);
        expect_sound(*hive);
    }
}

// CVE-2022-37988 was a cell above 16 KiB, of a size that is no power of two, made smaller.
TEST(HiveSpace, ABigCellOfAnySizeShrinks) {
    const auto hive = std::move(memory_hive(Format::v1_3)).value();
    for (const std::size_t from : {16384U, 20000U, 65532U, 100001U, 262144U}) {
        for (const std::size_t to : {16383U, 9000U, 5U, 4U, 0U}) {
            set(*hive, u"v", text(from));
            set(*hive, u"v", text(to));
            EXPECT_EQ(stored(*hive, u"v").size(), to);
            expect_sound(*hive);
        }
    }
}

TEST(HiveSpace, FreeBinsAtTheEndGoAndTheFileIsCut) {
    const Folder folder;
    const std::string path = folder.file("HIVE");
    {
        const auto hive = file_hive(path);
        set(*hive, u"stays", text(100));
        set(*hive, u"goes", text(300000));
        ASSERT_TRUE(hive->reconcile());
        EXPECT_GT(std::filesystem::file_size(path), 300000U);
        ASSERT_TRUE(hive->delete_value(hive->root(), u"goes", 5));
        const Space space = hive->space();
        EXPECT_GT(space.free_tail, 290000U);
        EXPECT_EQ(hive->trim(), space.free_tail);
        EXPECT_EQ(hive->space().free_tail, 0U);
        EXPECT_EQ(hive->trim(), 0U);
        EXPECT_TRUE(hive->dirty());
        ASSERT_TRUE(hive->reconcile());
        EXPECT_EQ(std::filesystem::file_size(path), bins_start + hive->stable_size());
        EXPECT_LT(std::filesystem::file_size(path), 20000U);
        // What comes again stands on fresh pages, not on those of the file that was cut.
        set(*hive, u"again", text(200000, 'a'));
        expect_sound(*hive);
        ASSERT_TRUE(hive->reconcile());
    }
    const auto hive = file_hive(path);
    expect_sound(*hive);
    EXPECT_EQ(hive->value_info(*hive->find_value(hive->root(), u"again")).data_size, 200000U);
    EXPECT_FALSE(hive->find_value(hive->root(), u"goes"));
}

// Those that the last write-back wrote are kept, since they may well be changed again.
TEST(HiveSpace, CopiesOfPagesAreDroppedAWriteBackAfterTheFileHasThem) {
    constexpr std::uint64_t few = 4 * page_size;
    const Folder folder;
    const auto hive = file_hive(folder.file("HIVE"));
    const auto write_something_else = [&] {
        const std::int64_t same = hive->last_write_time(hive->root());
        return hive->set_last_write_time(hive->root(), same) && hive->reconcile();
    };
    for (char16_t i = 0; i < 40; ++i) set(*hive, Utf16{u'v', static_cast<char16_t>(u'A' + i)}, text(60000, 'c'));
    EXPECT_GT(hive->copied_bytes(), 2000000U);
    ASSERT_TRUE(hive->flush());
    EXPECT_GT(hive->copied_bytes(), 2000000U);  // in the log is not in the file
    ASSERT_TRUE(hive->reconcile());
    EXPECT_GT(hive->copied_bytes(), 2000000U);
    const std::string content = describe(*hive);
    ASSERT_TRUE(write_something_else());
    EXPECT_LE(hive->copied_bytes(), few);
    EXPECT_EQ(describe(*hive), content);
    expect_sound(*hive);
    // A page that is changed after it was staged is kept, whatever the write-back has written meanwhile.
    set(*hive, u"vA", text(60000, 'd'));
    ASSERT_TRUE(hive->flush());
    set(*hive, u"vA", text(60000, 'e'));
    ASSERT_TRUE(hive->write_back());
    hive->drop_copies();
    EXPECT_GT(hive->copied_bytes(), few);
    set(*hive, u"vA", text(60000, 'c'));
    EXPECT_EQ(describe(*hive), content);
    ASSERT_TRUE(hive->reconcile());
    EXPECT_GT(hive->copied_bytes(), few);
    ASSERT_TRUE(write_something_else());
    EXPECT_LE(hive->copied_bytes(), few);
    EXPECT_EQ(describe(*hive), content);
    expect_sound(*hive);
}

TEST(HiveSpace, FragmentationIsZeroInOnePieceAndHighInCrumbs) {
    const auto hive = std::move(memory_hive()).value();
    EXPECT_EQ(hive->space().fragmentation(), 0.0);
    for (int i = 0; i < 200; ++i) set(*hive, wide("v" + std::to_string(i)), text(500));
    for (int i = 0; i < 200; i += 2) {
        ASSERT_TRUE(hive->delete_value(hive->root(), wide("v" + std::to_string(i)), 5));
    }
    EXPECT_GT(hive->space().fragmentation(), 80.0);
    EXPECT_LE(hive->space().fragmentation(), 100.0);
}

// Bins are made in memory that the system cleared, but not where a longer file has been.
TEST(HiveSpace, ANewBinHoldsNothingOfWhatWasThereBefore) {
    Storage storage(StorageType::stable);
    ASSERT_TRUE(storage.grow_raw(2 * page_size));
    std::ranges::fill(storage.mutable_bytes(), std::byte{0xEE});
    storage.shrink_raw(0);
    for (const std::uint32_t size : {100U, 5000U, 5000U}) {
        const auto cell = storage.allocate(size);
        ASSERT_TRUE(cell);
        const Bytes behind = storage.bytes().subspan(*cell + Storage::room_for(size) + 2 * sizeof(std::uint32_t));
        EXPECT_TRUE(std::ranges::all_of(behind, [](std::byte b) { return b == std::byte{0}; })) << size;
    }
    FindingList findings;
    storage.check(findings);
    EXPECT_TRUE(findings.findings().empty());
}

TEST(HiveSpace, WhateverIsCutAndGivenBackJoinsAgain) {
    Storage storage(StorageType::stable);
    std::mt19937 random(1);
    std::vector<CellIndex> cells;
    const auto size = [&] { return static_cast<std::uint32_t>(random() % (random() % 8 == 0 ? 6000 : 120)); };
    for (int i = 0; i < 20000; ++i) {
        const std::size_t which = cells.empty() ? 0 : random() % cells.size();
        const std::size_t verb = cells.size() < 20 ? 0 : random() % 5;
        if (verb <= 1) {
            const auto made = storage.allocate(size());
            ASSERT_TRUE(made);
            cells.push_back(*made);
        } else if (verb == 2) {
            static_cast<void>(storage.grow(cells[which], size()));
        } else if (verb == 3) {
            storage.shrink(cells[which], size());
        } else {
            storage.release(cells[which]);
            cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(which));
        }
        if (i % 100 != 0) continue;
        static_cast<void>(storage.trim());
        FindingList findings;
        storage.check(findings);
        ASSERT_TRUE(findings.findings().empty()) << i;
    }
    for (const CellIndex cell : cells) storage.release(cell);
    const std::uint32_t all = storage.size();
    EXPECT_EQ(storage.space().free_tail, all);
    // All of it is found again, without another bin.
    const auto whole = storage.allocate(static_cast<std::uint32_t>(storage.space().largest_free) - 4);
    ASSERT_TRUE(whole);
    storage.release(*whole);
    EXPECT_EQ(storage.size(), all);
    EXPECT_EQ(storage.trim(), all);
}

}  // namespace
}  // namespace regent::hive
