// One storage of a hive (stable or volatile): bins in one contiguous range of memory that never moves, the cells in
// them, and the free space. A cell index becomes an address by one addition. docs/hive-format.md §3.
//
// Invariants: 1. bins tile [0, size()); cells tile each bin. 2. no two free cells touch inside a bin. 3. every cell
// start is marked in exactly one of `allocated_`, `free_start_`. 4. every live free cell is in its class's list at
// least once. Externally synchronised.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "hive/finding.h"
#include "hive/format.h"
#include "hive/hive.h"
#include "rtl/bytes.h"

namespace regent::hive {

// One bit per unit of a storage (8 bytes for cells, a page for dirty data).
class BitMap {
public:
    void resize(std::size_t bits) { words_.resize((bits + 63) / 64); }
    bool test(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
    void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
    void clear(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
    void clear_all() { std::fill(words_.begin(), words_.end(), 0); }
    bool any() const;
    void merge(const BitMap& other);  // REQUIRES: same size or larger than `other`
    // The last set bit <= i. REQUIRES: there is one.
    std::size_t last_at_or_before(std::size_t i) const;
    // The first set bit >= i, or one past the last bit there can be.
    std::size_t next_set(std::size_t i) const;

private:
    std::vector<std::uint64_t> words_;
};

class Storage {
public:
    explicit Storage(StorageType type) : type_(type) {}
    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    StorageType type() const { return type_; }
    std::uint32_t size() const { return size_; }
    Bytes bytes() const { return {base_, size_}; }
    MutableBytes mutable_bytes() { return {base_, size_}; }

    // Loading: raw zeroed space without bins (grow_raw), filled by the caller, then validated and enlisted. Broken bins
    // become empty ones and broken cells free space (in memory); each is a Finding.
    Result<void> grow_raw(std::uint64_t size);
    void shrink_raw(std::uint32_t size) { size_ = size < size_ ? size : size_; }
    Result<void> load_bins(FindingSink& sink, bool* changed);

    // The data of an allocated cell (without the size field); empty when there is none at `cell` by its own size field.
    // Does not prove that `cell` is a cell start: see is_allocated.
    Bytes cell(CellIndex cell) const {
        const std::uint32_t offset = cell & ~volatile_bit;
        if (offset >= size_ || size_ - offset < 8) return {};
        const std::int32_t stored = stored_size_at(offset);
        if (stored >= 0 || stored == INT32_MIN) return {};
        const std::uint32_t length = static_cast<std::uint32_t>(-stored);
        if (length < 8 || length > size_ - offset) return {};
        return {base_ + offset + 4, length - 4};
    }
    MutableBytes mutable_cell(CellIndex index) {
        const Bytes data = cell(index);
        return {const_cast<std::byte*>(data.data()), data.size()};
    }
    bool is_allocated(CellIndex cell) const {
        const std::uint32_t offset = cell & ~volatile_bit;
        return offset % 8 == 0 && offset < size_ && allocated_.test(offset / 8);
    }

    // A zeroed cell with room for `data_size` bytes, best fit; grows by a bin when nothing fits.
    Result<CellIndex> allocate(std::uint32_t data_size);
    void release(CellIndex cell);  // REQUIRES: is_allocated(cell). Never fails; coalesces.
    // The room a cell of `data_size` would have: what rounding makes usable.
    static std::uint32_t room_for(std::uint32_t data_size) { return ((data_size + 4 + 7) & ~7U) - 4; }

    // Pages changed since take_dirty. Volatile storage keeps none.
    void mark_dirty(std::uint32_t offset, std::uint32_t length);
    bool dirty() const { return dirty_count_ != 0; }
    bool page_dirty(std::size_t page) const { return dirty_.test(page); }
    std::size_t next_dirty_page(std::size_t page) const { return dirty_.next_set(page); }
    void clear_dirty();

    struct Space {
        std::uint64_t bins, free_bytes, free_cells;
    };
    Space space() const;
    // Verifies invariants 1-3 and the counts of 4.
    void check(FindingSink& sink) const;

private:
    static constexpr std::size_t exact_classes = 129;  // sizes 0, 8, .. 1024
    static constexpr std::size_t class_count = exact_classes + 4 * 22;
    struct FreeClass {
        std::vector<std::uint32_t> cells;  // may hold stale entries; is_free_of_class tells
        std::size_t live = 0;
    };

    static std::size_t class_of(std::uint32_t size);
    std::int32_t stored_size_at(std::uint32_t offset) const {
        std::int32_t value;
        std::memcpy(&value, base_ + offset, 4);
        return value;
    }
    void store_size(std::uint32_t offset, std::int32_t value);
    Result<void> commit_memory(std::uint32_t size);
    Result<void> add_bin(std::uint32_t room);
    void format_bin(std::uint32_t offset, std::uint32_t size);
    std::uint32_t load_bin(std::uint32_t offset, FindingSink& sink, bool* changed);
    void load_cells(std::uint32_t bin, std::uint32_t bin_size, FindingSink& sink, bool* changed);
    void enlist(std::uint32_t offset, std::uint32_t size);
    void unlist(std::uint32_t offset, std::uint32_t size);
    bool is_free_of_class(std::uint32_t offset, std::size_t size_class) const;
    void prune(std::size_t size_class);
    // A free cell of at least `size` bytes, or max_storage.
    std::uint32_t take_from(std::size_t size_class, std::uint32_t size);
    std::uint32_t find_free(std::uint32_t size);

    StorageType type_;
    std::byte* base_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t committed_ = 0;
    BitMap allocated_;   // start of each allocated cell
    BitMap free_start_;  // first and last granule of each free cell
    BitMap free_end_;
    BitMap dirty_;
    std::size_t dirty_count_ = 0;
    std::array<FreeClass, class_count> classes_;
};

}  // namespace regent::hive
