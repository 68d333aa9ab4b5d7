// A key as its transaction sees it.
#pragma once

#include "cm/key_lock.h"

namespace regent::cm {

// One key under its transaction's lock and its hive's, which is held shared: what a transaction changes is its own.
// Invariant: after alive() succeeded, everything else is valid for the scope.
class TransactedKey {
public:
    TransactedKey(KeyControlBlock& block, Transaction& transaction)
        : block_(block), transaction_(transaction), own_(transaction.lock()), hive_(block.hive().lock()) {}

    // ERRORS, in this order (HB-1): HIVE_UNLOADED, KEY_DELETED, TRANSACTION_NOT_ACTIVE; RM_NOT_ACTIVE (a transaction of
    // the KTM in a hive that takes none, TX-8).
    Result<void> alive();
    // alive(), then ACCESS_DENIED for a key that is locked.
    Result<void> writable();

    KeyControlBlock& block() const { return block_; }
    // Where the content is: values, descriptor, flags, class.
    const hive::Hive& storage() const;
    hive::CellIndex cell() const;
    hive::KeyInfo info() const { return info_of(pending_, storage(), cell()); }
    std::int64_t next_time() const { return std::max(rtl::nt_time_tick(), info().last_write_time); }
    std::optional<se::DescriptorView> security() const;
    // ERRORS: ACCESS_DENIED, PRIVILEGE_NOT_HELD.
    Result<ACCESS_MASK> check_access(const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode,
                                     ob::AuditMarks* marks = nullptr) const;

    // The subkey's block; null when the transaction sees none.
    Ref<KeyControlBlock> find_child(Utf16View name) const;
    struct Child {
        hive::KeyInfo info;
        Utf16 name;
    };
    // In folded-name order. Each call walks the list when the transaction changed it.
    std::optional<Child> child_at(std::uint32_t index) const;

    // --- changes. ERRORS, of all: TRANSACTIONAL_CONFLICT, the hive's.
    // The content, to be changed in the transaction's own hive; told at commit as `change`.
    struct Content {
        hive::Hive& storage;
        hive::CellIndex cell;
    };
    Result<Content> change_content(ULONG change);
    Result<void> set_write_time(std::int64_t time);
    Result<Ref<KeyControlBlock>> create_child(Utf16View name, const KeyImage& image);
    Result<void> delete_key();

private:
    // With the subkeys that came and went.
    hive::KeyInfo info_of(const PendingKey* pending, const hive::Hive& storage, hive::CellIndex cell) const;
    hive::KeyInfo info_of_child(hive::CellIndex cell) const;
    std::optional<hive::CellIndex> base_cell() const;  // in the hive; nothing for a key that is not there yet
    Child child_of(const PendingKey& made) const;

    KeyControlBlock& block_;
    Transaction& transaction_;
    ExclusiveGuard<Transaction::Lock> own_;
    SharedGuard<MountedHive::Lock> hive_;
    PendingKey* pending_ = nullptr;  // null: the transaction changed nothing of this key
};

}  // namespace regent::cm
