// Transactions on this floor: what commits write and take back, and random transactions against a model. Statuses and
// views are tests/conformance/transactions.
#include <map>
#include <random>

#include "cm/transaction_fixture.h"

namespace regent::cm {
namespace {

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

TEST_F(TransactionTest, AHiveWithoutResourceManagerTakesRegistryTransactionsOnly) {  // TX-8
    MountOptions how;
    how.no_transactions = true;
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Other", how));
    KeyRef key;
    EXPECT_EQ(open_in(begin(TransactionKind::durable), u"\\Registry\\Machine\\Other", false, &key),
              STATUS_RM_NOT_ACTIVE);
    EXPECT_EQ(open_in(begin(), u"\\Registry\\Machine\\Other", false, &key), STATUS_SUCCESS);
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
