// A crash at any point of a commit over two hives: it is in both or in none, also where one of them is loaded only
// later (TX-7, TR-14, TR-15, TR-16).
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "cm/transaction_fixture.h"
#include "rtl/sim_env.h"

namespace regent::cm {
namespace {

// Two hives; the journal is in the folder of the first.
struct TwoHives {
    explicit TwoHives(rtl::SimEnv& env, std::string second_file = "/b") : disk(env), second(std::move(second_file)) {
        Registry::Options options;
        options.lazy_flush_seconds = 0;
        options.commit_journal = "/journal";
        options.env = &env;
        auto started = Registry::start(options);
        if (started) registry = std::move(*started);
    }
    bool mount(const std::string& file, Utf16View where) {
        hive::OpenOptions how;
        how.create_if_missing = true;
        auto storage = hive::Hive::open(disk, file, how);
        return storage && registry->mount(where, std::move(*storage), {});
    }
    bool mount_first() { return registry && mount("/a", u"\\Registry\\Machine\\A1"); }
    bool mount_second() { return mount(second, u"\\Registry\\Machine\\B1"); }
    bool mount_both() { return mount_first() && mount_second(); }
    rtl::SimEnv& disk;
    const std::string second;
    std::unique_ptr<Registry> registry;
};

std::optional<std::uint32_t> number_of(const hive::Hive& storage, Utf16View key, Utf16View value) {
    const auto cell = storage.find_subkey(storage.root(), key);
    const auto found = cell ? storage.find_value(*cell, value) : std::nullopt;
    std::uint32_t number = 0;
    if (!found || storage.read_value(*found, 0, std::as_writable_bytes(std::span(&number, 1))) != sizeof(number))
        return std::nullopt;
    return number;
}

// What the disk says of the counter in a hive; -1 when it is not whole: its values must agree, and its key of the round
// before must be gone.
std::int64_t round_on_disk(rtl::SimEnv& disk, const std::string& file) {
    auto storage = hive::Hive::open(disk, file, {});
    if (!storage) return storage.error().code() == STATUS_OBJECT_NAME_NOT_FOUND ? 0 : -1;
    const auto first = number_of(**storage, u"k", u"first");
    const auto last = number_of(**storage, u"k", u"last");
    if (first != last) return -1;
    const std::uint32_t round = first.value_or(0);
    const bool has_own =
        (*storage)->find_subkey((*storage)->root(), u"n" + Utf16(1, char16_t('0' + round))).has_value();
    const bool has_old =
        round > 1 &&
        (*storage)->find_subkey((*storage)->root(), u"n" + Utf16(1, char16_t('0' + round - 1))).has_value();
    return (round == 0 || (has_own && !has_old)) ? std::int64_t{round} : -1;
}

void one_round(std::uint32_t round, std::uint32_t* committed) {
    const Begun in = begin(TransactionKind::durable);
    for (const Utf16View top : {Utf16View(u"\\Registry\\Machine\\A1\\"), Utf16View(u"\\Registry\\Machine\\B1\\")}) {
        KeyRef key;
        KeyRef own;
        ASSERT_EQ(open_in(in, Utf16(top) + u"k", true, &key), STATUS_SUCCESS);
        for (const Utf16View name : {Utf16View(u"first"), Utf16View(u"last")})
            ASSERT_TRUE(set_value(*key, name, REG_DWORD, rtl::as_bytes(&round, sizeof(round))));
        ASSERT_EQ(open_in(in, Utf16(top) + u"n" + Utf16(1, char16_t('0' + round)), true, &own), STATUS_SUCCESS);
        KeyRef old;
        if (round > 1 &&
            open_in(in, Utf16(top) + u"n" + Utf16(1, char16_t('0' + round - 1)), false, &old) == STATUS_SUCCESS) {
            ASSERT_TRUE(delete_key(*old));
        }
    }
    if (in.transaction->commit()) *committed = round;
}

constexpr std::uint32_t rounds = 4;

TEST(TransactionCrash, ACommitOverTwoHivesIsInBothOrInNone) {
    ob::initialize();
    rtl::SimEnv disk;
    std::vector<std::pair<std::size_t, std::uint32_t>> durable;  // events made, round that was committed by then
    {
        TwoHives system(disk);
        ASSERT_TRUE(system.mount_both());
        std::uint32_t committed = 0;
        durable.emplace_back(disk.event_count(), 0);
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            one_round(round, &committed);
            ASSERT_EQ(committed, round);
            durable.emplace_back(disk.event_count(), committed);
        }
    }
    std::size_t points = 0;
    const std::size_t first = durable.front().first;
    const std::size_t last = disk.event_count();
    for (std::size_t events = first; events <= last; ++events) {
        std::uint32_t promised = 0;
        for (const auto& [made, round] : durable) promised = events >= made ? round : promised;
        for (const auto model : {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn,
                                 rtl::LossModel::prefix, rtl::LossModel::subset, rtl::LossModel::reordered}) {
            for (std::uint64_t seed = 0; seed < 3; ++seed, ++points) {
                rtl::SimEnv after(disk.after_crash(events, model, events * 16 + seed));
                std::vector<std::string> messages;
                ASSERT_TRUE(CommitJournal::recover(after, "/journal", messages));
                const std::int64_t a = round_on_disk(after, "/a");
                const std::int64_t b = round_on_disk(after, "/b");
                ASSERT_EQ(a, b) << "torn after " << events << " events, model " << static_cast<int>(model);
                ASSERT_GE(a, std::int64_t{promised}) << "lost after " << events << " events";
            }
        }
    }
    RecordProperty("crash_points", static_cast<int>(points));
    EXPECT_GT(points, 500U);
}

// The counter of a hive as a registry that writes no file has it.
std::uint32_t round_in_memory(Utf16View key) {
    const ob::CallerScope kernel(ob::kernel_mode);
    OpenRequest request;
    request.name = key;
    request.desired = KEY_READ;
    const auto opened = open_key(request);
    if (!opened) return 0;
    const ReadKey reading(opened->body->block());
    const auto value = reading.storage().find_value(reading.cell(), u"last");
    std::uint32_t number = 0;
    if (value) reading.storage().read_value(*value, 0, std::as_writable_bytes(std::span(&number, 1)));
    return number;
}

TEST(TransactionCrash, ACommitCutShortIsFinishedInMemoryWhereNoFileIsWritten) {
    ob::initialize();
    rtl::SimEnv disk;
    std::size_t first = 0;
    {
        TwoHives system(disk);
        ASSERT_TRUE(system.mount_both());
        std::uint32_t committed = 0;
        one_round(1, &committed);
        first = disk.event_count();
        one_round(2, &committed);
        ASSERT_EQ(committed, 2U);
    }
    bool finished = false;
    for (std::size_t events = first; events <= disk.event_count(); ++events) {
        rtl::SimEnv reading(disk.after_crash(events, rtl::LossModel::none, 0));
        auto interrupted = CommitJournal::interrupted(reading, "/journal");
        ASSERT_TRUE(interrupted);
        finished |= !interrupted->empty();
        Registry::Options options;
        options.durability = hive::Durability::read_only;
        options.interrupted = std::move(*interrupted);
        auto started = Registry::start(options);
        ASSERT_TRUE(started);
        for (const auto& [file, where] :
             {std::pair("/a", u"\\Registry\\Machine\\A1"), std::pair("/b", u"\\Registry\\Machine\\B1")}) {
            hive::OpenOptions how;
            how.durability = (*started)->opening_durability();
            auto storage = hive::Hive::open(reading, file, how);
            ASSERT_TRUE(storage && (*started)->mount(where, std::move(*storage), {}));
        }
        EXPECT_EQ(round_in_memory(u"\\Registry\\Machine\\A1\\k"), round_in_memory(u"\\Registry\\Machine\\B1\\k"))
            << events;
        started->reset();
        EXPECT_EQ(reading.event_count(), 0U);
    }
    EXPECT_TRUE(finished);
}

TEST(TransactionCrash, AFullDiskRollsBackAndALaterCommitSucceeds) {
    ob::initialize();
    rtl::SimEnv disk;
    TwoHives system(disk);
    ASSERT_TRUE(system.mount_both());
    std::uint32_t committed = 0;
    one_round(1, &committed);
    ASSERT_EQ(committed, 1U);
    disk.fail_at(0, STATUS_DISK_FULL, true);  // the record itself cannot be written
    one_round(2, &committed);
    EXPECT_EQ(committed, 1U);
    disk.fail_at(static_cast<std::size_t>(-1), STATUS_DISK_FULL, false);
    one_round(3, &committed);
    EXPECT_EQ(committed, 3U);
}

// ---- a hive that is not there when the store starts again, and is loaded by hand

rtl::DiskImage only(const rtl::DiskImage& disk, bool away) {
    rtl::DiskImage some;
    for (const auto& [file, content] : disk) {
        if (file.starts_with("away/") == away) some.emplace(file, content);
    }
    return some;
}

const std::string away = "away/b";  // not in the store's folder, which is /
constexpr char left_parts[] = "/journal.left";

bool both_agree() {
    return round_in_memory(u"\\Registry\\Machine\\A1\\k") == round_in_memory(u"\\Registry\\Machine\\B1\\k");
}

// What a disk with rounds on it holds after each crash while the second hive's folder is not there: `visit` gets the
// disk with that folder back.
template <typename Visit>
void after_each_crash_without_the_second(const Visit& visit) {
    rtl::SimEnv disk;
    std::size_t first = 0;
    {
        TwoHives system(disk, away);
        ASSERT_TRUE(system.mount_both());
        std::uint32_t committed = 0;
        one_round(1, &committed);
        first = disk.event_count();
        one_round(2, &committed);
        one_round(3, &committed);
        ASSERT_EQ(committed, 3U);
    }
    for (std::size_t events = first; events <= disk.event_count(); ++events) {
        for (const auto model : {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn}) {
            const rtl::DiskImage crashed = disk.after_crash(events, model, events);
            rtl::SimEnv without(only(crashed, false));
            std::vector<std::string> messages;
            ASSERT_TRUE(CommitJournal::recover(without, "/journal", messages));
            rtl::DiskImage back = without.contents();
            back.merge(only(crashed, true));
            visit(back, events);
            if (testing::Test::HasFatalFailure()) return;
        }
    }
}

TEST(TransactionCrash, AHiveThatIsLoadedByHandLaterGetsItsPartThen) {
    ob::initialize();
    std::size_t left = 0;
    after_each_crash_without_the_second([&](const rtl::DiskImage& back, std::size_t events) {
        if (back.contains(left_parts)) ++left;
        rtl::SimEnv disk(back);
        {
            TwoHives system(disk, away);
            ASSERT_TRUE(system.mount_both()) << events;
            ASSERT_TRUE(both_agree()) << events;
        }
        EXPECT_FALSE(disk.contents().contains(left_parts)) << events;
        ASSERT_EQ(round_on_disk(disk, "/a"), round_on_disk(disk, away)) << events;
    });
    EXPECT_GT(left, 0U);
}

TEST(TransactionCrash, ACrashWhileItGetsItsPartIsOneMore) {
    ob::initialize();
    std::size_t points = 0;
    after_each_crash_without_the_second([&](const rtl::DiskImage& back, std::size_t events) {
        if (!back.contains(left_parts) || points > 150) return;
        rtl::SimEnv disk(back);
        const std::size_t begin = disk.event_count();
        {
            TwoHives system(disk, away);
            ASSERT_TRUE(system.mount_both());
        }
        for (std::size_t at = begin; at <= disk.event_count(); ++at, ++points) {
            rtl::SimEnv again(disk.after_crash(at, at % 2 == 0 ? rtl::LossModel::all : rtl::LossModel::torn, at));
            TwoHives system(again, away);
            ASSERT_TRUE(system.mount_both()) << events << ", then " << at;
            ASSERT_TRUE(both_agree()) << events << ", then " << at;
        }
    });
    EXPECT_GT(points, 50U);
}

// What is not the hive any more that the commit was made in is not loaded as if it were.
TEST(TransactionCrash, AnotherFileInItsPlaceIsNotLoaded) {
    ob::initialize();
    rtl::SimEnv disk;
    RecordedPart part{away, {}};
    part.changes.emplace_back().path = {u"gone", u"k"};
    ASSERT_TRUE(replace_record(disk, left_parts, "/journal", std::span(&part, 1)));
    TwoHives system(disk, away);
    ASSERT_TRUE(system.mount_first());
    EXPECT_FALSE(system.mount_second());
    EXPECT_TRUE(disk.contents().contains(left_parts));
    EXPECT_TRUE(system.mount("away/c", u"\\Registry\\Machine\\C1"));
}

TEST(TransactionCrash, WhatIsLeftIsForNobodyWhoMayNotReadTheJournal) {
    char folder[] = "/tmp/transaction_crash_test.XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::string journal = std::string(folder) + "/journal";
    const std::string left = journal + ".left";
    ASSERT_TRUE(rtl::real_env().open(journal, rtl::OpenMode::create_new));
    ASSERT_EQ(::chmod(journal.c_str(), 0600), 0);
    RecordedPart part{"/a", {}};
    part.changes.emplace_back().path = {u"k"};
    ASSERT_TRUE(replace_record(rtl::real_env(), left, journal, std::span(&part, 1)));
    struct stat info{};
    ASSERT_EQ(::stat(left.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    std::filesystem::remove_all(folder);
}

// The same without a crash: the disk fails, the hive is forced out and loaded again. (The other hive, whose own flush
// may have failed for good, is whole after the next start at the latest.)
TEST(TransactionCrash, AHiveForcedOutBeforeItsFlushGetsItsPartWhenItIsLoadedAgain) {
    ob::initialize();
    std::size_t held = 0;
    std::size_t went_on = 0;
    for (std::size_t failing = 0; failing < 24; ++failing) {
        rtl::SimEnv disk;
        std::uint32_t in_memory = 0;
        {
            TwoHives system(disk, away);
            ASSERT_TRUE(system.mount_both());
            std::uint32_t committed = 0;
            one_round(1, &committed);
            ASSERT_EQ(committed, 1U);
            disk.fail_at(failing, STATUS_DISK_FULL, true);
            one_round(2, &committed);
            ob::ObjectAttributes target;
            target.name = u"\\Registry\\Machine\\B1";
            held += system.registry->unmount_at(target, true) ? 0 : 1;
            disk.fail_at(static_cast<std::size_t>(-1), STATUS_DISK_FULL, false);
            ASSERT_TRUE(system.mount_second()) << failing;
            ASSERT_TRUE(both_agree()) << failing;
            one_round(3, &committed);
            went_on += committed == 3 ? 1 : 0;
            ASSERT_TRUE(both_agree()) << failing;
            in_memory = round_in_memory(u"\\Registry\\Machine\\A1\\k");
        }
        std::vector<std::string> messages;
        ASSERT_TRUE(CommitJournal::recover(disk, "/journal", messages)) << failing;
        TwoHives again(disk, away);
        ASSERT_TRUE(again.mount_both()) << failing;
        ASSERT_TRUE(both_agree()) << failing;
        EXPECT_EQ(round_in_memory(u"\\Registry\\Machine\\A1\\k"), in_memory) << failing;
    }
    EXPECT_GT(held, 0U);
    EXPECT_GT(went_on, 12U);
}

}  // namespace
}  // namespace regent::cm
