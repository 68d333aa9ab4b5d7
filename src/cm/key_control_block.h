// One block for each key that somebody has open or had open lately. The table of them is in key_table.h.
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cm/mounted_hive.h"

namespace regent::cm {

class KeyTable;
class NotifyBlock;

class KeyControlBlock;

// The address of a block that was there once: it may be gone, or another key's by now (KeyTable::find_hinted). Who gets
// the address finds memory of blocks there.
class BlockHint {
public:
    KeyControlBlock* get() const { return block_.load(std::memory_order_acquire); }
    void set(KeyControlBlock* block) { block_.store(block, std::memory_order_release); }

private:
    std::atomic<KeyControlBlock*> block_{nullptr};
};

// Invariants:
//  1. While a block is in the table it is the only one for its key, and every opening of the key shares it.
//  2. cell_ is valid while !deleted() and !hive().unloaded(); it and the name change only under the hive's exclusive
//     lock, which readers of cell() hold shared. Names are published atomically: name() and folded_path() need no lock.
//  3. parent_ never changes (a rename changes the last component only), so ancestors are walked without a lock.
//  4. A deleted block is out of the table for good; a key created again under the name gets a block of its own.
// Counted; the last unref takes the block out of its table. What an opening looks at comes first.
class KeyControlBlock {
public:
    KeyControlBlock(const KeyControlBlock&) = delete;
    KeyControlBlock& operator=(const KeyControlBlock&) = delete;
    void ref() const { counter().fetch_add(1, std::memory_order_relaxed); }
    void unref() const;

    MountedHive& hive() const { return *hive_; }
    KeyControlBlock* parent() const { return parent_.get(); }  // null for \REGISTRY
    std::uint64_t id() const { return id_; }                   // never used again for another key
    std::uint32_t depth() const { return depth_; }             // 0 for \REGISTRY
    bool is_link() const { return is_link_; }
    bool is_volatile() const { return is_volatile_; }
    bool is_hive_root() const { return parent_.get() == nullptr || parent_->hive_.get() != hive_.get(); }

    bool deleted() const { return deleted_.load(std::memory_order_acquire); }
    // ERRORS, in this order: HIVE_UNLOADED, KEY_DELETED. Stable only under the hive's lock.
    Result<void> check_alive() const;
    // Hints, see below.
    KeyControlBlock* next_opened() const { return next_opened_.get(); }
    KeyControlBlock* first_opened() const { return first_opened_.get(); }
    void expect_first(KeyControlBlock& child) { first_opened_.set(&child); }
    hive::CellIndex cell() const { return cell_.load(std::memory_order_relaxed); }
    // Asks the processor for what the key has in its hive. No lock.
    void prefetch() const { hive_->prefetch_key(cell()); }
    // Both live as long as the block, also when it is renamed meanwhile.
    Utf16View name() const { return naming_.load(std::memory_order_acquire)->name; }
    // As FoldedPath makes it; empty when it is longer than those can be.
    std::string_view folded_path() const { return naming_.load(std::memory_order_acquire)->path; }

    // Units of the full path ("\REGISTRY\Machine\..."); written only when `out` has room for all of them.
    // No allocation, no lock.
    std::size_t copy_path(std::span<char16_t> out) const;
    Utf16 path() const;

    // REQUIRES: the hive's exclusive lock.
    void mark_deleted_locked();
    void renamed_locked(Utf16View name, hive::CellIndex cell);
    void moved_locked(hive::CellIndex cell) { cell_.store(cell, std::memory_order_relaxed); }

    // Does `mask`'s access check have a sound descriptor here? Remembered, since validation walks the whole descriptor.
    enum class Security : std::uint8_t { unknown, sound, damaged };
    std::atomic<Security> security_state{Security::unknown};
    // Where its own descriptor is: the hive's generation of descriptors in the upper half, its cell in the lower. Says
    // nothing once the hive is of another generation. 0: not known.
    std::atomic<std::uint64_t> descriptor_place{0};

    // Notification: how many blocks watch this very key, and which (guarded by the notify lock).
    std::atomic<std::uint32_t> watcher_count{0};
    std::vector<NotifyBlock*> watchers;

private:
    friend class KeyTable;
    struct Naming {
        std::string_view path;  // folded
        Utf16View name;
    };
    struct OwnedNaming : Naming {
        OwnedNaming(std::string_view full, Utf16View last) : path_bytes(full), name_units(last) {
            path = path_bytes;
            name = name_units;
        }
        std::string path_bytes;
        Utf16 name_units;
    };
    // Where a block's memory is from.
    struct Home {
        std::uint16_t shard;
        std::uint16_t size_class;
    };
    KeyControlBlock(KeyTable& table, Home home, Ref<MountedHive> hive, Ref<KeyControlBlock> parent,
                    const Naming& naming, std::uint64_t hash, hive::CellIndex cell, std::uint16_t node_flags);
    ~KeyControlBlock();

    // The count is not a member: it stands before the block and outlives it, so that whoever still has an old address
    // can ask it whether there is a block. See KeyTable.
    std::atomic<std::uint64_t>& counter() const {
        using Counter = std::atomic<std::uint64_t>;
        return *(std::launder(reinterpret_cast<Counter*>(const_cast<KeyControlBlock*>(this))) - 1);
    }
    void set_naming(std::string_view path, Utf16View name);

    std::atomic<const Naming*> naming_;
    std::atomic<std::uint64_t> hash_;  // the table's, guarded by the lock of the shard that it selects
    const Ref<MountedHive> hive_;
    const Ref<KeyControlBlock> parent_;
    std::atomic<hive::CellIndex> cell_;
    std::atomic<bool> deleted_{false};
    std::atomic<bool> delayed_{false};  // among the table's blocks that are kept after their last close
    std::atomic<bool> touched_{false};  // opened since it was put there
    const bool is_link_;
    const bool is_volatile_;
    bool in_table_ = false;  // guarded as hash_
    const Home home_;
    bool private_ = false;  // of a key that only one transaction sees; never changes once others can see the block
    const std::uint32_t depth_;
    KeyTable& table_;
    const std::uint64_t id_;
    const Naming first_naming_;  // its bytes follow the block
    // Every other name this key has had while the block lived: a reader may still look at an old one. Rename back to a
    // former name finds it here.
    std::vector<std::unique_ptr<const OwnedNaming>> later_namings_;
    BlockHint next_opened_;   // the key below the same one that was opened after this one in the last walk
    BlockHint first_opened_;  // the subkey that was opened first in the last walk
};

}  // namespace regent::cm
