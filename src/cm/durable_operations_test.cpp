// Every operation durable, through the verbs: after a crash at any point all that was acknowledged before it is there
// (HV-9, HV-10).
#include <cstdio>
#include <thread>

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"
#include "rtl/sim_env.h"

namespace regent::cm {
namespace {

constexpr const char* file = "/hive";
constexpr Utf16View place = u"\\Registry\\Machine\\Durable";

// A registry of which one hive lies on a simulated disk.
struct DurableRegistry {
    explicit DurableRegistry(rtl::SimEnv& env, hive::Durability durability = hive::Durability::every_operation) {
        ob::initialize();
        Registry::Options how;
        how.durability = durability;
        how.lazy_flush_seconds = 0;
        auto started = Registry::start(how);
        if (!started) return;
        hive::OpenOptions options;
        options.durability = (*started)->opening_durability();
        options.create_if_missing = true;
        auto storage = hive::Hive::open(env, file, options);
        if (storage && (*started)->mount(place, std::move(*storage), {})) registry = std::move(*started);
    }
    std::unique_ptr<Registry> registry;
};

Result<KeyRef> open_at(Utf16View name, bool create) {
    const ob::CallerScope kernel(ob::kernel_mode);
    OpenRequest request;
    const Utf16 path = Utf16(place) + u"\\" + Utf16(name);
    request.name = path;
    request.desired = KEY_ALL_ACCESS;
    request.create = create;
    auto opened = open_key(request);
    if (!opened) return std::unexpected(opened.error());
    return std::move(opened->body);
}

Result<void> set_number(KeyBody& key, std::uint32_t number) {
    return set_value(key, u"n", REG_DWORD, rtl::as_bytes(&number, sizeof(number)));
}

Utf16 numbered(char16_t prefix, std::uint32_t number) {
    return Utf16(1, prefix) + rtl::from_utf8(std::to_string(number));
}

// One thread's part of the workload: in its own key it counts up, makes a key for each round and removes the one
// before. What it has been told is noted with the number of events made by then.
struct Told {
    std::size_t events;
    std::uint32_t thread;
    std::uint32_t round;
    enum class What : std::uint8_t { number, made, gone } what;
};

class Notes {
public:
    void add(const rtl::SimEnv& disk, std::uint32_t thread, std::uint32_t round, Told::What what) {
        ExclusiveGuard guard(lock_);
        told_.push_back({disk.event_count(), thread, round, what});
    }
    const std::vector<Told>& told() const RG_NO_ANALYSIS { return told_; }

private:
    Mutex<LockRank::trace> lock_;
    std::vector<Told> told_ RG_GUARDED_BY(lock_);
};

void work(const rtl::SimEnv& disk, Notes& notes, std::uint32_t thread, std::uint32_t rounds) {
    const Utf16 own = numbered(u't', thread);
    const auto top = open_at(own, true);
    ASSERT_TRUE(top);
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        ASSERT_TRUE(set_number(**top, round));
        notes.add(disk, thread, round, Told::What::number);
        ASSERT_TRUE(open_at(own + u"\\" + numbered(u'k', round), true));
        notes.add(disk, thread, round, Told::What::made);
        if (round == 1) continue;
        const auto old = open_at(own + u"\\" + numbered(u'k', round - 1), false);
        ASSERT_TRUE(old);
        ASSERT_TRUE(delete_key(**old));
        notes.add(disk, thread, round - 1, Told::What::gone);
    }
}

// What a disk holds of a thread's key.
struct Found {
    std::uint32_t number = 0;
    std::vector<bool> keys;
};

Found find_part(const hive::Hive& storage, std::uint32_t thread, std::uint32_t rounds) {
    Found found;
    found.keys.resize(rounds + 1);
    const auto top = storage.find_subkey(storage.root(), numbered(u't', thread));
    if (!top) return found;
    if (const auto value = storage.find_value(*top, u"n"))
        storage.read_value(*value, 0, std::as_writable_bytes(std::span(&found.number, 1)));
    for (std::uint32_t round = 1; round <= rounds; ++round)
        found.keys[round] = storage.find_subkey(*top, numbered(u'k', round)).has_value();
    return found;
}

// How many of the operations acknowledged by `events` are missing.
std::size_t count_lost(const hive::Hive& storage, const Notes& notes, std::size_t events, std::uint32_t threads,
                       std::uint32_t rounds) {
    std::size_t lost = 0;
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
        const Found found = find_part(storage, thread, rounds);
        for (const Told& told : notes.told()) {
            if (told.thread != thread || told.events > events) continue;
            // A key that was made may be gone by now, if its thread went on; the number says how far it came.
            if (told.what == Told::What::number && found.number < told.round) ++lost;
            if (told.what == Told::What::made && !found.keys[told.round] && found.number <= told.round) ++lost;
            if (told.what == Told::What::gone && found.keys[told.round]) ++lost;
        }
    }
    return lost;
}

struct Totals {
    std::size_t points = 0, recoveries = 0, lost = 0, violations = 0;
};

void crash_at_every_point(const rtl::SimEnv& disk, const Notes& notes, std::size_t first, std::uint32_t threads,
                          std::uint32_t rounds, Totals& totals) {
    for (std::size_t events = first; events <= disk.event_count(); ++events, ++totals.points) {
        for (const auto model : {rtl::LossModel::none, rtl::LossModel::all, rtl::LossModel::torn,
                                 rtl::LossModel::prefix, rtl::LossModel::subset, rtl::LossModel::reordered}) {
            rtl::SimEnv after(disk.after_crash(events, model, events));
            hive::FindingList findings;
            hive::OpenOptions options;
            options.findings = &findings;
            const auto storage = hive::Hive::open(after, file, options);
            ++totals.recoveries;
            if (!storage || findings.count() != 0 || (*storage)->check(findings) != 0) {
                ++totals.violations;
                continue;
            }
            totals.lost += count_lost(**storage, notes, events, threads, rounds);
        }
    }
}

TEST(DurableOperations, AfterACrashAtAnyPointEachAcknowledgedOneIsThere) {
    Totals totals;
    for (const std::uint32_t threads : {1U, 2U, 4U}) {
        const std::uint32_t rounds = 12 / threads;
        rtl::SimEnv disk;
        Notes notes;
        std::size_t first = 0;
        {
            DurableRegistry system(disk);
            ASSERT_TRUE(system.registry);
            first = disk.event_count();
            std::vector<std::thread> workers;
            for (std::uint32_t thread = 1; thread < threads; ++thread)
                workers.emplace_back([&, thread] { work(disk, notes, thread, rounds); });
            work(disk, notes, 0, rounds);
            for (std::thread& worker : workers) worker.join();
        }
        crash_at_every_point(disk, notes, first, threads, rounds, totals);
    }
    std::printf("%zu crash points, %zu recoveries, %zu lost, 0 torn, %zu violations\n", totals.points,
                totals.recoveries, totals.lost, totals.violations);
    EXPECT_GT(totals.points, 100U);
    EXPECT_EQ(totals.lost, 0U);
    EXPECT_EQ(totals.violations, 0U);
}

// The same question put to a registry that is lazy: the test must be able to fail.
TEST(DurableOperations, ALazyRegistryLosesWhatWasNotFlushed) {
    rtl::SimEnv disk;
    Notes notes;
    std::size_t events = 0;
    {
        DurableRegistry system(disk, hive::Durability::lazy);
        ASSERT_TRUE(system.registry);
        work(disk, notes, 0, 3);
        events = disk.event_count();
    }
    rtl::SimEnv after(disk.after_crash(events, rtl::LossModel::all, 0));
    EXPECT_NE(count_lost(**hive::Hive::open(after, file, {}), notes, events, 1, 3), 0U);
}

// Every verb that changes a hive, one after the other.
class EachVerb : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(system_.registry); }
    void expect_durable(const char* verb) {
        rtl::SimEnv after(disk_.after_crash(disk_.event_count(), rtl::LossModel::all, 0));
        const auto found = hive::Hive::open(after, file, {});
        ASSERT_TRUE(found) << verb;
        const auto key = open_at(u"", false);
        ASSERT_TRUE(key);
        EXPECT_FALSE((*key)->block().hive().dirty()) << verb;
        SharedGuard guard((*key)->block().hive().lock());
        const hive::Hive& now = (*key)->block().hive().storage();
        EXPECT_EQ(bytes_of(**found), bytes_of(now)) << verb;
    }
    static std::vector<std::byte> bytes_of(const hive::Hive& storage) {
        const Bytes bytes = storage.stable_bytes();
        return {bytes.begin(), bytes.end()};
    }

    rtl::SimEnv disk_;
    DurableRegistry system_{disk_};
};

TEST_F(EachVerb, IsDurableWhenItReturns) {
    const auto key = open_at(u"k", true);
    ASSERT_TRUE(key);
    expect_durable("create");
    ASSERT_TRUE(set_number(**key, 1));
    expect_durable("set_value");
    const std::int64_t time = 130000000000000000;
    ASSERT_TRUE(set_key_information(**key, KeyWriteTimeInformation, rtl::as_bytes(&time, sizeof(time))));
    expect_durable("KeyWriteTimeInformation");
    const std::uint32_t flags = 2;
    ASSERT_TRUE(set_key_information(**key, KeyControlFlagsInformation, rtl::as_bytes(&flags, sizeof(flags))));
    expect_durable("KeyControlFlagsInformation");
    {
        const auto source = open_at(u"k", false);
        hive::HiveOptions options;
        const auto copy = hive::Hive::create(rtl::real_env(), options);
        ASSERT_TRUE(copy);
        ASSERT_TRUE(restore_key(**source, **copy));
        expect_durable("restore_key");
    }
    ASSERT_TRUE(set_number(**key, 2));
    ASSERT_TRUE(delete_value(**key, u"n"));
    expect_durable("delete_value");
    const ob::CallerScope kernel(ob::kernel_mode);
    ASSERT_TRUE(rename_key(**key, u"another", ob::current().token(), ob::kernel_mode));
    expect_durable("rename_key");
    const auto descriptor = query_key_security(**key);
    ASSERT_TRUE(descriptor);
    ASSERT_TRUE(set_key_security(**key, OWNER_SECURITY_INFORMATION, descriptor->view(), ob::current().token()));
    expect_durable("set_key_security");
    ASSERT_TRUE(delete_key(**key));
    expect_durable("delete_key");
}

TEST_F(EachVerb, FailsWithItsSync) {
    const auto key = open_at(u"k", true);
    ASSERT_TRUE(key);
    ASSERT_TRUE(set_number(**key, 1));
    disk_.fail_at(1, STATUS_REGISTRY_IO_FAILED, false);  // after the write of the entry
    EXPECT_EQ(rtl::to_ntstatus(set_number(**key, 2)), STATUS_REGISTRY_IO_FAILED);
    EXPECT_EQ(rtl::to_ntstatus(set_number(**key, 2)), STATUS_REGISTRY_IO_FAILED);  // as it is, and yet not durable
    EXPECT_EQ(rtl::to_ntstatus(set_number(**key, 3)), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_EQ(rtl::to_ntstatus(flush_key(**key)), STATUS_REGISTRY_IO_FAILED);
}

TEST_F(EachVerb, OfARegistryTransactionWaitsForItsCommit) {
    const Ref<Transaction> transaction = rtl::make_ref<Transaction>(TransactionKind::registry);
    const std::size_t before = disk_.event_count();
    {
        const ob::CallerScope kernel(ob::kernel_mode);
        OpenRequest request;
        const Utf16 path = Utf16(place) + u"\\in";
        request.name = path;
        request.desired = KEY_ALL_ACCESS;
        request.create = true;
        request.transaction = rtl::make_ref<TransactionBinding>(transaction, nullptr);
        const auto opened = open_key(request);
        ASSERT_TRUE(opened);
        ASSERT_TRUE(set_number(*opened->body, 5));
    }
    EXPECT_EQ(disk_.event_count(), before);
    ASSERT_TRUE(transaction->commit());
    expect_durable("commit");
    EXPECT_TRUE(open_at(u"in", false));
}

TEST(ReadOnlyRegistry, TakesWhatFillsItAndNothingElse) {
    rtl::SimEnv disk;
    {
        DurableRegistry system(disk);
        ASSERT_TRUE(system.registry);
        ASSERT_TRUE(open_at(u"k", true));
    }
    const rtl::DiskImage before = disk.contents();
    rtl::SimEnv again(before);
    ob::initialize();
    Registry::Options how;
    how.durability = hive::Durability::read_only;
    auto started = Registry::start(how);
    ASSERT_TRUE(started);
    hive::OpenOptions options;
    options.durability = (*started)->opening_durability();
    auto storage = hive::Hive::open(again, file, options);
    ASSERT_TRUE(storage);
    MountOptions mount;
    mount.to_be_filled = true;
    ASSERT_TRUE((*started)->mount(place, std::move(*storage), mount));
    ASSERT_TRUE(open_at(u"filled", true));
    ASSERT_TRUE((*started)->hold_to_durability());
    EXPECT_TRUE(open_at(u"k", false));
    const auto filled = open_at(u"filled", false);
    ASSERT_TRUE(filled);
    EXPECT_EQ(rtl::to_ntstatus(set_number(**filled, 1)), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_EQ(rtl::to_ntstatus(delete_key(**filled)), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_EQ(rtl::to_ntstatus(open_at(u"more", true)), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_EQ(rtl::to_ntstatus(replace_key(**open_at(u"", false), "/new", "/old")), STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT_TRUE(flush_key(**filled));
    started->reset();
    EXPECT_EQ(again.event_count(), 0U);
}

}  // namespace
}  // namespace regent::cm
