// Finds a value by name in a key that has very many: a scan of the list for each of 100,000 values that are added or
// read would be quadratic. Built at the first search in such a key, brought up to date by changes, of the last key
// alone. Nothing on disk. Internally synchronised for find(), which readers call at once; the others need the hive's
// lock exclusive.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "hive/cells.h"
#include "rtl/lock.h"

namespace regent::hive {

class ValueIndex {
public:
    // Below so many values, and in a storage whose references nobody has verified, a scan is the way.
    static constexpr std::uint32_t worth_it = 256;
    bool helps(const Cells& cells, const KeyNode& node) const {
        return node.value_count >= worth_it && cells.stable().trusted();
    }
    // What find_value_in() would say. REQUIRES: helps().
    std::optional<ValueRef> find(const Cells& cells, CellIndex key, const KeyNode& node, Utf16View name);
    // After a commit: `value` is the key's last one now; the key has lost `value`; the key's cell is another's.
    void added(const Cells& cells, CellIndex key, CellIndex value);
    void removed(CellIndex key, CellIndex value, Utf16View name);
    void forget(CellIndex key);
    void clear();

private:
    struct Slot {
        CellIndex cell = 0;  // 0: free, nil: was taken
        std::uint32_t hash = 0;
        std::uint32_t position = 0;  // in the list when it came; later ones that go let it sink
    };
    bool knows(CellIndex key) const { return key_.load(std::memory_order_relaxed) == key; }
    void set_key(CellIndex key) { key_.store(key, std::memory_order_relaxed); }
    bool build(const Cells& cells, CellIndex key, const KeyNode& node) RG_REQUIRES(lock_);
    void insert(Slot slot) RG_REQUIRES(lock_);

    rtl::Mutex<rtl::LockRank::leaf> lock_;
    std::atomic<CellIndex> key_{nil_cell};          // written under the lock; who changes the hive reads it without
    std::uint32_t count_ RG_GUARDED_BY(lock_) = 0;  // of the key's values
    std::size_t filled_ RG_GUARDED_BY(lock_) = 0;   // slots that are not free
    std::vector<Slot> slots_ RG_GUARDED_BY(lock_);  // a power of two, at most half full
};

}  // namespace regent::hive
