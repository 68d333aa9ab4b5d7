// One block for each key that somebody has open or had open lately, and the table that finds it by its parent and name.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "cm/mounted_hive.h"

namespace regent::cm {

class KeyTable;
class NotifyBlock;

// Invariants:
//  1. While a block is in the table it is the only one for its key, and every opening of the key shares it.
//  2. cell_ is valid while !deleted() and !hive().unloaded(); it and the name change only under the hive's exclusive
//     lock, which readers of cell() hold shared. Names are published atomically: name() needs no lock.
//  3. parent_ never changes (a rename changes the last component only), so ancestors are walked without a lock.
//  4. A deleted block is out of the table for good; a key created again under the name gets a block of its own.
// Counted; the last unref takes the block out of its table.
class KeyControlBlock {
public:
    // REQUIRES: `table` outlives the block.
    KeyControlBlock(KeyTable& table, Ref<MountedHive> hive, Ref<KeyControlBlock> parent, Utf16View name,
                    hive::CellIndex cell, std::uint16_t node_flags);
    ~KeyControlBlock();
    KeyControlBlock(const KeyControlBlock&) = delete;
    KeyControlBlock& operator=(const KeyControlBlock&) = delete;
    void ref() const { count_.fetch_add(1, std::memory_order_relaxed); }
    void unref() const;

    MountedHive& hive() const { return *hive_; }
    KeyControlBlock* parent() const { return parent_.get(); }  // null for \REGISTRY
    std::uint64_t id() const { return id_; }                   // never used again for another key
    std::uint32_t depth() const { return depth_; }             // 0 for \REGISTRY
    bool is_link() const { return is_link_; }
    bool is_volatile() const { return is_volatile_; }
    bool is_hive_root() const { return parent_.get() == nullptr || parent_->hive_.get() != hive_.get(); }
    std::uint32_t path_hash() const { return path_hash_.load(std::memory_order_relaxed); }

    bool deleted() const { return deleted_.load(std::memory_order_acquire); }
    // ERRORS, in this order: HIVE_UNLOADED, KEY_DELETED. Stable only under the hive's lock.
    Result<void> check_alive() const;
    hive::CellIndex cell() const { return cell_; }
    Utf16View name() const { return *name_.load(std::memory_order_acquire); }

    // The full path, "\REGISTRY\MACHINE\..."; its length in units. Writes nothing when `out` is too small.
    // No allocation, no lock.
    std::size_t copy_path(std::span<char16_t> out) const;
    Utf16 path() const;

    // REQUIRES: the hive's exclusive lock.
    void mark_deleted_locked();
    void renamed_locked(Utf16View name, hive::CellIndex cell);

    // Does `mask`'s access check have a sound descriptor here? Remembered, since validation walks the whole descriptor.
    enum class Security : std::uint8_t { unknown, sound, damaged };
    std::atomic<Security> security_state{Security::unknown};

    // Notification: how many blocks watch this very key, and which (guarded by the notify lock).
    std::atomic<std::uint32_t> watcher_count{0};
    std::vector<NotifyBlock*> watchers;

private:
    friend class KeyTable;

    mutable std::atomic<std::size_t> count_{1};
    KeyTable& table_;
    const Ref<MountedHive> hive_;
    const Ref<KeyControlBlock> parent_;
    const std::uint64_t id_;
    const std::uint32_t depth_;
    const bool is_link_;
    const bool is_volatile_;
    std::atomic<bool> deleted_{false};
    std::atomic<bool> delayed_{false};  // in the table's list of blocks kept after their last close
    hive::CellIndex cell_;
    std::atomic<const Utf16*> name_;
    // Every name this key has had while the block lived: a reader may still look at an old one. Rename back to a former
    // name finds it here.
    std::vector<std::unique_ptr<const Utf16>> names_;

    // The table's, guarded by the lock of the shard that path_hash_ selects.
    std::atomic<std::uint32_t> path_hash_;
    bool in_table_ = false;
    KeyControlBlock* next_ = nullptr;
};

// The blocks by parent and folded name. The hash of a block is that of its whole path, so that a path can later be
// found by one probe. Sharded; no lock spans the table.
// Insertions happen under the hive's lock (shared is enough: the cell cannot go away), removals of live keys under the
// exclusive one.
class KeyTable {
public:
    KeyTable();
    ~KeyTable();
    KeyTable(const KeyTable&) = delete;
    KeyTable& operator=(const KeyTable&) = delete;

    Ref<KeyControlBlock> find(const KeyControlBlock& parent, Utf16View name) const;
    // The block of the key at `cell`, made when there is none. `name` is the stored spelling.
    Ref<KeyControlBlock> ensure(KeyControlBlock& parent, Utf16View name, MountedHive& hive, hive::CellIndex cell,
                                std::uint16_t node_flags);
    void remove(KeyControlBlock& block);  // keeps the block, forgets its name
    // After a rename: new hashes for the block and for everything below it. REQUIRES: the hive's exclusive lock.
    void rehash_subtree(KeyControlBlock& block);

    // Keeps the block for a while although nobody has it open: programs open what they closed a moment ago.
    void delay_close(Ref<KeyControlBlock> block);
    void drop_delayed(const MountedHive& hive);
    void drop_all_delayed();
    std::size_t size() const;

private:
    friend class KeyControlBlock;
    struct Shard {
        mutable SharedMutex<LockRank::kcb_table> lock;
        std::vector<KeyControlBlock*> buckets RG_GUARDED_BY(lock);
        std::size_t count RG_GUARDED_BY(lock) = 0;
        std::vector<Ref<KeyControlBlock>> delayed RG_GUARDED_BY(lock);
        std::size_t next_delayed RG_GUARDED_BY(lock) = 0;
    };
    static constexpr std::size_t shard_count = 64;
    static constexpr std::size_t delayed_per_shard = 64;

    Shard& shard(std::uint32_t hash) const { return shards_[(hash * 0x9E3779B1u) >> 26]; }
    static KeyControlBlock* find_locked(const Shard& shard, const KeyControlBlock& parent, Utf16View name,
                                        std::uint32_t hash);
    static void insert_locked(Shard& shard, KeyControlBlock& block);
    static void remove_locked(Shard& shard, KeyControlBlock& block);
    // The last reference: true when the caller is to delete the block.
    bool release(const KeyControlBlock& block);
    template <typename Condition>
    void drop_delayed_if(Condition condition);

    std::unique_ptr<Shard[]> shards_;
};

}  // namespace regent::cm
