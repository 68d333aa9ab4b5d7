// Transactions of several threads at once, over two hives: what they commit must be what some order of them, one after
// the other, gives. Every transaction claims each of its keys, then counts it up, so that the keys' counts say in which
// order the transactions had them; these orders must not contradict each other.
#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "cm/transaction_fixture.h"

namespace regent::cm {
namespace {

constexpr std::uint32_t threads = 4;
constexpr std::uint32_t rounds = 250;
constexpr std::uint32_t keys_of_each = 3;

Utf16 counter_path(std::uint32_t key) {
    Utf16 path = key % 2 == 0 ? u"\\Registry\\Machine\\Test\\k" : u"\\Registry\\Machine\\Other\\k";
    path += static_cast<char16_t>(u'A' + key);
    return path;
}
Utf16 child_of(std::uint32_t key, std::uint32_t count) {
    Utf16 path = counter_path(key) + u"\\c";
    for (const char digit : std::to_string(count)) path += static_cast<char16_t>(digit);
    return path;
}

// What one committed transaction made of its keys: the count it gave each.
struct Committed {
    std::uint32_t number;
    std::map<std::uint32_t, std::uint32_t> counts;
};
struct Tally {
    std::vector<Committed> committed;
    std::uint32_t conflicts = 0;
    std::uint32_t aborted = 0;
};
// A key as somebody outside saw it, at one moment.
struct Sight {
    std::uint32_t key, owner, count;
};

std::uint32_t number_in(const ReadKey& reading, Utf16View value) {
    const auto found = reading.storage().find_value(reading.cell(), value);
    std::uint32_t number = 0;
    if (found) reading.storage().read_value(*found, 0, std::as_writable_bytes(std::span(&number, 1)));
    return number;
}

class TransactionThreads : public RegistryTest {
protected:
    void SetUp() override {
        RegistryTest::SetUp();
        ASSERT_TRUE(mount(u"\\Registry\\Machine\\Other"));
        for (std::uint32_t key = 0; key < threads * keys_of_each; ++key) {
            made(counter_path(key));
            made(child_of(key, 0));
        }
    }
    // One key's part of a transaction. SUCCESS, or why the transaction cannot go on.
    static NTSTATUS count_up(const Begun& in, std::uint32_t key, std::uint32_t number, std::uint32_t* count) {
        KeyRef body;
        if (const NTSTATUS status = open_in(in, counter_path(key), false, &body); status != STATUS_SUCCESS)
            return status;
        const auto claimed = set(body, u"owner", number);
        if (!claimed) return claimed.error().code();
        std::this_thread::yield();
        *count = get(body, u"count").value_or(0) + 1;
        if (const auto done = set(body, u"count", *count); !done) return done.error().code();
        KeyRef old;
        KeyRef next;
        NTSTATUS status = open_in(in, child_of(key, *count - 1), false, &old);
        if (status == STATUS_SUCCESS) status = rtl::to_ntstatus(delete_key(*old));
        return status == STATUS_SUCCESS ? open_in(in, child_of(key, *count), true, &next) : status;
    }
    static void work(std::uint32_t me, const std::vector<std::uint32_t>& mine, bool outsider, Tally& tally) {
        std::mt19937 random(me + 1);
        std::vector<std::uint32_t> keys = mine;
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            if (outsider && random() % 8 == 0) {
                KeyRef key;
                ASSERT_EQ(open({counter_path(keys[random() % keys.size()])}, &key), STATUS_SUCCESS);
                ASSERT_TRUE(set(key, u"outside", round));
                continue;
            }
            std::shuffle(keys.begin(), keys.end(), random);
            const Begun in = begin(random() % 2 == 0 ? TransactionKind::registry : TransactionKind::durable);
            Committed result{me << 16 | round, {}};
            NTSTATUS status = STATUS_SUCCESS;
            for (std::size_t i = 0, count = 1 + random() % 3; i < count && status == STATUS_SUCCESS; ++i)
                status = count_up(in, keys[i], result.number, &result.counts[keys[i]]);
            if (outsider_ && random() % 7 == 0) continue;  // nobody ends it: it goes with its last reference
            const bool commits = status == STATUS_SUCCESS && random() % 5 != 0;
            const NTSTATUS ended = rtl::to_ntstatus(commits ? in.transaction->commit() : in.transaction->rollback());
            if (status == STATUS_TRANSACTIONAL_CONFLICT) ++tally.conflicts;
            if (ended == STATUS_TRANSACTION_ALREADY_ABORTED) ++tally.aborted;
            ASSERT_TRUE(status == STATUS_SUCCESS || status == STATUS_TRANSACTIONAL_CONFLICT ||
                        (status == STATUS_TRANSACTION_NOT_ACTIVE && ended == STATUS_TRANSACTION_ALREADY_ABORTED))
                << rtl::status_name(status);
            ASSERT_TRUE(ended == STATUS_SUCCESS || (outsider_ && ended == STATUS_TRANSACTION_ALREADY_ABORTED))
                << rtl::status_name(ended);
            if (commits && ended == STATUS_SUCCESS) tally.committed.push_back(std::move(result));
        }
    }
    // Looks at all keys until the others are done.
    static void watch(const std::atomic<bool>& done, std::vector<Sight>& sights) {
        std::mt19937 random(99);
        while (!done.load()) {
            const auto key = static_cast<std::uint32_t>(random() % (threads * keys_of_each));
            KeyRef body;
            ASSERT_EQ(open({counter_path(key)}, &body), STATUS_SUCCESS);
            const ReadKey reading(body->block());
            sights.push_back({key, number_in(reading, u"owner"), number_in(reading, u"count")});
            std::this_thread::yield();
        }
    }
    // `keys_of(thread)`: what that thread's transactions choose from.
    template <typename Keys>
    void run(const Keys& keys_of, bool outsider) {
        outsider_ = outsider;
        Tally tallies[threads];
        std::vector<Sight> sights;
        std::atomic<bool> done{false};
        std::vector<std::vector<std::uint32_t>> keys;
        for (std::uint32_t t = 0; t < threads; ++t) keys.push_back(keys_of(t));
        std::vector<std::thread> running;
        for (std::uint32_t t = 0; t < threads; ++t)
            running.emplace_back([&, t] { work(t, keys[t], outsider && t == 0, tallies[t]); });
        std::thread watching([&] { watch(done, sights); });
        for (std::thread& each : running) each.join();
        done = true;
        watching.join();
        for (const Tally& tally : tallies) {
            committed_.insert(committed_.end(), tally.committed.begin(), tally.committed.end());
            conflicts_ += tally.conflicts;
            aborted_ += tally.aborted;
        }
        for (std::uint32_t key = 0; key < threads * keys_of_each; ++key) check_key(key);
        check_order();
        for (const Sight& sight : sights) check_sight(sight);
    }
    // Every count from 1 to the last was given once, and the key is as the last transaction left it.
    void check_key(std::uint32_t key) {
        std::map<std::uint32_t, std::uint32_t>& owners = owners_[key];
        owners[0] = 0;
        for (const Committed& each : committed_) {
            const auto counted = each.counts.find(key);
            if (counted == each.counts.end()) continue;
            EXPECT_TRUE(owners.emplace(counted->second, each.number).second) << "a count was given twice";
        }
        const auto last = *owners.rbegin();
        EXPECT_EQ(last.first + 1, owners.size()) << "a count is missing";
        KeyRef body;
        ASSERT_EQ(open({counter_path(key)}, &body), STATUS_SUCCESS);
        EXPECT_EQ(get(body, u"count").value_or(0), last.first);
        EXPECT_EQ(get(body, u"owner").value_or(0), last.second);
        EXPECT_EQ(subkeys(body), "c" + std::to_string(last.first));
    }
    // No transaction comes both before and after another: taking away again and again those that nobody left comes
    // before takes away all.
    void check_order() {
        std::map<std::uint32_t, std::vector<std::uint32_t>> after;
        std::map<std::uint32_t, std::size_t> before;
        for (const Committed& each : committed_) before[each.number] = 0;
        for (const auto& [key, owners] : owners_) {
            for (auto at = owners.begin(), next = std::next(at); next != owners.end(); at = next++) {
                if (at->first == 0) continue;
                after[at->second].push_back(next->second);
                ++before[next->second];
            }
        }
        std::vector<std::uint32_t> ready;
        for (const auto& [number, count] : before) {
            if (count == 0) ready.push_back(number);
        }
        std::size_t placed = 0;
        for (; !ready.empty(); ++placed) {
            const std::uint32_t number = ready.back();
            ready.pop_back();
            for (const std::uint32_t next : after[number]) {
                if (--before[next] == 0) ready.push_back(next);
            }
        }
        EXPECT_EQ(placed, committed_.size()) << "no order of the transactions gives this";
    }
    // What was seen is what a committed transaction left, not a part of it.
    void check_sight(const Sight& sight) {
        const auto& owners = owners_[sight.key];
        const auto owner = owners.find(sight.count);
        ASSERT_NE(owner, owners.end()) << "a count was seen that nobody committed";
        ASSERT_EQ(owner->second, sight.owner) << "two transactions were seen mixed";
    }

    static inline bool outsider_ = false;
    std::vector<Committed> committed_;
    std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> owners_;  // by key, then by count
    std::uint32_t conflicts_ = 0;
    std::uint32_t aborted_ = 0;
};

std::vector<std::uint32_t> range(std::uint32_t first, std::uint32_t count) {
    std::vector<std::uint32_t> keys(count);
    for (std::uint32_t i = 0; i < count; ++i) keys[i] = first + i;
    return keys;
}

TEST_F(TransactionThreads, OnKeysOfTheirOwnNobodyIsInTheWay) {
    run([](std::uint32_t thread) { return range(thread * keys_of_each, keys_of_each); }, false);
    EXPECT_EQ(conflicts_, 0U);
    EXPECT_EQ(aborted_, 0U);
    EXPECT_GT(committed_.size(), threads * rounds / 2);
}

TEST_F(TransactionThreads, OnTheSameKeysTheyAreAsIfOneAfterTheOther) {
    run([](std::uint32_t) { return range(0, 4); }, false);
    EXPECT_GT(conflicts_, 0U);
    EXPECT_EQ(aborted_, 0U);
    EXPECT_GT(committed_.size(), threads);
}

TEST_F(TransactionThreads, NeighboursShareAndAnOutsiderGoesFirst) {
    run([](std::uint32_t thread) { return range(thread, keys_of_each); }, true);
    EXPECT_GT(committed_.size(), threads);
}

}  // namespace
}  // namespace regent::cm
