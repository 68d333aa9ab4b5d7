// Live cells, deleted records and the comparison of hives.
#include <map>
#include <random>

#include "hive/deleted.h"
#include "hive/diff.h"
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

std::string joined(const std::vector<Utf16>& path) {
    std::string text;
    for (const Utf16& name : path) text += "\\" + rtl::to_utf8(name);
    return text;
}

std::string text_of(const std::vector<std::byte>& data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// What the name says, so that data can be told from garbage.
std::string data_for(const std::string& name, std::size_t size) {
    std::string data;
    while (data.size() < size) data += name + "|";
    return data.substr(0, size);
}

void set(Hive& hive, CellIndex key, const std::string& name, const std::string& data, std::uint32_t type = 3) {
    ASSERT_TRUE(hive.set_value(key, wide(name), type, bytes_of(data), 132000000000000000));
}

// Keys of our time: what is older than Windows NT is taken for no key.
CellIndex key_now(Hive& hive, CellIndex parent, Utf16View name) {
    return hive.create_subkey(parent, name, {}, default_descriptor(), StorageType::stable, 132000000000000000).value();
}

void expect_every_cell_live(const Hive& hive) {
    const Bytes bins = hive.stable_bytes();
    std::uint64_t live_bytes = 0;
    std::map<CellIndex, int> seen;
    for_each_live_cell(hive, [&](const LiveCell& cell) {
        EXPECT_EQ(++seen[cell.cell], 1) << to_string(cell.kind) << " at " << cell.cell;
        const Bytes data = cell_data(bins, cell.cell);
        EXPECT_LE(cell.used, data.size()) << to_string(cell.kind) << " at " << cell.cell;
        live_bytes += data.size() + 4;
    });
    std::uint64_t allocated = 0;
    for (std::uint32_t bin = 0; bin < bins.size();) {
        const std::uint32_t end = bin + rtl::record_at<BinHeader>(bins, bin)->size;
        for (std::uint32_t at = bin + sizeof(BinHeader); at < end;) {
            const auto size = *rtl::load<std::int32_t>(bins, at);
            if (size < 0) allocated += static_cast<std::uint32_t>(-size);
            at += static_cast<std::uint32_t>(size < 0 ? -size : size);
        }
        bin = end;
    }
    EXPECT_EQ(live_bytes, allocated);
}

TEST(LiveCells, AreAllAllocatedCellsOfAHiveOfOurs) {
    for (const Format format : {Format::v1_3, Format::v1_5}) {
        auto hive = std::move(memory_hive(format)).value();
        const CellIndex many = key_now(*hive, hive->root(), u"Many");
        for (int i = 0; i < 1500; ++i) key_now(*hive, many, wide("k" + std::to_string(i)));
        ASSERT_TRUE(hive->create_subkey(many, u"classed", u"Class", default_descriptor(), StorageType::stable, 1));
        for (const std::size_t size : {0, 3, 4, 5, 16344, 16345, 50000}) {
            set(*hive, many, std::to_string(size), std::string(size, 'x'));
        }
        expect_every_cell_live(*hive);
    }
}

struct DeletedHive {
    std::unique_ptr<Hive> hive = std::move(memory_hive()).value();
    CellIndex kept = key_now(*hive, hive->root(), u"Kept");
    DeletedHive() {
        const CellIndex a = key_now(*hive, kept, u"A");
        const CellIndex b = key_now(*hive, a, u"\u4E2D\u6587");
        set(*hive, b, "inline", "abc");
        set(*hive, b, "cell", data_for("cell", 100), 1);
        set(*hive, b, "big", data_for("big", 40000));
        set(*hive, kept, "one", data_for("one", 50));
        set(*hive, kept, "two", data_for("two", 50));
        set(*hive, kept, "three", data_for("three", 50));
        EXPECT_TRUE(hive->delete_value(kept, u"two", 0));
        EXPECT_TRUE(hive->delete_key(b));
        EXPECT_TRUE(hive->delete_key(a));
    }
};

TEST(Deleted, FindsKeysWithPathsOverDeletedParentsAndTheirValues) {
    const DeletedHive made;
    const DeletedRecords found = find_deleted(*made.hive);
    ASSERT_EQ(found.keys.size(), 2U);
    std::map<std::string, const DeletedKey*> keys;
    for (const DeletedKey& key : found.keys) {
        EXPECT_TRUE(key.rooted);
        EXPECT_EQ(key.place, Place::free_space);
        EXPECT_EQ(key.time, 132000000000000000);
        keys[joined(key.path)] = &key;
    }
    ASSERT_TRUE(keys.contains("\\Kept\\A"));
    ASSERT_TRUE(keys.contains("\\Kept\\A\\\u4E2D\u6587"));
    EXPECT_TRUE(keys["\\Kept\\A"]->values.empty());
    std::map<std::string, std::string> values;
    for (const DeletedValue& value : keys["\\Kept\\A\\\u4E2D\u6587"]->values) {
        EXPECT_EQ(value.state, DataState::whole);
        values[rtl::to_utf8(value.name)] = text_of(value.data);
    }
    EXPECT_EQ(values["inline"], "abc");
    EXPECT_EQ(values["cell"], data_for("cell", 100));
    EXPECT_EQ(values["big"], data_for("big", 40000));
    ASSERT_EQ(found.values.size(), 1U);
    EXPECT_EQ(found.values[0].value.name, u"two");
    EXPECT_EQ(text_of(found.values[0].value.data), data_for("two", 50));
}

TEST(Deleted, FindsNothingInAFreshOrACompactedHive) {
    const DeletedHive made;
    EXPECT_TRUE(find_deleted(*std::move(memory_hive()).value()).keys.empty());
    rtl::SimEnv env;
    const auto file = env.open("compact", rtl::OpenMode::create).value();
    ASSERT_TRUE(made.hive->save_subtree(made.hive->root(), *file, Format::v1_5));
    const auto copy = Hive::open(env, "compact", {}).value();
    EXPECT_TRUE(find_deleted(*copy).keys.empty());
    EXPECT_TRUE(find_deleted(*copy).values.empty());
}

// A value whose list entry was taken off the end, as writers do that leave the old entry there.
TEST(Deleted, GivesAValueToTheLiveKeyWhoseListStillNamesIt) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex key = key_now(*hive, hive->root(), u"K");
    set(*hive, key, "stays", "12345678");
    set(*hive, key, "goes", data_for("goes", 20));
    const CellIndex cell = hive->find_value(key, u"goes")->cell;
    ASSERT_TRUE(hive->delete_value(key, u"goes", 0));
    const auto* node = rtl::record_at<KeyNode>(cell_data(hive->stable_bytes(), key));
    const Bytes list = cell_data(hive->stable_bytes(), node->value_list);
    ASSERT_GE(list.size(), 8U);
    *rtl::record_at<rtl::Le32>(MutableBytes(const_cast<std::byte*>(list.data()), list.size()), 4) = cell;
    const DeletedRecords found = find_deleted(*hive);
    ASSERT_EQ(found.values.size(), 1U);
    EXPECT_EQ(found.values[0].key, key);
    EXPECT_EQ(text_of(found.values[0].value.data), data_for("goes", 20));
}

// Whatever is found after many changes was there once: no data of something else under a deleted name.
TEST(Deleted, NeverTakesOtherBytesForTheDataOfAValue) {
    std::mt19937 random(7);
    auto hive = std::move(memory_hive()).value();
    const CellIndex key = key_now(*hive, hive->root(), u"K");
    std::vector<std::string> names;
    std::size_t whole = 0;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 20; ++i) {
            names.push_back("v" + std::to_string(round) + "_" + std::to_string(i) + "_");
            set(*hive, key, names.back(), data_for(names.back(), random() % 300));
        }
        for (int i = 0; i < 15; ++i) {
            const std::size_t at = random() % names.size();
            ASSERT_TRUE(hive->delete_value(key, wide(names[at]), 0));
            names.erase(names.begin() + static_cast<std::ptrdiff_t>(at));
        }
        for (const OrphanValue& orphan : find_deleted(*hive).values) {
            if (orphan.value.state != DataState::whole) continue;
            const std::string name = rtl::to_utf8(orphan.value.name);
            EXPECT_EQ(text_of(orphan.value.data), data_for(name, orphan.value.size)) << name;
            ++whole;
        }
    }
    EXPECT_GT(whole, 100U);
}

class Lines : public DiffSink {
public:
    void report(const Difference& difference) override {
        std::string line = std::string(to_string(difference.change)) + " " + to_string(difference.aspect) + " " +
                           joined(*difference.path);
        lines.push_back(line);
    }
    std::vector<std::string> lines;
};

std::vector<std::string> differences(const Hive& a, const Hive& b, bool times = false) {
    Lines sink;
    compare(a, b, {times}, sink);
    return sink.lines;
}

std::unique_ptr<Hive> sample() {
    auto hive = std::move(memory_hive()).value();
    for (const char16_t* name : {u"a", u"b", u"c", u"d"}) {
        const CellIndex key = key_now(*hive, hive->root(), name);
        set(*hive, key, "x", "data");
        set(*hive, key_now(*hive, key, u"sub"), "big", std::string(70000, 'q'));
    }
    return hive;
}

TEST(Diff, IsSilentOverACopyWithAnotherLayout) {
    const auto hive = sample();
    rtl::SimEnv env;
    const auto file = env.open("copy", rtl::OpenMode::create).value();
    ASSERT_TRUE(hive->save_subtree(hive->root(), *file, Format::v1_3));
    const auto copy = Hive::open(env, "copy", {}).value();
    EXPECT_EQ(differences(*hive, *copy, true), std::vector<std::string>{});
}

TEST(Diff, ReportsEachKindOfDifferenceOnceAndInOrder) {
    const auto a = sample();
    const auto b = sample();
    const auto key = [&](const char16_t* name) { return *b->find_subkey(b->root(), name); };
    ASSERT_TRUE(b->set_value(key(u"a"), u"x", 3, bytes_of("Data"), 0));
    ASSERT_TRUE(b->set_value(key(u"a"), u"y", 3, bytes_of("new"), 0));
    ASSERT_TRUE(b->set_value(*b->find_subkey(key(u"a"), u"sub"), u"big", 3, bytes_of(std::string(70000, 'Q')), 0));
    ASSERT_TRUE(b->delete_key(*b->find_subkey(key(u"b"), u"sub")));
    ASSERT_TRUE(b->delete_value(key(u"b"), u"x", 0));
    ASSERT_TRUE(b->rename_key(key(u"c"), u"C", 0));
    ASSERT_TRUE(b->set_flags(key(u"C"), key_no_delete));
    ASSERT_TRUE(b->set_last_write_time(key(u"d"), 132000000000000001));
    ASSERT_TRUE(b->create_subkey(b->root(), u"aa", u"class", default_descriptor(), StorageType::stable, 1));
    const std::vector<std::string> expected = {"changed value \\a", "added value \\a",   "changed value \\a\\sub",
                                               "added key \\aa",    "removed value \\b", "removed key \\b\\sub",
                                               "changed name \\c",  "changed flags \\c"};
    EXPECT_EQ(differences(*a, *b), expected);
    std::vector<std::string> with_times = differences(*a, *b, true);
    EXPECT_EQ(std::count(with_times.begin(), with_times.end(), "changed time \\d"), 1);
    EXPECT_EQ(differences(*b, *b, true), std::vector<std::string>{});
}

TEST(Diff, SeesClassesAndDescriptors) {
    auto make = [](Utf16View class_name, const std::string& extra) {
        auto hive = std::move(memory_hive()).value();
        const Bytes usual = default_descriptor();
        std::string descriptor(reinterpret_cast<const char*>(usual.data()), usual.size());
        descriptor += extra;  // padding behind a descriptor is part of its identity
        EXPECT_TRUE(
            hive->create_subkey(hive->root(), u"k", class_name, bytes_of(descriptor), StorageType::stable, 100));
        return hive;
    };
    const std::vector<std::string> expected = {"changed class \\k", "changed security \\k"};
    EXPECT_EQ(differences(*make(u"one", ""), *make(u"two", "\1\2\3\4")), expected);
}

}  // namespace
}  // namespace regent::hive
