// Transactions of keys: what one has changed and not committed, who may not come near it meanwhile, and its end.
// Why it is built so: docs/adr/0012-transactions.md.
//
// A transaction keeps a pending key for each key that it changed. A key's content (values, descriptor, flags, time) is
// copied at the first change into a hive of the transaction's own, its shadow, where the same code reads and changes it
// as in any other; which subkeys came and went is a list beside it. The commit writes the difference.
//
// Rules (semantics TX-1 to TX-9, TR-1 to TR-22): one transaction may have pending content of a key, or its deletion;
// another that wants the same answers TRANSACTIONAL_CONFLICT. A change outside of any transaction rolls back those it
// conflicts with, then proceeds. Reading never conflicts.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "cm/commit_journal.h"

namespace regent::cm {

// Registry transactions live in memory until the hives are flushed; what TmTx objects commit is durable when it is
// told.
enum class TransactionKind : std::uint8_t { registry, durable };
enum class TransactionState : std::uint8_t { active, committing, committed, aborted };

struct PendingKey;
struct PendingChild {
    PendingKey* removed = nullptr;  // the key that is there without this transaction
    PendingKey* made = nullptr;
};

// One key as its transaction has it. Guarded by the transaction's lock.
struct PendingKey {
    Ref<KeyControlBlock> block;  // of a created key: one that no table knows
    bool created = false;
    bool deleted = false;
    hive::CellIndex shadow = hive::nil_cell;  // nil: the content is what the hive has
    std::int64_t time = 0;                    // since subkeys came or went; 0: none did
    std::optional<std::int64_t> set_time;     // the time of the last write that was set, if nothing was written since
    ULONG changes = 0;                        // REG_NOTIFY_CHANGE_x, told at commit
    std::map<Utf16, PendingChild> children;   // by upcased name, which is the hive's order
};

// Internally synchronised: pending keys by lock(), the state by itself.
class Transaction final : public rtl::RefCounted {
public:
    using Lock = rtl::Mutex<rtl::LockRank::transaction>;
    explicit Transaction(TransactionKind kind) : kind_(kind) {}
    ~Transaction() override;

    TransactionKind kind() const { return kind_; }
    TransactionState state() const { return state_.load(std::memory_order_acquire); }
    bool active() const { return state() == TransactionState::active; }
    Lock& lock() const { return lock_; }

    // Everything or nothing. ERRORS: TRANSACTION_ALREADY_COMMITTED, TRANSACTION_ALREADY_ABORTED,
    // TRANSACTION_REQUEST_NOT_VALID (a commit is under way); HIVE_UNLOADED, the hives' and the journal's: rolled back.
    // A commit that could not be made durable tells the hive's error and is committed all the same.
    Result<void> commit();
    // ERRORS: the first three of commit's.
    Result<void> rollback();
    // Somebody outside needs a key: rolls back, or waits until a commit that is under way is over. REQUIRES: no lock of
    // this floor held.
    void give_way();
    // Who is told, once and with no lock held, that give_way() rolled back. Set before the transaction is shared.
    void on_give_way(std::function<void()> told) { told_ = std::move(told); }

    // --- for who holds lock() and found the transaction active
    PendingKey* find_locked(const KeyControlBlock& block) const;
    PendingKey& ensure_locked(KeyControlBlock& block);
    // Gives the key a shadow. REQUIRES: its hive's lock too.
    Result<void> copy_locked(PendingKey& key);
    // A new key below `parent`, with nothing but what `image` says.
    Result<PendingKey*> create_locked(KeyControlBlock& parent, Utf16View name, const KeyImage& image);
    void delete_locked(PendingKey& key, std::int64_t time);
    hive::Hive& shadows_locked() { return *shadows_; }

private:
    using Keys = std::unordered_map<const KeyControlBlock*, std::unique_ptr<PendingKey>>;

    Result<void> begin_end(TransactionState to);
    void finish_end(TransactionState state);
    Result<hive::CellIndex> new_shadow_locked(const KeyImage& image);

    const TransactionKind kind_;
    mutable Lock lock_;
    ConditionVariable ended_;
    std::atomic<TransactionState> state_{TransactionState::active};
    std::function<void()> told_;
    Keys keys_;                            // guarded by lock_ while active
    std::unique_ptr<hive::Hive> shadows_;  // in memory; made when the first content is copied
    std::uint32_t next_shadow_ = 0;
};

// What a change outside of a transaction touches.
struct Touch {
    enum class What : std::uint8_t { content, child, key, subtree };
    What what = What::content;
    Utf16View name = {};  // of the child; what a subtree's top is to be called
};

// Which keys transactions have pending changes of. Internally synchronised by a lock of rank intents; claims are made
// with the key's hive locked shared and asked for with it locked exclusively, so that neither overlooks the other.
class TransactionIntents {
public:
    // ERRORS, of all three: TRANSACTIONAL_CONFLICT.
    Result<void> claim_content(KeyControlBlock& key, Transaction& owner);
    Result<void> claim_child(KeyControlBlock& parent, Utf16View name, Transaction& owner);
    Result<void> claim_key(KeyControlBlock& key, Transaction& owner);
    void release(const Transaction& owner);
    // One that a change outside would conflict with.
    Ref<Transaction> conflict(const KeyControlBlock& key, const Touch& touch) const;
    Ref<Transaction> any_in(const MountedHive& hive) const;

private:
    struct Claims {
        Transaction* content = nullptr;
        bool whole = false;  // it deletes the key
        std::map<Utf16, Transaction*> children;
    };
    Claims& claims_locked(KeyControlBlock& key) RG_REQUIRES(lock_);
    Transaction* child_owner_locked(const KeyControlBlock* parent, Utf16View name) const RG_REQUIRES(lock_);
    static Ref<Transaction> any_living(const Claims& claims);

    mutable Mutex<LockRank::intents> lock_;
    std::unordered_map<const KeyControlBlock*, Claims> claims_ RG_GUARDED_BY(lock_);
};
TransactionIntents& intents();

// What a commit writes: each pending key, and the shadow that has its content (null when there is none).
CommitOutcome write_commit(std::span<const PendingKey* const> keys, const hive::Hive* shadows, TransactionKind kind);

}  // namespace regent::cm
