// Saving: compact, exact, stable, and bounded whatever the source says.
#include "hive/hive_save.h"

#include "hive/hive_test_support.h"
#include "hive/subkey_list.h"
#include "hive/tree_writer.h"

namespace regent::hive {
namespace {

std::string saved(const Hive& hive, CellIndex key, Format format = Format::v1_5) {
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    const auto done = hive.save_subtree(key, *file, format);
    EXPECT_TRUE(done);
    return env.contents()["out"];
}

std::unique_ptr<Hive> reopened(const std::string& image) {
    FindingList findings;
    OpenOptions options;
    options.findings = &findings;
    auto hive = Hive::open_image(bytes_of(image), options);
    EXPECT_EQ(findings.count(), 0U);
    return hive ? std::move(*hive) : nullptr;
}

void set(Hive& hive, CellIndex key, Utf16View name, std::uint32_t type, const std::string& data) {
    ASSERT_TRUE(hive.set_value(key, name, type, bytes_of(data), 7));
}

// Everything the format has: classes, both forms of names, inline and big data, two descriptors, links, holes.
std::unique_ptr<Hive> mixed_hive(Format format) {
    auto hive = std::move(memory_hive(format)).value();
    std::string other(reinterpret_cast<const char*>(default_descriptor().data()), default_descriptor().size());
    other[36] = 0x19;
    for (int i = 0; i < 1500; ++i) {
        const CellIndex key = make_key(*hive, hive->root(), wide("k" + std::to_string(i))).value();
        if (i % 3 == 0) {
            EXPECT_TRUE(hive->set_security(key, bytes_of(other), 5));
        }
        for (int v = 0; v < i % 5; ++v) set(*hive, key, wide("v" + std::to_string(v)), 3, std::string(v * 3, 'x'));
    }
    const CellIndex classed = hive->create_subkey(hive->root(), u"\u0416classed", u"\u4E2Dclass", default_descriptor(),
                                                  StorageType::stable, 9)
                                  .value();
    set(*hive, classed, u"\u0416", 1, "text");
    set(*hive, classed, u"", 4, "1234");
    for (const std::size_t size : {16344, 16345, 32688, 100000}) {
        set(*hive, classed, wide("big" + std::to_string(size)), 3, std::string(size, 'b'));
    }
    EXPECT_TRUE(hive->create_subkey(classed, u"link", {}, default_descriptor(), StorageType::stable, 9, key_sym_link));
    for (int i = 0; i < 1500; i += 4) {
        EXPECT_TRUE(hive->delete_key(*hive->find_subkey(hive->root(), wide("k" + std::to_string(i)))));
    }
    return hive;
}

TEST(HiveSave, ASaveOfASaveIsTheSameFile) {
    for (const Format format : {Format::v1_3, Format::v1_5}) {
        const auto hive = mixed_hive(Format::v1_5);
        const std::string first = saved(*hive, hive->root(), format);
        const auto copy = reopened(first);
        ASSERT_TRUE(copy);
        expect_sound(*copy);
        EXPECT_EQ(copy->root(), sizeof(BinHeader));
        EXPECT_EQ(describe(*copy), describe(*hive));
        EXPECT_TRUE(saved(*copy, copy->root(), format) == first);
    }
}

TEST(HiveSave, ChangesTheFormatOfBigDataAndOfLists) {
    const auto old = mixed_hive(Format::v1_3);
    const auto latest = reopened(saved(*old, old->root(), Format::v1_5));
    const auto back = reopened(saved(*latest, latest->root(), Format::v1_3));
    expect_sound(*latest);
    expect_sound(*back);
    EXPECT_EQ(latest->minor_version(), 5U);
    EXPECT_EQ(back->minor_version(), 3U);
    EXPECT_EQ(describe(*latest), describe(*old));
    EXPECT_EQ(describe(*back), describe(*old));
}

TEST(HiveSave, AValueTooLargeForTheFormatFailsAndLeavesNoHive) {
    auto hive = std::move(memory_hive()).value();
    set(*hive, hive->root(), u"v", 3, std::string(1024 * 1024 + 1, 'v'));
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    EXPECT_EQ(hive->save_subtree(hive->root(), *file, Format::v1_3).error().code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Hive::open(env, "out", {}).error().code(), STATUS_NOT_REGISTRY_FILE);
}

TEST(HiveSave, SplitsListsOverTheThresholdIntoLeavesOfAPage) {
    for (const auto& [children, leaves] : {std::pair(1012U, 0U), std::pair(1013U, 2U), std::pair(1522U, 4U)}) {
        auto hive = std::move(memory_hive()).value();
        for (std::uint32_t i = 0; i < children; ++i) {
            ASSERT_TRUE(make_key(*hive, hive->root(), wide(std::to_string(i))));
        }
        const std::string image = saved(*hive, hive->root());
        const auto copy = reopened(image);
        expect_sound(*copy);
        EXPECT_EQ(copy->key_info(copy->root()).subkey_count, children);
        const Bytes bins = bytes_of(image).subspan(bins_start);
        const auto* root = rtl::record_at<KeyNode>(bins, copy->root() + 4);
        const auto* list = rtl::record_at<ListHeader>(bins, root->subkey_list[0] + 4);
        EXPECT_EQ(list->signature, leaves == 0 ? lh_signature : ri_signature);
        EXPECT_EQ(list->count, leaves == 0 ? children : leaves);
    }
}

// 96 bytes a node, 3 * (40 + 48) a value with its data, 16 a value list, 8 a list element; and the bins' headers.
TEST(HiveSave, TakesAtMostAFiftiethMoreThanTheFormatNeeds) {
    constexpr std::uint32_t keys = 3000;
    auto hive = std::move(memory_hive()).value();
    for (std::uint32_t i = 0; i < keys; ++i) {
        const CellIndex key = make_key(*hive, hive->root(), wide("name" + std::to_string(10000000 + i))).value();
        for (const char16_t* name : {u"ValueNumber0", u"ValueNumber1", u"ValueNumber2"}) {
            set(*hive, key, name, 3, std::string(40, 'd'));
        }
    }
    const std::size_t cells = keys * (96 + 3 * (40 + 48) + 16 + 8);
    const std::size_t least = cells / (page_size - sizeof(BinHeader)) * page_size;
    EXPECT_LE(saved(*hive, hive->root()).size(), least * 102 / 100 + 2 * page_size);
}

// Data of more than half a bin leaves room that what follows has to take: a bin each would be two fifths too much.
TEST(HiveSave, FillsWhatLargeCellsLeaveOfTheirBins) {
    constexpr std::uint32_t keys = 300;
    auto hive = std::move(memory_hive()).value();
    for (std::uint32_t i = 0; i < keys; ++i) {
        const CellIndex key = make_key(*hive, hive->root(), wide("name" + std::to_string(10000000 + i))).value();
        set(*hive, key, u"large", 3, std::string(2500, 'd'));
        for (int v = 0; v < 20; ++v) set(*hive, key, wide("s" + std::to_string(10 + v)), 3, std::string(60, 's'));
    }
    const std::size_t cells = keys * (96 + 2504 + 32 + 20 * (64 + 32) + 88 + 8);
    const std::size_t least = cells / (page_size - sizeof(BinHeader)) * page_size;
    const std::string image = saved(*hive, hive->root());
    EXPECT_LE(image.size(), least * 102 / 100 + 2 * page_size);
    const auto copy = reopened(image);
    ASSERT_TRUE(copy);
    expect_sound(*copy);
    EXPECT_EQ(describe(*copy), describe(*hive));
}

TEST(HiveSave, AKeyCellThatIsReachedTwiceEndsTheSave) {
    HiveImpl impl;
    ASSERT_TRUE(format_hive(impl, {}));
    Edit edit(impl.cells);
    const NewKey child = {impl.root, impl.node(impl.root).security, u"child", {}, 1, 0};
    const CellIndex key = new_key_node(edit, StorageType::stable, child).value();
    const CellIndex list = insert_into_list(edit, nil_cell, ListPlace(), key, StorageType::stable).value();
    for (const CellIndex node : {impl.root, key}) {  // the child is its own child
        edit.change_record<KeyNode>(node).subkey_count[0] = 1;
        edit.change_record<KeyNode>(node).subkey_list[0] = list;
    }
    edit.commit();
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    TreeWriter writer(impl.cells, 5, *file);
    ASSERT_TRUE(writer.begin(impl.root));
    EXPECT_EQ(writer.step(10).error().code(), STATUS_REGISTRY_CORRUPT);
}

// A change between two steps is in the copy whole; a hive that changes all the time is saved all the same.
TEST(HiveSave, AHiveThatChangesBetweenStepsIsSavedAsItIsInTheEnd) {
    auto hive = mixed_hive(Format::v1_5);
    for (int i = 0; i < 5000; ++i) {
        ASSERT_TRUE(make_key(*hive, hive->root(), wide("more" + std::to_string(i))));
    }
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    HiveSave save(*file, Format::v1_5);
    int steps = 0;
    for (;; ++steps) {
        const bool done = save.step(*hive, hive->root()).value();
        if (done) break;
        set(*hive, hive->root(), u"step", 4, std::to_string(1000 + steps));
    }
    EXPECT_EQ(steps, 2);  // the third began anew and went through
    ASSERT_TRUE(save.finish());
    const auto copy = reopened(env.contents()["out"]);
    ASSERT_TRUE(copy);
    expect_sound(*copy);
    EXPECT_EQ(describe(*copy), describe(*hive));
}

TEST(HiveSave, AHiveThatRestsIsSavedInManySteps) {
    auto hive = mixed_hive(Format::v1_5);
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    HiveSave save(*file, Format::v1_5);
    int steps = 1;
    while (!save.step(*hive, hive->root()).value()) ++steps;
    EXPECT_EQ(steps, 2);  // 1128 keys, 1000 a step
    ASSERT_TRUE(save.finish());
    EXPECT_TRUE(env.contents()["out"] == saved(*hive, hive->root()));
}

TEST(HiveSave, AFailedWriteAnywhereLeavesNoHive) {
    const auto hive = mixed_hive(Format::v1_5);
    std::size_t failures = 0;
    for (std::size_t at = 0;; ++at) {
        rtl::SimEnv env;
        const auto file = env.open("out", rtl::OpenMode::create).value();
        ASSERT_TRUE(file->write_at(0, bytes_of(std::string(512, 'r'))));
        env.fail_at(at, STATUS_DISK_FULL, false);
        const auto done = hive->save_subtree(hive->root(), *file, Format::v1_5);
        if (done) break;
        ++failures;
        EXPECT_EQ(done.error().code(), STATUS_DISK_FULL);
        EXPECT_FALSE(Hive::open_image(bytes_of(env.contents()["out"]), {}));
    }
    EXPECT_GE(failures, 6U);
}

TEST(HiveSave, ACrashOverAnOlderHiveLeavesTheOldOneTheNewOneOrNone) {
    const auto older = mixed_hive(Format::v1_5);
    const auto newer = mixed_hive(Format::v1_5);
    ASSERT_TRUE(make_key(*newer, newer->root(), u"a").has_value());
    const std::string before = saved(*older, older->root());
    const std::string after = saved(*newer, newer->root());
    ASSERT_NE(before, after);
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, bytes_of(before)));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(env.sync_directory_of("out"));
    const std::size_t began = env.event_count();
    ASSERT_TRUE(newer->save_subtree(newer->root(), *file, Format::v1_5));
    for (std::size_t events = began; events <= env.event_count(); ++events) {
        for (const auto model : {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn,
                                 rtl::LossModel::subset, rtl::LossModel::reordered}) {
            for (std::uint64_t seed = 0; seed < 8; ++seed) {
                const std::string now = env.after_crash(events, model, seed)["out"];
                if (now == before || now == after) continue;
                EXPECT_FALSE(Hive::open_image(bytes_of(now), {})) << "after event " << events - began;
            }
        }
    }
}

}  // namespace
}  // namespace regent::hive
