#include "hive/storage.h"

#include <algorithm>
#include <bit>

namespace regent::hive {

bool BitMap::any() const {
    return std::any_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word != 0; });
}

void BitMap::merge(const BitMap& other) {
    for (std::size_t i = 0; i < other.words_.size() && i < words_.size(); ++i) words_[i] |= other.words_[i];
}

std::size_t BitMap::count() const {
    std::size_t count = 0;
    for (std::uint64_t word : words_) count += static_cast<std::size_t>(std::popcount(word));
    return count;
}

std::size_t GranuleBits::last_at_or_before(std::size_t i) const {
    std::size_t word = i / 64;
    std::uint64_t bits = words_[word].load(std::memory_order_relaxed) & (~std::uint64_t{0} >> (63 - i % 64));
    while (bits == 0 && word > 0) bits = words_[--word].load(std::memory_order_relaxed);
    return word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(bits));
}

std::size_t BitMap::next_set(std::size_t i) const {
    std::size_t word = i / 64;
    if (word >= words_.size()) return words_.size() * 64;
    std::uint64_t bits = words_[word] & (~std::uint64_t{0} << i % 64);
    while (bits == 0 && ++word < words_.size()) bits = words_[word];
    return bits == 0 ? words_.size() * 64 : word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

bool Storage::dirty_sectors_readable() const {
    const std::size_t end = size_ / sector_size;
    for (std::size_t sector = next_dirty_sector(0); sector < end; sector = next_dirty_sector(sector + 1)) {
        static_cast<void>(*static_cast<const volatile std::byte*>(base_ + sector * sector_size));
    }
    return !lost_page();
}

void Storage::clear_dirty() {
    dirty_.clear_all();
    dirty_count_ = 0;
}

void Storage::store_size(std::uint32_t offset, std::int32_t value) {
    std::memcpy(base_ + offset, &value, 4);
    mark_dirty(offset, 4);
}

// Drops stale and double entries.
void Storage::prune(std::size_t size_class) {
    FreeClass& list = classes_[size_class];
    std::sort(list.cells.begin(), list.cells.end());
    list.cells.erase(std::unique(list.cells.begin(), list.cells.end()), list.cells.end());
    std::erase_if(list.cells, [&](std::uint32_t offset) { return !is_free_of_class(offset, size_class); });
}

void Storage::put_in_class(std::uint32_t offset, std::size_t size_class) {
    FreeClass& list = classes_[size_class];
    ++list.live;
    nonempty_[size_class / 64] |= std::uint64_t{1} << (size_class % 64);
    try {
        // Once they outnumber the live ones.
        if (list.cells.size() >= 64 + 4 * list.live) [[unlikely]]
            prune(size_class);
        list.cells.push_back(offset);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): nothing is lost
        // The space stays free and coalesces; only the search will not find it. release() must not fail.
    }
}

void Storage::take_out_of_class(std::size_t size_class) {
    if (--classes_[size_class].live == 0) nonempty_[size_class / 64] &= ~(std::uint64_t{1} << (size_class % 64));
}

void Storage::enlist(std::uint32_t offset, std::uint32_t size) {
    // A page is not written for what it says already: it is the file's own as long as nothing in it changes.
    if (stored_size_at(offset) != static_cast<std::int32_t>(size)) store_size(offset, static_cast<std::int32_t>(size));
    free_start_.set(offset / 8);
    free_end_.set((offset + size) / 8 - 1);
    put_in_class(offset, class_of(size));
}

void Storage::unlist(std::uint32_t offset, std::uint32_t size) {
    free_start_.clear(offset / 8);
    free_end_.clear((offset + size) / 8 - 1);
    if (offset == rest_) {
        rest_ = 0;
        rest_size_ = 0;
    } else {
        take_out_of_class(class_of(size));
    }
}

void Storage::list_rest() {
    if (rest_size_ != 0) put_in_class(rest_, class_of(rest_size_));
    rest_ = 0;
    rest_size_ = 0;
}

// The first `by` bytes of a free cell are free no more.
void Storage::shorten(std::uint32_t offset, std::uint32_t size, std::uint32_t by) {
    if (by == size) return unlist(offset, size);
    const std::uint32_t left = size - by;
    free_start_.clear(offset / 8);
    free_start_.set((offset + by) / 8);
    store_size(offset + by, static_cast<std::int32_t>(left));
    if (offset != rest_) {
        take_out_of_class(class_of(size));
        if (left < rest_size_) return put_in_class(offset + by, class_of(left));  // the larger one lasts longer
        list_rest();
    }
    rest_ = offset + by;
    rest_size_ = left;
}

std::uint32_t Storage::take_from(std::size_t size_class, std::uint32_t size) {
    constexpr std::size_t look_at = 32;  // classes above 1 KiB hold a range of sizes: the best of so many
    std::vector<std::uint32_t>& cells = classes_[size_class].cells;
    std::size_t best = cells.size();
    std::uint32_t best_size = max_storage;
    std::size_t seen = 0;
    for (std::size_t i = cells.size(); i-- > 0 && seen < look_at;) {
        if (!is_free_of_class(cells[i], size_class)) {
            cells[i] = cells.back();
            cells.pop_back();
            if (best == cells.size()) best = i;  // the candidate was the entry that moved
            continue;
        }
        ++seen;
        const std::uint32_t found = static_cast<std::uint32_t>(stored_size_at(cells[i]));
        if (found < size || found >= best_size) continue;
        best = i;
        best_size = found;
        if (found == size || size_class < exact_classes) break;
    }
    if (best_size == max_storage) return max_storage;
    const std::uint32_t offset = cells[best];
    cells[best] = cells.back();
    cells.pop_back();
    return offset;
}

std::uint32_t Storage::find_free(std::uint32_t size) {
    const std::size_t first = class_of(size);
    std::size_t class_of_rest = rest_size_ >= size ? class_of(rest_size_) : class_count;
    std::uint64_t below = ~std::uint64_t{0} << (first % 64);  // takes away the classes too small
    for (std::size_t word = first / 64; word < nonempty_.size(); ++word, below = ~std::uint64_t{0}) {
        for (std::uint64_t bits = nonempty_[word] & below; bits != 0; bits &= bits - 1) {
            const std::size_t size_class = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
            if (class_of_rest < size_class) return rest_;
            if (class_of_rest == size_class) {
                list_rest();  // which of them fits best, the list tells
                class_of_rest = class_count;
            }
            const std::uint32_t offset = take_from(size_class, size);
            if (offset != max_storage) return offset;
        }
    }
    return class_of_rest != class_count ? rest_ : max_storage;
}

Result<CellIndex> Storage::allocate(std::uint32_t data_size) {
    if (data_size > max_cell_data + 4) return fail(STATUS_INSUFFICIENT_RESOURCES);
    if (is_suspect()) return fail(STATUS_REGISTRY_CORRUPT);
    const std::uint32_t size = std::max(8U, room_for(data_size) + 4);
    std::uint32_t offset = find_free(size);
    if (offset == max_storage) offset = RG_TRY(enlist_until(size));
    if (offset == max_storage) {
        RG_TRY(add_bin(size));
        offset = find_free(size);
        if (offset == max_storage) return fail(STATUS_INSUFFICIENT_RESOURCES);
    }
    const std::uint32_t found = static_cast<std::uint32_t>(stored_size_at(offset));
    shorten(offset, found, size);
    const auto stored = -static_cast<std::int32_t>(size);
    std::memcpy(base_ + offset, &stored, sizeof(stored));
    std::memset(base_ + offset + 4, 0, size - 4);  // no old bytes leave in padding
    mark_dirty(offset, size);
    allocated_.set(offset / 8);
    return offset | (type_ == StorageType::volatile_ ? volatile_bit : 0);
}

void Storage::release(CellIndex cell) {
    std::uint32_t offset = cell & ~volatile_bit;
    RG_ASSERT(is_allocated(cell));
    enlist_bin_of(offset);
    allocated_.clear(offset / 8);
    verified_.clear(offset / 8);
    std::uint32_t size = static_cast<std::uint32_t>(-stored_size_at(offset));
    // Neighbours: the granule before a bin's first cell and the one after its last belong to headers, never marked.
    const std::uint32_t next = offset + size;
    if (next < size_ && free_start_.test(next / 8)) {
        const std::uint32_t next_size = static_cast<std::uint32_t>(stored_size_at(next));
        unlist(next, next_size);
        size += next_size;
    }
    if (free_end_.test(offset / 8 - 1)) {
        const std::uint32_t previous = static_cast<std::uint32_t>(free_start_.last_at_or_before(offset / 8 - 1) * 8);
        unlist(previous, offset - previous);
        size += offset - previous;
        offset = previous;
    }
    enlist(offset, size);
}

bool Storage::grow(CellIndex cell, std::uint32_t data_size) {
    if (data_size > max_cell_data || is_suspect()) return false;
    const std::uint32_t offset = cell & ~volatile_bit;
    enlist_bin_of(offset);
    const std::uint32_t have = cell_size_at(offset);
    const std::uint32_t want = room_for(data_size) + 4;
    if (want <= have) return true;
    const std::uint32_t next = offset + have;
    if (next >= size_ || !free_start_.test(next / 8)) return false;
    const std::uint32_t found = cell_size_at(next);
    if (found < want - have) return false;
    shorten(next, found, want - have);
    store_size(offset, -static_cast<std::int32_t>(want));
    std::memset(base_ + next, 0, want - have);
    mark_dirty(next, want - have);
    return true;
}

// The rest becomes a cell of its own, and is released as one.
void Storage::shrink(CellIndex cell, std::uint32_t data_size) {
    RG_ASSERT(is_allocated(cell));
    const std::uint32_t offset = cell & ~volatile_bit;
    const std::uint32_t have = cell_size_at(offset);
    const std::uint32_t want = std::max(8U, room_for(data_size) + 4);
    if (want >= have) return;
    enlist_bin_of(offset);
    store_size(offset, -static_cast<std::int32_t>(want));
    store_size(offset + want, -static_cast<std::int32_t>(have - want));
    allocated_.set((offset + want) / 8);
    release((offset + want) | (cell & volatile_bit));
}

std::uint32_t Storage::trim() {
    std::uint32_t end = size_;
    while (end != 0 && free_end_.test(end / 8 - 1)) {
        const std::uint32_t cell = static_cast<std::uint32_t>(free_start_.last_at_or_before(end / 8 - 1) * 8);
        const bool whole = cell % page_size == sizeof(BinHeader) && (page_state(cell / page_size) & page_first) != 0;
        if (!whole) break;
        end = cell - static_cast<std::uint32_t>(sizeof(BinHeader));
    }
    const std::uint32_t gone = size_ - end;
    if (gone == 0) return 0;
    for (std::uint32_t bin = end; bin < size_;) {
        const std::uint32_t first = bin + static_cast<std::uint32_t>(sizeof(BinHeader));
        const std::uint32_t size = cell_size_at(first);
        unlist(first, size);
        bin = first + size;
    }
    // What is mapped of the file must not be met any more once the file is cut.
    if (!forget_memory(end, size_)) {
        for (std::uint32_t bin = end; bin < size_; bin += bin_size_at(bin)) enlist_bin(bin);
        return 0;
    }
    for (std::uint32_t page = end / page_size; page < size_ / page_size; ++page) {
        set_page(page, 0);
        copied_[page] = 0;
    }
    for (std::size_t sector = dirty_.next_set(end / sector_size); sector < size_ / sector_size;
         sector = dirty_.next_set(sector + 1)) {
        dirty_.clear(sector);
        --dirty_count_;
    }
    if (zeros_ == size_) zeros_ = end;
    size_ = end;
    mapped_ = std::min(mapped_, end);
    chain_end_ = std::min(chain_end_, end);
    mark_dirty(0, size_ == 0 ? 0 : 4);  // a log entry without any page would be legal, but nobody has seen one
    return gone;
}

void Storage::format_bin(std::uint32_t offset, std::uint32_t size) {
    BinHeader header = {};
    header.signature = bin_signature;
    header.offset = offset;
    header.size = size;
    std::memcpy(base_ + offset, &header, sizeof(header));
    store_size(offset + static_cast<std::uint32_t>(sizeof(header)),
               static_cast<std::int32_t>(size - static_cast<std::uint32_t>(sizeof(header))));
    mark_dirty(offset, size);
    adopt_bin(offset, size);
    enlist_bin(offset);
}

Result<void> Storage::add_bin(std::uint32_t room) {
    const std::uint64_t bin = (std::uint64_t{room} + sizeof(BinHeader) + page_size - 1) / page_size * page_size;
    const std::uint32_t offset = size_;
    if (bin > max_storage - size_) return fail(STATUS_REGISTRY_QUOTA_LIMIT);
    const std::uint32_t zeros = zeros_;
    RG_TRY(grow_raw(size_ + bin));
    if (offset < zeros) std::memset(base_ + offset, 0, std::min(zeros - offset, static_cast<std::uint32_t>(bin)));
    if (chain_end_ == offset) chain_end_ = size_;
    format_bin(offset, static_cast<std::uint32_t>(bin));
    return {};
}

}  // namespace regent::hive
