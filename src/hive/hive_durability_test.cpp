// What survives: full disks, failed syncs, single-bit damage. Crashes: tests/hives/crash_points.cpp.
#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

constexpr const char* path = "store/HIVE";

Result<std::unique_ptr<Hive>> open_hive(rtl::Env& env, FindingSink* findings = nullptr) {
    OpenOptions options;
    options.create_if_missing = true;
    options.create.time = 100;
    options.findings = findings;
    return Hive::open(env, path, options);
}

void set_text(Hive& hive, CellIndex key, const std::string& name, const std::string& data) {
    ASSERT_TRUE(hive.set_value(key, wide(name), 3, bytes_of(data), 1000));
}

std::uint32_t log_start(const rtl::DiskImage& disk, const char* suffix) {
    const auto found = disk.find(std::string(path) + suffix);
    if (found == disk.end()) return 0;
    const auto* header = rtl::record_at<BaseBlock>(bytes_of(found->second));
    return header == nullptr ? 0 : std::uint32_t{header->primary_sequence};
}

// The entry of a flush that was cut off before the primary was marked stays in its log, unseen. It carries the number
// that the next life would give to its first entry, and may stand in the other log; who then recovers must not have to
// guess which of the two counts.
TEST(HiveDurability, AFlushCutOffBeforeTheMarkIsNeverTakenForALaterOne) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "first", "in LOG1");
    ASSERT_TRUE(hive->reconcile());  // from now on LOG2
    const std::size_t clean = env.event_count();
    set_text(*hive, hive->root(), "cut", "in LOG2");
    ASSERT_TRUE(hive->flush());
    for (std::size_t events = clean; events <= env.event_count(); ++events) {
        rtl::SimEnv second(env.after_crash(events, rtl::LossModel::none, 0));
        auto again = open_hive(second).value();
        set_text(*again, again->root(), "second", "life");
        ASSERT_TRUE(again->flush());
        const rtl::DiskImage disk = second.after_crash(second.event_count(), rtl::LossModel::all, 0);
        EXPECT_NE(log_start(disk, ".LOG1"), log_start(disk, ".LOG2")) << "cut after event " << events - clean;
        rtl::SimEnv third(disk);
        const std::string flushed = describe(*again);
        EXPECT_EQ(describe(*open_hive(third).value()), flushed) << "cut after event " << events - clean;
    }
}

TEST(HiveDurability, AFlushWithNothingNewWritesNothing) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    ASSERT_TRUE(hive->flush());
    const std::size_t events = env.event_count();
    EXPECT_FALSE(hive->dirty());
    ASSERT_TRUE(hive->flush());
    EXPECT_EQ(env.event_count(), events);
    ASSERT_TRUE(hive->reconcile());
    EXPECT_TRUE(hive->reconciled());
    const std::size_t reconciled = env.event_count();
    ASSERT_TRUE(hive->reconcile());
    EXPECT_EQ(env.event_count(), reconciled);
}

TEST(HiveDurability, AFullDiskFailsTheFlushAndTheNextOneSucceeds) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {  // making, reserving, appending
        rtl::SimEnv env;
        auto hive = open_hive(env).value();
        set_text(*hive, hive->root(), "a", std::string(9000, 'a'));
        env.fail_at(at, STATUS_DISK_FULL, false);
        const auto first = hive->flush();
        EXPECT_EQ(first.has_value() ? STATUS_DISK_FULL : first.error().code(), STATUS_DISK_FULL);
        ASSERT_TRUE(hive->flush());
        hive.reset();
        rtl::SimEnv after(env.after_crash(env.event_count(), rtl::LossModel::all, 0));
        auto reopened = open_hive(after);
        ASSERT_TRUE(reopened);
        EXPECT_TRUE((*reopened)->find_value((*reopened)->root(), u"a"));
        expect_sound(**reopened);
    }
}

TEST(HiveDurability, AFailedSyncIsFinal) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    env.fail_at(4, STATUS_REGISTRY_IO_FAILED, false);  // after: link, directory sync, reserve, write
    EXPECT_EQ(hive->flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive->flush().error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive->set_value(hive->root(), u"b", 3, {}, 1).error().code(), STATUS_MEDIA_WRITE_PROTECTED);
}

TEST(HiveDurability, AHiveOpenedInMemoryChangesAndItsFileDoesNot) {
    rtl::SimEnv env;
    ASSERT_TRUE(open_hive(env));
    const rtl::DiskImage before = env.contents();
    OpenOptions options;
    options.durability = Durability::in_memory;
    auto owner = open_hive(env).value();  // no lock is in the way
    auto hive = Hive::open(env, path, options).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    EXPECT_TRUE(hive->reconcile());
    EXPECT_TRUE(hive->find_value(hive->root(), u"a"));
    EXPECT_EQ(env.contents(), before);
}

// What a crash right now, losing all that was not synced, leaves.
std::string after_the_worst_crash(const rtl::SimEnv& env) {
    rtl::SimEnv disk(env.after_crash(env.event_count(), rtl::LossModel::all, 0));
    return describe(*open_hive(disk).value());
}

TEST(HiveDurability, WhereEveryOperationIsDurableEachVerbIs) {
    rtl::SimEnv env;
    OpenOptions options;
    options.create_if_missing = true;
    options.durability = Durability::every_operation;
    auto hive = Hive::open(env, path, options).value();
    const auto expect_durable = [&](const char* verb) {
        EXPECT_FALSE(hive->dirty()) << verb;
        EXPECT_EQ(after_the_worst_crash(env), describe(*hive)) << verb;
    };
    auto key = hive->create_subkey(hive->root(), u"k", u"class", default_descriptor(), StorageType::stable, 1).value();
    expect_durable("create_subkey");
    set_text(*hive, key, "v", std::string(20000, 'v'));
    expect_durable("set_value");
    ASSERT_TRUE(hive->delete_value(key, u"v", 3));
    expect_durable("delete_value");
    const Bytes whole = default_descriptor();
    std::vector<std::byte> other(whole.begin(), whole.end());
    other.resize(other.size() + 8);
    ASSERT_TRUE(hive->set_security(key, other, 4));
    expect_durable("set_security");
    key = hive->rename_key(key, u"a much longer name than it had before", 5).value();
    expect_durable("rename_key");
    ASSERT_TRUE(hive->set_last_write_time(key, 6));
    expect_durable("set_last_write_time");
    ASSERT_TRUE(hive->set_flags(key, key_no_delete));
    expect_durable("set_flags");
    ASSERT_TRUE(hive->set_user_flags(key, 1, 2));
    expect_durable("set_user_flags");
    ASSERT_TRUE(hive->delete_key(key, 7));
    expect_durable("delete_key");

    // A verb whose sync fails tells it, and is the last one.
    env.fail_at(1, STATUS_REGISTRY_IO_FAILED, false);  // after the write of the entry
    EXPECT_EQ(hive->set_value(hive->root(), u"b", 3, {}, 1).error().code(), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(hive->set_value(hive->root(), u"c", 3, {}, 1).error().code(), STATUS_MEDIA_WRITE_PROTECTED);
}

TEST(HiveDurability, WhoFlushesHimselfEndsTheOperations) {
    rtl::SimEnv env;
    OpenOptions options;
    options.create_if_missing = true;
    options.durability = Durability::every_operation;
    auto hive = Hive::open(env, path, options).value();
    hive->flush_by_caller();
    const std::size_t events = env.event_count();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    EXPECT_EQ(env.event_count(), events);
    ASSERT_TRUE(hive->flush());
    EXPECT_EQ(after_the_worst_crash(env), describe(*hive));
}

TEST(HiveDurability, ADirtyHiveIsRecoveredInMemoryAndItsFilesStay) {
    rtl::SimEnv first;
    {
        auto hive = open_hive(first).value();
        set_text(*hive, hive->root(), "a", "aaaaaaaa");
        ASSERT_TRUE(hive->flush());  // in its log, and the primary is dirty
    }
    for (const Durability durability : {Durability::read_only, Durability::in_memory}) {
        rtl::SimEnv env(first.contents());
        OpenOptions options;
        options.durability = durability;
        auto hive = Hive::open(env, path, options).value();
        EXPECT_EQ(hive->load_state(), LoadState::recovered);
        EXPECT_TRUE(hive->find_value(hive->root(), u"a"));
        const bool changed = hive->set_value(hive->root(), u"b", 3, {}, 1).has_value();
        EXPECT_EQ(changed, durability == Durability::in_memory);
        EXPECT_TRUE(hive->reconcile());
        EXPECT_EQ(env.event_count(), 0U);
        EXPECT_EQ(env.contents(), first.contents());
    }
}

TEST(HiveDurability, AHiveIsMadeInMemoryWhereThereIsNoFile) {
    rtl::SimEnv env;
    OpenOptions options;
    options.create_if_missing = true;
    options.durability = Durability::read_only;
    EXPECT_EQ(Hive::open(env, path, options).error().code(), STATUS_OBJECT_NAME_NOT_FOUND);
    options.durability = Durability::in_memory;
    auto hive = Hive::open(env, path, options).value();
    set_text(*hive, hive->root(), "a", "aaaaaaaa");
    EXPECT_TRUE(hive->reconcile());
    EXPECT_TRUE(hive->compact());
    EXPECT_TRUE(hive->find_value(hive->root(), u"a"));
    EXPECT_TRUE(env.contents().empty());
    hive->set_read_only();
    EXPECT_EQ(hive->set_value(hive->root(), u"b", 3, {}, 1).error().code(), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_TRUE(hive->find_value(hive->root(), u"a"));
}

TEST(HiveDurability, TwoOwnersExclude) {
    rtl::SimEnv env;
    auto hive = open_hive(env).value();
    EXPECT_EQ(open_hive(env).error().code(), STATUS_SHARING_VIOLATION);
    OpenOptions options;
    options.durability = Durability::read_only;
    EXPECT_TRUE(Hive::open(env, path, options));
}

// Each bit of a small hive: no crash, no hang; what loads is sound after repair.
// --- What lies in a log behind its last entry is never taken for one, whoever wrote it.

// An entry as a recovery would take it, which puts `fill` over the first page of the bins.
std::string forged_entry(std::uint32_t sequence, std::uint32_t bins_size, char fill) {
    std::string bytes(sizeof(LogEntry) + sizeof(LogPage), '\0');
    bytes.append(page_size, fill);
    bytes.resize((bytes.size() + sector_size - 1) / sector_size * sector_size, '\0');
    const MutableBytes raw(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
    *rtl::record_at<LogPage>(raw, sizeof(LogEntry)) = {0, page_size};
    auto& entry = *rtl::record_at<LogEntry>(raw);
    entry.signature = log_entry_signature;
    entry.size = static_cast<std::uint32_t>(bytes.size());
    entry.sequence = sequence;
    entry.bins_size = bins_size;
    entry.page_count = 1;
    entry.hash_1 = marvin32(raw.subspan(sizeof(LogEntry)));
    entry.hash_2 = marvin32(raw.first(offsetof(LogEntry, hash_2)));
    return bytes;
}

// A value in the first use of LOG1, then LOG2, then one short entry in LOG1 again, in this life or in the next.
struct ReusedLog {
    rtl::SimEnv env;
    std::string content;         // what was flushed
    std::size_t value_at = 0;    // in LOG1, when it held the value
    std::uint32_t end = 0;       // of the short entry, in LOG1
    std::uint32_t sequence = 0;  // that would follow it
    std::uint32_t bins_size = 0;

    ReusedLog(const std::string& value, bool in_next_life) {
        auto hive = open_hive(env).value();
        set_text(*hive, hive->root(), "value", value);
        EXPECT_TRUE(hive->flush());
        value_at = log().find(value.substr(0, 32));
        EXPECT_TRUE(hive->reconcile());
        set_text(*hive, hive->root(), "other", "in LOG2");
        EXPECT_TRUE(hive->reconcile());
        if (in_next_life) {
            hive.reset();
            hive = open_hive(env).value();
        }
        set_text(*hive, hive->root(), "short", "in LOG1 again");
        EXPECT_TRUE(hive->flush());
        content = describe(*hive);
        const std::string now = log();
        const auto* entry = rtl::record_at<LogEntry>(bytes_of(now), sector_size);
        if (entry == nullptr || entry->signature != log_entry_signature) return;
        end = sector_size + entry->size;
        sequence = entry->sequence + 1;
        bins_size = entry->bins_size;
    }
    std::string log() const { return env.contents().at(std::string(path) + ".LOG1"); }
};

TEST(HiveDurability, AValueThatLooksLikeLogEntriesIsNeverReplayedFromAReusedLog) {
    for (const bool in_next_life : {false, true}) {
        std::string value = "a value that looks like a log entry" + std::string(16000, 'v');
        const ReusedLog plain(value, in_next_life);
        ASSERT_NE(plain.end, 0U);
        ASSERT_NE(plain.value_at, std::string::npos);
        const std::string forged = forged_entry(plain.sequence, plain.bins_size, 'Z');
        ASSERT_GT(plain.end, plain.value_at + 32);
        value.replace(plain.end - plain.value_at, forged.size(), forged);
        const ReusedLog real(value, in_next_life);
        ASSERT_EQ(real.end, plain.end);
        ASSERT_EQ(real.sequence, plain.sequence);
        rtl::SimEnv after(real.env.after_crash(real.env.event_count(), rtl::LossModel::none, 0));
        const auto recovered = open_hive(after);
        ASSERT_TRUE(recovered) << in_next_life;
        EXPECT_EQ(describe(**recovered), real.content);
    }
}

}  // namespace
}  // namespace regent::hive
