// The blocks of keys by path: one probe finds an open key, or one that was open lately, from its whole path.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "cm/block_memory.h"
#include "cm/folded_path.h"
#include "cm/key_control_block.h"

namespace regent::cm {

// Sharded by the hash of the folded path; no lock spans the table. A probe of find_path takes no lock at all:
//  - The memory of a block is used again for blocks only. Its count stands before it and is 0 while there is none, and
//    nobody raises a count from 0; so a stale address gives a block that is somebody else's, or none, never garbage.
//    What was found is compared after it was referenced.
//  - An array of slots that grew too small is kept until the table goes.
//  - A probe that meets a change under way may miss what is there. Who misses goes the slow way, under locks.
// Insertions happen under the hive's lock (shared is enough: the cell cannot go away), removals of live keys under the
// exclusive one.
class KeyTable {
public:
    // Blocks kept after their last close take no more memory than `delayed_budget`.
    explicit KeyTable(std::size_t delayed_budget = std::size_t{64} << 20);
    ~KeyTable();
    KeyTable(const KeyTable&) = delete;
    KeyTable& operator=(const KeyTable&) = delete;

    // The block of \REGISTRY itself, which is not in the table.
    Ref<KeyControlBlock> make_root(Ref<MountedHive> hive, Utf16View name, hive::CellIndex cell);
    Ref<KeyControlBlock> find(const KeyControlBlock& parent, Utf16View name) const;
    // The block of the key at `cell`, made when there is none. `name` is the stored spelling.
    Ref<KeyControlBlock> ensure(KeyControlBlock& parent, Utf16View name, MountedHive& hive, hive::CellIndex cell,
                                std::uint16_t node_flags);
    // A block that the table does not have and never will: of a key that only one transaction sees.
    Ref<KeyControlBlock> make_private(KeyControlBlock& parent, Utf16View name, std::uint16_t node_flags);
    void remove(KeyControlBlock& block);  // keeps the block, forgets its name
    // After a rename: new paths for the block and for everything below it. REQUIRES: the hive's exclusive lock.
    void rename_subtree(KeyControlBlock& block, Utf16View name);

    // A block of this path, neither deleted nor of a hive that was unloaded. Null also when there is one that cannot be
    // seen without a lock. Takes none.
    Ref<KeyControlBlock> find_path(std::string_view folded) const;
    // Asks the processor for the place of such a key. No lock.
    void prefetch_slot(std::string_view folded) const;
    // `hint` is the address of a block that was there once. The block that is there now, if it is of the key `name`
    // below `parent`, in the same hive, and would be found by find_path; null otherwise. Takes no lock.
    Ref<KeyControlBlock> find_hinted(KeyControlBlock& hint, const KeyControlBlock& parent, Utf16View name) const;
    // From now on `next` is what will likely be opened after `last`, a hint as above.
    void expect_after(KeyControlBlock& last, KeyControlBlock& next) const;
    // Asks the processor for the lines of a block, which may be gone: at once, not each when the one before has been
    // looked at. Inlined always: of a function that only prefetches the compiler may believe that it does nothing.
    [[gnu::always_inline]] static void prefetch(const KeyControlBlock& block) {
        const auto* memory = reinterpret_cast<const std::byte*>(&block.counter());
        for (std::size_t line = 0; line < prefetched_lines; ++line) __builtin_prefetch(memory + line * cell_unit);
    }
    // Every block of the hive is told where its key is now. REQUIRES: the hive's exclusive lock.
    template <typename NewCell>
    void move_cells(const MountedHive& hive, NewCell new_cell);

    // What find_path said held at one moment, if no rename was under way: if moves() gives the same even number before
    // and after. (A rename gives many blocks new paths, one after the other.)
    std::uint64_t moves() const;

    // No more than so many blocks are kept (a little more: the number is shared out over the shards), and fewer when
    // they do not fit the budget. What is beyond goes as other keys are closed.
    void limit_delayed(std::size_t blocks);
    // Keeps the block for a while although nobody has it open: programs open what they closed a moment ago.
    void delay_close(KeyControlBlock& block);
    void drop_delayed(const MountedHive& hive);
    void drop_all_delayed();
    std::size_t size() const;

private:
    friend class KeyControlBlock;
    static constexpr std::size_t shard_count = 64;
    static constexpr std::size_t cell_unit = BlockMemory::alignment;
    static constexpr std::size_t size_classes = 32;     // of cell_unit bytes each
    static constexpr std::size_t prefetched_lines = 6;  // of a block with its name and path
    static constexpr unsigned hash_bits = 22;           // of a hash, in a slot

    // A block's address, whose low six bits are 0, over the low bits of its hash. Linear probing.
    using Slot = std::atomic<std::uint64_t>;
    struct Slots {
        explicit Slots(std::size_t size) : mask(size - 1), entries(std::make_unique<Slot[]>(size)) {}
        const std::size_t mask;
        const std::unique_ptr<Slot[]> entries;
    };
    struct FreeCell;
    // Of one size: those that had a block, and the rest of a chunk, untouched so far.
    struct FreeCells {
        FreeCell* used = nullptr;
        std::byte* fresh = nullptr;
        std::size_t fresh_bytes = 0;
    };
    struct Shard {
        mutable Mutex<LockRank::kcb_table> lock;
        std::atomic<const Slots*> slots{nullptr};
        std::vector<std::unique_ptr<const Slots>> all_slots RG_GUARDED_BY(lock);
        std::size_t count RG_GUARDED_BY(lock) = 0;
        std::deque<Ref<KeyControlBlock>> delayed RG_GUARDED_BY(lock);
        std::size_t delayed_bytes RG_GUARDED_BY(lock) = 0;
        std::array<FreeCells, size_classes> free RG_GUARDED_BY(lock) = {};
    };

    static std::size_t shard_number(std::uint64_t hash) { return hash >> 58; }
    Shard& shard(std::uint64_t hash) const { return shards_[shard_number(hash)]; }
    static std::uint64_t slot_of(const KeyControlBlock& block, std::uint64_t hash);
    static KeyControlBlock* block_of(std::uint64_t slot);
    static std::uint64_t hash_of(std::uint64_t slot, std::size_t mask);
    static bool try_ref(KeyControlBlock& block) {
        std::atomic<std::uint64_t>& counter = block.counter();
        std::uint64_t count = counter.load(std::memory_order_relaxed);
        while (count != 0) {
            if (counter.compare_exchange_weak(count, count + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    // It will be opened: among the kept ones it is one of those that are used.
    static void touch(KeyControlBlock& block) {
        if (block.delayed_.load(std::memory_order_relaxed) && !block.touched_.load(std::memory_order_relaxed)) {
            block.touched_.store(true, std::memory_order_relaxed);
        }
    }

    static KeyControlBlock* find_locked(const Shard& shard, const KeyControlBlock& parent, Utf16View name,
                                        std::uint64_t hash) RG_REQUIRES(shard.lock);
    static void insert_locked(Shard& shard, KeyControlBlock& block) RG_REQUIRES(shard.lock);
    static void remove_locked(Shard& shard, KeyControlBlock& block) RG_REQUIRES(shard.lock);
    static void grow_locked(Shard& shard) RG_REQUIRES(shard.lock);
    void* take_cell_locked(Shard& shard, std::size_t size_class) RG_REQUIRES(shard.lock);
    struct Fresh;
    Ref<KeyControlBlock> make_locked(Shard& home, Fresh fresh) RG_REQUIRES(home.lock);
    // The last reference: true when the caller is to destroy the block.
    bool release(const KeyControlBlock& block);
    void destroy(const KeyControlBlock& block);
    void move(KeyControlBlock& block, Utf16View name);
    template <typename Condition>
    void drop_delayed_if(Condition condition);

    const std::size_t delayed_budget_of_shard_;
    std::atomic<std::size_t> delayed_limit_of_shard_{SIZE_MAX};
    BlockMemory memory_;
    std::unique_ptr<Shard[]> shards_;
    std::atomic<std::uint64_t> renames_begun_{0};
    std::atomic<std::uint64_t> renames_done_{0};
};

template <typename NewCell>
void KeyTable::move_cells(const MountedHive& hive, NewCell new_cell) {
    for (std::size_t i = 0; i < shard_count; ++i) {
        Shard& each = shards_[i];
        ExclusiveGuard guard(each.lock);
        const Slots& slots = *each.slots.load(std::memory_order_relaxed);
        for (std::size_t at = 0; at <= slots.mask; ++at) {
            const std::uint64_t slot = slots.entries[at].load(std::memory_order_relaxed);
            if (slot == 0) continue;
            KeyControlBlock* block = block_of(slot);
            if (block->hive_.get() == &hive && !block->deleted()) block->moved_locked(new_cell(block->cell()));
        }
    }
}

}  // namespace regent::cm
