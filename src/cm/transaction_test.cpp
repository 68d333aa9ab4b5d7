// Transactions on this floor: what commits write and take back, the crash of a commit over two hives, and random
// transactions against a model. Statuses and views are tests/conformance/transactions.
#include <map>
#include <random>

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"
#include "hive/finding.h"
#include "rtl/sim_env.h"

namespace regent::cm {
namespace {

struct Begun {
    Ref<Transaction> transaction;
    Ref<TransactionBinding> bound;
};

Begun begin(TransactionKind kind = TransactionKind::registry) {
    Begun begun;
    begun.transaction = rtl::make_ref<Transaction>(kind);
    begun.bound = rtl::make_ref<TransactionBinding>(begun.transaction, nullptr);
    return begun;
}

NTSTATUS open_in(const Begun& in, Utf16View name, bool create, KeyRef* key) {
    const ob::CallerScope kernel(ob::kernel_mode);
    OpenRequest request;
    request.name = name;
    request.desired = KEY_ALL_ACCESS;
    request.create = create;
    request.transaction = in.bound;
    auto opened = open_key(request);
    if (!opened) return opened.error().code();
    *key = std::move(opened->body);
    return STATUS_SUCCESS;
}

class TransactionTest : public RegistryTest {};

TEST_F(TransactionTest, AHiveWithPendingChangesIsNotUnloadedButByForce) {
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Other"));
    const Begun in = begin();
    {
        KeyRef key;
        ASSERT_EQ(open_in(in, u"\\Registry\\Machine\\Other\\new", true, &key), STATUS_SUCCESS);
    }
    ob::ObjectAttributes target;
    target.name = u"\\Registry\\Machine\\Other";
    EXPECT_EQ(rtl::to_ntstatus(registry().unmount_at(target, false)), STATUS_CANNOT_DELETE);
    EXPECT_TRUE(in.transaction->active());
    EXPECT_TRUE(registry().unmount_at(target, true));
    EXPECT_EQ(in.transaction->state(), TransactionState::aborted);
}

TEST_F(TransactionTest, AHiveWithoutResourceManagerTakesRegistryTransactionsOnly) {
    MountOptions how;
    how.no_transactions = true;
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Other", how));
    KeyRef key;
    EXPECT_EQ(open_in(begin(TransactionKind::durable), u"\\Registry\\Machine\\Other", false, &key),
              STATUS_RM_NOT_ACTIVE);
    EXPECT_EQ(open_in(begin(), u"\\Registry\\Machine\\Other", false, &key), STATUS_SUCCESS);
}

// ---- a crash at any point of a commit over two hives

struct TwoHives {
    explicit TwoHives(rtl::SimEnv& env) : disk(env) {
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
    bool mount_both() {
        return registry && mount("/a", u"\\Registry\\Machine\\A1") && mount("/b", u"\\Registry\\Machine\\B1");
    }
    rtl::SimEnv& disk;
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

// ---- random transactions against a model

// A key's value, or that there is no key; by name.
using Model = std::map<Utf16, std::optional<std::uint32_t>>;

class RandomRun : public RegistryTest {
protected:
    struct Open {
        Begun in;
        Model changes;  // what it has beside the committed; nothing in it: the key is deleted
        bool doomed = false;
    };
    static Utf16 path(const Utf16& name) { return u"\\Registry\\Machine\\Test\\" + name; }

    // What `from` sees of a key: no key, or its value (0: a key without).
    static std::optional<std::uint32_t> seen(const Model& committed, const Open* from, const Utf16& name) {
        if (from != nullptr) {
            if (const auto own = from->changes.find(name); own != from->changes.end()) return own->second;
        }
        const auto known = committed.find(name);
        return known == committed.end() ? std::nullopt : known->second;
    }
    static std::optional<std::uint32_t> really(const Open* from, const Utf16& name) {
        KeyRef key;
        const NTSTATUS status = from != nullptr ? open_in(from->in, path(name), false, &key) : open({path(name)}, &key);
        if (status != STATUS_SUCCESS) return std::nullopt;
        return get(key, u"v").value_or(0);
    }
    static bool others_hold(const std::vector<Open>& all, const Open* me, const Utf16& name) {
        return std::any_of(all.begin(), all.end(), [&](const Open& each) {
            return &each != me && !each.doomed && each.changes.contains(name);
        });
    }

    void step(std::mt19937& random);
    void change(std::mt19937& random, Open* who, const Utf16& name);
    void end(std::mt19937& random, std::size_t which);

    Model committed_;
    std::vector<Open> open_;
};

void RandomRun::change(std::mt19937& random, Open* who, const Utf16& name) {
    const bool conflict = others_hold(open_, who, name);
    const auto before = seen(committed_, who, name);
    static std::uint32_t last_number = 0;
    const std::uint32_t number = ++last_number;  // setting what is there already claims nothing
    KeyRef key;
    const bool removes = random() % 4 == 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (who != nullptr)
        status = open_in(who->in, path(name), !removes, &key);
    else
        status = removes ? open({path(name)}, &key) : create({path(name)}, &key);
    if (status == STATUS_SUCCESS) {
        status = rtl::to_ntstatus(removes ? delete_key(*key)
                                          : set_value(*key, u"v", REG_DWORD, rtl::as_bytes(&number, sizeof(number))));
    }
    if (removes && !before) {
        ASSERT_EQ(status, STATUS_OBJECT_NAME_NOT_FOUND);
        return;
    }
    if (who != nullptr && conflict) {
        ASSERT_EQ(status, STATUS_TRANSACTIONAL_CONFLICT) << rtl::to_utf8(name);
        return;
    }
    ASSERT_EQ(status, STATUS_SUCCESS) << rtl::status_name(status);
    const std::optional<std::uint32_t> now = removes ? std::nullopt : std::optional(number);
    if (who != nullptr) {
        who->changes[name] = now;
        return;
    }
    committed_[name] = now;
    for (Open& each : open_) {
        if (each.changes.contains(name)) each.doomed = true;  // the outsider wins (TX-3)
    }
}

void RandomRun::end(std::mt19937& random, std::size_t which) {
    Open& open = open_[which];
    const bool commits = random() % 3 != 0;
    const Result<void> done = commits ? open.in.transaction->commit() : open.in.transaction->rollback();
    EXPECT_EQ(rtl::to_ntstatus(done), open.doomed ? STATUS_TRANSACTION_ALREADY_ABORTED : STATUS_SUCCESS);
    if (commits && !open.doomed) {
        for (const auto& [name, number] : open.changes) committed_[name] = number;
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
}

void RandomRun::step(std::mt19937& random) {
    if (open_.size() < 3 && random() % 8 == 0) open_.push_back({begin(), {}});
    const std::size_t which = random() % (open_.size() + 1);
    if (which < open_.size() && random() % 10 == 0) return end(random, which);
    const Utf16 name(1, static_cast<char16_t>(u'a' + random() % 6));
    Open* who = which < open_.size() ? &open_[which] : nullptr;
    if (who != nullptr && who->doomed) return end(random, which);
    change(random, who, name);
    if (HasFatalFailure()) return;
    for (char16_t letter = u'a'; letter < u'g'; ++letter) {
        const Utf16 each(1, letter);
        ASSERT_EQ(really(nullptr, each), seen(committed_, nullptr, each));
        for (const Open& in : open_) {
            if (in.doomed) continue;
            ASSERT_EQ(really(&in, each), seen(committed_, &in, each));
        }
    }
}

TEST_F(RandomRun, TransactionsBehaveLikeAModel) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        for (int i = 0; i < 120; ++i) {
            step(random);
            if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
        }
        open_.clear();
    }
}

}  // namespace
}  // namespace regent::cm
