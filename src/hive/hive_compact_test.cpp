// Compaction in place: nothing visible changes, the file is small, and what happens beside it counts.
#include "hive/hive_compact.h"

#include <sys/stat.h>

#include <filesystem>

#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr const char* path = "store/HIVE";

std::unique_ptr<Hive> open_hive(rtl::Env& env) {
    OpenOptions options;
    options.create_if_missing = true;
    options.create.time = 100;
    return std::move(Hive::open(env, path, options)).value();
}

// Keys of every kind, most of them gone again.
void fill(Hive& hive) {
    for (int i = 0; i < 300; ++i) {
        const CellIndex key = make_key(hive, hive.root(), wide("k" + std::to_string(i))).value();
        ASSERT_TRUE(hive.set_value(key, u"v", 3, bytes_of(std::string(static_cast<std::size_t>(i) * 10, 'v')), 5));
    }
    for (int i = 0; i < 300; ++i) {
        if (i % 10 == 0) continue;
        ASSERT_TRUE(hive.delete_key(*hive.find_subkey(hive.root(), wide("k" + std::to_string(i))), 6));
    }
    const CellIndex kept = *hive.find_subkey(hive.root(), u"k10");
    ASSERT_TRUE(hive.set_value(kept, u"big", 3, bytes_of(std::string(50000, 'b')), 7));
    const CellIndex passing = make_key(hive, kept, u"passing", StorageType::volatile_).value();
    ASSERT_TRUE(hive.set_value(passing, u"v", 3, bytes_of("volatile"), 8));
    ASSERT_TRUE(make_key(hive, passing, u"deeper", StorageType::volatile_));
}

TEST(HiveCompact, NothingVisibleChangesAndTheFileIsSmall) {
    rtl::SimEnv env;
    auto hive = open_hive(env);
    fill(*hive);
    ASSERT_TRUE(hive->reconcile());
    const std::string content = describe(*hive);
    const std::uint64_t before = hive->stable_size();
    ASSERT_TRUE(hive->compact());
    EXPECT_LT(hive->stable_size(), before / 2);
    EXPECT_EQ(describe(*hive), content);
    expect_sound(*hive);
    EXPECT_EQ(env.contents().at(path).size(), bins_start + hive->stable_size());
    EXPECT_EQ(env.contents().count(std::string(path) + ".compact"), 0U);
    EXPECT_TRUE(hive->reconciled());
    EXPECT_FALSE(hive->dirty());
    // Volatile keys hang on the moved ones.
    const CellIndex kept = *hive->find_subkey(hive->root(), u"k10");
    const CellIndex passing = *hive->find_subkey(kept, u"passing");
    EXPECT_EQ(hive->parent(passing), kept);
    // And all goes on.
    mutate(*hive);
    expect_sound(*hive);
    ASSERT_TRUE(hive->flush());
    const std::string changed = describe(*hive);
    ASSERT_TRUE(hive->compact());
    EXPECT_EQ(describe(*hive), changed);
    hive.reset();
    auto again = open_hive(env);
    expect_sound(*again);
    EXPECT_EQ(again->load_state(), LoadState::clean);
    EXPECT_FALSE(again->find_subkey(*again->find_subkey(again->root(), u"k20"), u"passing"));
}

TEST(HiveCompact, WhatIsNotFlushedIsDurableWithIt) {
    rtl::SimEnv env;
    auto hive = open_hive(env);
    fill(*hive);
    ASSERT_TRUE(hive->flush());
    ASSERT_TRUE(hive->set_value(hive->root(), u"unflushed", 3, bytes_of("data"), 9));
    const FlushBatch staged = *hive->prepare_flush();
    ASSERT_TRUE(hive->set_value(hive->root(), u"later", 3, bytes_of("data"), 9));
    ASSERT_TRUE(hive->compact());
    const std::size_t events = env.event_count();
    EXPECT_TRUE(hive->commit_flush(staged));  // is durable already
    EXPECT_EQ(env.event_count(), events);
    rtl::SimEnv after(env.after_crash(events, rtl::LossModel::all, 0));
    const auto recovered = open_hive(after);
    EXPECT_TRUE(recovered->find_value(recovered->root(), u"unflushed"));
    EXPECT_TRUE(recovered->find_value(recovered->root(), u"later"));
}

TEST(HiveCompact, AChangeBetweenTheStepsBeginsItAnew) {
    rtl::SimEnv env;
    auto hive = open_hive(env);
    fill(*hive);
    HiveCompaction compaction(env);
    const auto copy = [&] {
        for (;;) {
            const auto done = compaction.step(*hive);
            ASSERT_TRUE(done);
            if (*done) break;
        }
        ASSERT_TRUE(compaction.finish());
    };
    for (const Utf16View name : {Utf16View(u"one"), Utf16View(u"two")}) {
        EXPECT_FALSE(compaction.impatient() && name == u"one");
        copy();
        ASSERT_TRUE(hive->set_value(hive->root(), name, 3, bytes_of("in between"), 9));
        const auto published = compaction.publish(*hive);
        ASSERT_TRUE(published);
        EXPECT_FALSE(*published);
    }
    EXPECT_TRUE(compaction.impatient());
    copy();
    const std::string content = describe(*hive);
    const CellIndex kept = *hive->find_subkey(hive->root(), u"k10");
    const CellIndex passing = *hive->find_subkey(kept, u"passing");
    ASSERT_TRUE(*compaction.publish(*hive));
    compaction.adopt(*hive);
    EXPECT_EQ(describe(*hive), content);
    EXPECT_EQ(compaction.moved(kept), *hive->find_subkey(hive->root(), u"k10"));
    EXPECT_EQ(compaction.moved(passing), passing);
    expect_sound(*hive);
}

TEST(HiveCompact, TheSecondOfTwoAtOnceIsRefused) {
    rtl::SimEnv env;
    auto hive = open_hive(env);
    HiveCompaction first(env);
    ASSERT_TRUE(first.step(*hive));
    EXPECT_EQ(hive->compact().error().code(), STATUS_SHARING_VIOLATION);
    EXPECT_EQ(env.contents().count(std::string(path) + ".compact"), 1U);  // the first one's
}

TEST(HiveCompact, ReadOnlyIsRefusedAndMemoryAloneIsTrimmed) {
    rtl::SimEnv env;
    open_hive(env).reset();
    OpenOptions options;
    options.durability = Durability::read_only;
    const auto reading = std::move(Hive::open(env, path, options)).value();
    EXPECT_EQ(reading->compact().error().code(), STATUS_MEDIA_WRITE_PROTECTED);
    const auto memory = std::move(memory_hive()).value();
    ASSERT_TRUE(memory->set_value(memory->root(), u"v", 3, bytes_of(std::string(100000, 'v')), 5));
    ASSERT_TRUE(memory->delete_value(memory->root(), u"v", 5));
    ASSERT_TRUE(memory->compact());
    EXPECT_LT(memory->stable_size(), 20000U);
}

TEST(HiveCompact, AHiveOfFormat13StaysOne) {
    rtl::SimEnv env;
    {
        HiveOptions create;
        create.path = path;
        create.format = Format::v1_3;
        auto hive = std::move(Hive::create(env, create)).value();
        ASSERT_TRUE(make_key(*hive, hive->root(), u"k"));
        ASSERT_TRUE(hive->reconcile());
    }
    auto hive = open_hive(env);
    ASSERT_TRUE(hive->compact());
    EXPECT_EQ(hive->minor_version(), 3U);
    hive.reset();
    EXPECT_EQ(open_hive(env)->minor_version(), 3U);
}

mode_t mode_of(const std::string& file) {
    struct stat info = {};
    EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
    return info.st_mode & 07777U;
}

// A hive whose file others must not read: what has its content beside it or takes its place must not be readable
// either.
TEST(HiveCompact, EveryFileOfAHiveIsForTheSameUsers) {
    std::string folder = testing::TempDir() + "compactXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const std::string file = folder + "/HIVE";
    HiveOptions create;
    create.path = file;
    ASSERT_TRUE(Hive::create(rtl::real_env(), create));
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    {
        auto hive = Hive::open(rtl::real_env(), file, {}).value();
        fill(*hive);
        ASSERT_TRUE(hive->flush());
        EXPECT_EQ(mode_of(file + ".LOG1"), 0600U);
        HiveCompaction compaction(rtl::real_env());
        ASSERT_TRUE(compaction.step(*hive));
        EXPECT_EQ(mode_of(file + ".compact"), 0600U);
        ASSERT_TRUE(hive->set_last_write_time(hive->root(), 9));
    }
    {
        auto hive = Hive::open(rtl::real_env(), file, {}).value();
        ASSERT_TRUE(hive->compact());
        EXPECT_EQ(mode_of(file), 0600U);
    }
    create.replace_existing = true;
    ASSERT_TRUE(Hive::create(rtl::real_env(), create));
    EXPECT_EQ(mode_of(file), 0600U);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace regent::hive
