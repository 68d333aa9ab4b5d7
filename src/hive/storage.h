// One storage of a hive (stable or volatile): bins in one contiguous range of memory that never moves, the cells in
// them, and the free space. A cell index becomes an address by one addition. docs/hive-format.md §3, ADR 0009.
//
// A storage is *trusted* once every reference in it was verified (made here, or validated at load). Until then each bin
// is verified at its first touch, and only the start of an allocated cell of a sound bin reads as a cell.
//
// Invariants: 1. bins tile [0, size()); cells tile each sound bin. 2. no two free cells touch inside an enlisted bin.
// 3. every cell start of an enlisted bin is marked in exactly one of `allocated_`, `free_start_`. 4. every live free
// cell of an enlisted bin is in its class's list at least once, or is `rest_`. 5. what the memory holds from `zeros_`
// on is zero. Externally synchronised as Hive is: const members may run at once, and touch bins then (internally
// locked).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "hive/bit_map.h"
#include "hive/finding.h"
#include "hive/format.h"
#include "hive/hive.h"
#include "rtl/bytes.h"
#include "rtl/env.h"
#include "rtl/lock.h"
#include "rtl/page_guard.h"

namespace regent::hive {

class Storage {
public:
    explicit Storage(StorageType type) : type_(type) {}
    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    // All but the type. REQUIRES: nobody reads either.
    void swap(Storage& other);

    StorageType type() const { return type_; }
    std::uint32_t size() const { return size_; }
    Bytes bytes() const { return {base_, size_}; }
    MutableBytes mutable_bytes() { return {base_, size_}; }

    // Loading, before any other use: raw space (grow_raw: zeros; map: the file's bytes from `offset` on, untouched),
    // which the logs may change. Then either load_bins, or the storage stays lazy.
    Result<void> grow_raw(std::uint64_t size);
    Result<void> map(rtl::File& file, std::uint64_t offset, std::uint32_t size);
    void shrink_raw(std::uint32_t size) { size_ = size < size_ ? size : size_; }
    // Validates and enlists all bins. Broken bins become empty ones and broken cells free space (in memory); each is a
    // Finding.
    void load_bins(FindingSink& sink, bool* changed);
    void be_lazy();
    bool trusted() const { return trusted_.load(std::memory_order_relaxed); }
    void trust() const { trusted_.store(true, std::memory_order_relaxed); }  // all references were verified

    // The data of an allocated cell (without the size field); empty when there is none at `cell`. In a trusted storage
    // this goes by the size field alone and does not prove that `cell` is a cell start: see is_allocated.
    [[gnu::always_inline]] Bytes cell(CellIndex cell) const {
        const std::uint32_t offset = cell & ~volatile_bit;
        if (!trusted()) [[unlikely]] {
            if (!is_allocated(cell)) return {};
        }
        return allocated_cell(offset);
    }
    // The same of a cell that is allocated as far as the caller knows.
    [[gnu::always_inline]] Bytes allocated_cell(std::uint32_t offset) const {
        if (offset >= size_ || size_ - offset < 8) [[unlikely]]
            return {};
        // The negated size; what is no size of an allocated cell (0 and more, the least) is too large for any storage.
        const std::uint32_t length = 0U - static_cast<std::uint32_t>(stored_size_at(offset));
        if (length - 8 > size_ - offset - 8) [[unlikely]]
            return {};
        return {base_ + offset + 4, length - 4};
    }
    // Inlined always: of a function that only prefetches the compiler believes that it does nothing, and drops the
    // call.
    [[gnu::always_inline]] void prefetch(CellIndex cell) const {
        const std::uint32_t offset = cell & ~volatile_bit;
        if (offset < size_) __builtin_prefetch(base_ + offset);
    }
    MutableBytes mutable_cell(CellIndex index) {
        const Bytes data = cell(index);
        return {const_cast<std::byte*>(data.data()), data.size()};
    }
    bool is_allocated(CellIndex cell) const {
        const std::uint32_t offset = cell & ~volatile_bit;
        if (offset % 8 != 0 || offset >= size_) return false;
        return allocated_.test(offset / 8) || (touch(offset) && allocated_.test(offset / 8));
    }

    // Damage found after loading. The first sighting of any makes the hive refuse changes.
    void suspect(FindingKind kind, CellIndex cell, std::string expected, std::string actual) const;
    void suspect(const Finding& finding) const;
    bool is_suspect() const { return suspect_.load(std::memory_order_relaxed) || guard_->lost(); }
    bool lost_page() const { return guard_->lost(); }  // a page of the mapped file could not be read, and is zeros
    bool dirty_sectors_readable() const;               // finds out now, before they are written somewhere
    std::vector<Finding> suspicions() const;
    // What a reader has verified about the key at `cell`, remembered until the cell is freed.
    bool is_verified(CellIndex cell) const { return verified_.test((cell & ~volatile_bit) / 8); }
    void set_verified(CellIndex cell) const { verified_.set_shared((cell & ~volatile_bit) / 8); }

    // A zeroed cell with room for `data_size` bytes, best fit; grows by a bin when nothing fits.
    // ERRORS: INSUFFICIENT_RESOURCES, REGISTRY_QUOTA_LIMIT, REGISTRY_CORRUPT (suspect).
    Result<CellIndex> allocate(std::uint32_t data_size);
    void release(CellIndex cell);  // REQUIRES: is_allocated(cell). Never fails; coalesces.
    // The room a cell of `data_size` would have: what rounding makes usable.
    static std::uint32_t room_for(std::uint32_t data_size) { return ((data_size + 4 + 7) & ~7U) - 4; }

    // The cell gets room for `data_size` bytes where it is, from the free cell behind it; false: nothing has changed.
    bool grow(CellIndex cell, std::uint32_t data_size);  // REQUIRES: is_allocated(cell)
    // What the cell has beyond `data_size` bytes becomes free. Never fails. REQUIRES: is_allocated(cell)
    void shrink(CellIndex cell, std::uint32_t data_size);
    // Free bins at the end go, with their memory; returns how many bytes that are.
    std::uint32_t trim();

    // Sectors changed since clear_dirty. Volatile storage keeps none.
    void mark_dirty(std::uint32_t offset, std::uint32_t length) {
        if (type_ == StorageType::volatile_ || length == 0) return;
        for (std::uint32_t sector = offset / sector_size; sector <= (offset + length - 1) / sector_size; ++sector) {
            if (dirty_.test(sector)) continue;
            dirty_.set(sector);
            ++dirty_count_;
        }
    }
    bool dirty() const { return dirty_count_ != 0; }
    std::size_t dirty_sectors() const { return dirty_count_; }
    std::size_t next_dirty_sector(std::size_t sector) const { return dirty_.next_set(sector); }
    void clear_dirty();

    // Memory: a page that was written is a copy of ours, and the file's again once the file has the same bytes.
    // A flush of that number took the dirty pages.
    void note_staged(std::uint64_t ticket);
    // The file has all that the flushes up to `written` took: their copies go, unless changed again.
    void drop_copies(rtl::File& file, std::uint64_t written);
    std::size_t copied_pages() const;

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
    // What is known of a page.
    static constexpr unsigned page_touched = 1;
    static constexpr unsigned page_sound = 2;     // in a bin whose header and tiling are good
    static constexpr unsigned page_first = 4;     // a bin begins here
    static constexpr unsigned page_enlisted = 8;  // with page_first: the bin's free cells are in the lists
    using Lock = rtl::Mutex<rtl::LockRank::leaf>;

    static std::size_t class_of(std::uint32_t size) {
        if (size <= 1024) return size / 8;
        const unsigned log = static_cast<unsigned>(std::bit_width(size)) - 1;  // 10..30
        return exact_classes + (log - 10) * 4 + (size >> (log - 2) & 3);
    }
    std::int32_t stored_size_at(std::uint32_t offset) const {
        std::int32_t value;
        std::memcpy(&value, base_ + offset, 4);
        return value;
    }
    std::uint32_t cell_size_at(std::uint32_t offset) const {  // for INT32_MIN more than any storage has
        const std::int32_t stored = stored_size_at(offset);
        return stored < 0 ? 0U - static_cast<std::uint32_t>(stored) : static_cast<std::uint32_t>(stored);
    }
    // To the next cell; goes on even if another process has written to the file behind the mapping meanwhile.
    std::uint32_t step_at(std::uint32_t offset) const { return std::max(8U, cell_size_at(offset)); }
    void store_size(std::uint32_t offset, std::int32_t value);

    // Memory (storage_memory.cpp).
    Result<void> reserve();
    Result<void> commit_tables(std::uint32_t size);
    Result<void> commit_memory(std::uint32_t size);
    bool forget_memory(std::uint32_t from, std::uint32_t to);
    bool may_drop(std::uint32_t first, std::uint32_t end) const;
    bool page_dirty(std::uint32_t page) const;
    void read_ahead_as_usual() const;
    void note_scattered_read() const {
        const unsigned left = scattered_reads_.load(std::memory_order_relaxed);
        if (left > 1) scattered_reads_.store(left - 1, std::memory_order_relaxed);
        if (left == 1) read_ahead_as_usual();
    }
    bool is_copy(std::uint32_t page) const { return copied_[page] != 0 || page_dirty(page); }

    // Bins (storage_load.cpp).
    std::uint8_t page_state(std::uint32_t page) const { return pages_[page].load(std::memory_order_acquire); }
    void set_page(std::uint32_t page, unsigned state) const {
        pages_[page].store(static_cast<std::uint8_t>(state), std::memory_order_release);
    }
    std::uint32_t bin_size_at(std::uint32_t bin) const;
    std::uint32_t first_bad_cell(std::uint32_t bin, std::uint32_t bin_size) const;  // the bin's end when all is well
    std::uint32_t bin_of(std::uint32_t offset) const;                               // REQUIRES: in a known bin
    void adopt_bin(std::uint32_t bin, std::uint32_t bin_size) const;
    bool adopt_small_bin(std::uint32_t bin, std::uint32_t bin_size) const;
    void adopt_pages(std::uint32_t bin, std::uint32_t end) const;
    void enlist_bin(std::uint32_t bin);
    void enlist_bin_of(std::uint32_t offset) {
        const std::uint32_t bin = bin_of(offset);
        if ((page_state(bin / page_size) & page_enlisted) == 0) enlist_bin(bin);
    }
    std::uint32_t load_bin(std::uint32_t offset, FindingSink& sink, bool* changed);
    void load_cells(std::uint32_t bin, std::uint32_t bin_size, FindingSink& sink, bool* changed);
    bool touch(std::uint32_t offset) const;  // true: the page is in a sound bin
    void touch_page(std::uint32_t page) const RG_REQUIRES(touch_lock_);
    std::uint32_t nearest_bin(std::uint32_t page) const RG_REQUIRES(touch_lock_);
    bool touch_bin(std::uint32_t bin) const RG_REQUIRES(touch_lock_);
    bool extend_chain() const RG_REQUIRES(touch_lock_);
    bool touch_next(std::uint32_t* bin) const;
    // Enlists more bins, so many as one change may, until a free cell fits; max_storage when none did.
    Result<std::uint32_t> enlist_until(std::uint32_t size);
    void note(FindingKind kind, std::uint32_t offset, std::string expected, std::string actual) const
        RG_REQUIRES(touch_lock_);

    // Free space (storage.cpp).
    Result<void> add_bin(std::uint32_t room);
    void format_bin(std::uint32_t offset, std::uint32_t size);  // REQUIRES: it holds zeros
    void enlist(std::uint32_t offset, std::uint32_t size);
    void unlist(std::uint32_t offset, std::uint32_t size);
    bool is_free_of_class(std::uint32_t offset, std::size_t size_class) const {
        return free_start_.test(offset / 8) &&
               class_of(static_cast<std::uint32_t>(stored_size_at(offset))) == size_class;
    }
    void put_in_class(std::uint32_t offset, std::size_t size_class);
    void take_out_of_class(std::size_t size_class);
    void shorten(std::uint32_t offset, std::uint32_t size, std::uint32_t by);
    void list_rest();
    void prune(std::size_t size_class);
    // A free cell of at least `size` bytes, or max_storage.
    std::uint32_t take_from(std::size_t size_class, std::uint32_t size);
    std::uint32_t find_free(std::uint32_t size);

    StorageType type_;
    mutable std::atomic<bool> trusted_ = true;
    mutable std::atomic<bool> suspect_ = false;
    std::uint32_t size_ = 0;
    std::byte* base_ = nullptr;
    std::unique_ptr<rtl::PageGuard> guard_ = std::make_unique<rtl::PageGuard>();  // of what `map` mapped
    std::uint32_t mapped_ = 0;                           // bytes that were mapped from the file at load
    mutable std::atomic<unsigned> scattered_reads_ = 0;  // first touches to come that read nothing ahead of them
    std::uint32_t committed_ = 0;
    std::uint32_t zeros_ = 0;
    std::uint32_t tables_ = 0;       // the tables below are usable for this size
    mutable GranuleBits allocated_;  // start of each allocated cell of touched bins
    GranuleBits free_start_;         // first and last granule of each free cell of enlisted bins
    GranuleBits free_end_;
    mutable GranuleBits verified_;
    mutable std::atomic<std::uint8_t>* pages_ = nullptr;
    std::uint64_t* copied_ = nullptr;  // of each page: the last flush that took it; 0: none, or the file's again
    mutable Lock touch_lock_;
    mutable std::uint32_t chain_end_ = 0;  // bins below it are known by their headers, from the first on
    mutable bool chain_broken_ = false;
    mutable std::vector<Finding> findings_ RG_GUARDED_BY(touch_lock_);
    BitMap dirty_;
    std::size_t dirty_count_ = 0;
    std::array<FreeClass, class_count> classes_;
    std::array<std::uint64_t, (class_count + 63) / 64> nonempty_{};  // the classes with live cells
    // What is left of a free cell that others are cut from, one after the other: in no list meanwhile. Size 0: none.
    std::uint32_t rest_ = 0;
    std::uint32_t rest_size_ = 0;
};

}  // namespace regent::hive
