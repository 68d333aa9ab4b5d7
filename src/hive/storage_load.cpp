// Turns bytes from a file into bins and cells that can be trusted to tile their space: all at once with repairs
// (load_bins), or one bin at its first touch (touch); and checks that they still do.
#include <string>

#include "hive/storage.h"

namespace regent::hive {

namespace {

constexpr std::uint32_t first_cell = sizeof(BinHeader);
constexpr std::size_t findings_kept = 64;
constexpr std::uint32_t read_ahead =
    1024;  // bytes: the sizes are a chain, which a processor cannot follow ahead by itself

constexpr std::uint32_t small_bin = 64 * 1024;
constexpr std::uint32_t bytes_of_word = 64 * 8;  // bytes whose cells have their bits in one word

std::string number(std::uint64_t value) { return std::to_string(value); }
std::uint64_t file_offset(std::uint32_t offset) { return std::uint64_t{bins_start} + offset; }

}  // namespace

// 0: no bin header for this place.
std::uint32_t Storage::bin_size_at(std::uint32_t bin) const {
    const BinHeader& header = *rtl::record_at<BinHeader>(bytes(), bin);
    const std::uint32_t size = header.size;
    const bool good = header.signature == bin_signature && header.offset == bin && size >= page_size &&
                      size % page_size == 0 && size <= size_ - bin;
    return good ? size : 0;
}

std::uint32_t Storage::first_bad_cell(std::uint32_t bin, std::uint32_t bin_size) const {
    const std::uint32_t end = bin + bin_size;
    std::uint32_t offset = bin + first_cell;
    while (offset < end) {
        prefetch(offset + read_ahead);
        const std::uint32_t size = cell_size_at(offset);
        if (size < 8 || size % 8 != 0 || size > end - offset) return offset;
        offset += size;
    }
    return end;
}

// Publishes a bin whose cells are good: the starts of its allocated cells, then its pages.
void Storage::adopt_bin(std::uint32_t bin, std::uint32_t bin_size) const {
    const std::uint32_t end = bin + bin_size;
    for (std::uint32_t offset = bin + first_cell; offset < end; offset += step_at(offset)) {
        if (stored_size_at(offset) < 0) allocated_.set(offset / 8);
    }
    adopt_pages(bin, end);
}

// The same of a small bin, if its cells are good, in one pass: nothing may be seen of them before all are.
bool Storage::adopt_small_bin(std::uint32_t bin, std::uint32_t bin_size) const {
    std::array<std::uint64_t, small_bin / bytes_of_word> starts;
    const std::size_t words = bin_size / bytes_of_word;
    std::fill_n(starts.begin(), words, 0);
    const std::uint32_t end = bin + bin_size;
    for (std::uint32_t ahead = 64; ahead < read_ahead; ahead += 64) prefetch(bin + ahead);
    for (std::uint32_t offset = bin + first_cell; offset < end;) {
        prefetch(offset + read_ahead);
        const std::uint32_t size = cell_size_at(offset);
        if (size < 8 || size % 8 != 0 || size > end - offset) return false;
        const std::uint64_t allocated = stored_size_at(offset) < 0 ? 1 : 0;
        starts[(offset - bin) / bytes_of_word] |= allocated << (offset / 8 % 64);
        offset += size;
    }
    for (std::size_t i = 0; i < words; ++i) allocated_.set_word(bin / bytes_of_word + i, starts[i]);
    adopt_pages(bin, end);
    return true;
}

void Storage::adopt_pages(std::uint32_t bin, std::uint32_t end) const {
    for (std::uint32_t page = end / page_size; page-- > bin / page_size;) {
        const bool first = page == bin / page_size;
        set_page(page, page_touched | page_sound | (first ? page_first : 0U));
    }
}

// Brings the free cells of an adopted bin into the lists, neighbours joined.
void Storage::enlist_bin(std::uint32_t bin) {
    const std::uint32_t end = bin + bin_size_at(bin);
    std::uint32_t free_from = end;  // start of the run of free cells just before `offset`
    for (std::uint32_t offset = bin + first_cell; offset < end;) {
        const bool free = stored_size_at(offset) > 0;
        const std::uint32_t size = step_at(offset);
        if (free && free_from == end) free_from = offset;
        if (!free && free_from != end) {
            enlist(free_from, offset - free_from);
            free_from = end;
        }
        offset += size;
    }
    if (free_from != end) enlist(free_from, end - free_from);
    const std::uint32_t page = bin / page_size;
    set_page(page, page_state(page) | page_enlisted);
}

// --- All at once.

void Storage::load_bins(FindingSink& sink, bool* changed) {
    for (std::uint32_t offset = 0; offset < size_;) offset += load_bin(offset, sink, changed);
    chain_end_ = size_;
}

// Returns the size of the bin at `offset`. A bin whose header cannot be trusted becomes an empty bin of one page: its
// length is unknown, and what follows is judged by itself.
std::uint32_t Storage::load_bin(std::uint32_t offset, FindingSink& sink, bool* changed) {
    if (const std::uint32_t size = bin_size_at(offset)) {
        load_cells(offset, size, sink, changed);
        return size;
    }
    const BinHeader& header = *rtl::record_at<BinHeader>(bytes(), offset);
    std::string actual =
        "signature " + number(header.signature) + " offset " + number(header.offset) + " size " + number(header.size);
    sink.report({FindingKind::bin, file_offset(offset), "a bin header for offset " + number(offset), std::move(actual),
                 "replaced by an empty bin"});
    *changed = true;
    std::memset(base_ + offset, 0, page_size);
    format_bin(offset, page_size);
    return page_size;
}

// What first_bad_cell, adopt_bin and enlist_bin do, in one pass.
void Storage::load_cells(std::uint32_t bin, std::uint32_t bin_size, FindingSink& sink, bool* changed) {
    const std::uint32_t end = bin + bin_size;
    std::uint32_t free_from = end;  // start of the run of free cells just before `offset`
    for (std::uint32_t offset = bin + first_cell; offset < end;) {
        prefetch(offset + read_ahead);
        std::uint32_t size = cell_size_at(offset);
        if (size < 8 || size % 8 != 0 || size > end - offset) {
            sink.report({FindingKind::cell, file_offset(offset), "a multiple of 8, at most " + number(end - offset),
                         std::to_string(stored_size_at(offset)), "free space to the end of the bin"});
            *changed = true;
            size = end - offset;
            store_size(offset, static_cast<std::int32_t>(size));
        }
        if (stored_size_at(offset) > 0) {
            if (free_from == end) free_from = offset;
        } else {
            if (free_from != end) enlist(free_from, offset - free_from);
            free_from = end;
            allocated_.set(offset / 8);
        }
        offset += size;
    }
    if (free_from != end) enlist(free_from, end - free_from);
    for (std::uint32_t page = bin / page_size; page < end / page_size; ++page) {
        set_page(page, page_touched | page_sound | (page == bin / page_size ? page_first | page_enlisted : 0U));
    }
}

// --- At first touch.

bool Storage::touch(std::uint32_t offset) const {
    const std::uint32_t page = offset / page_size;
    if ((page_state(page) & page_touched) == 0) {
        rtl::ExclusiveGuard guard(touch_lock_);
        if ((page_state(page) & page_touched) == 0) touch_page(page);
    }
    return (page_state(page) & page_sound) != 0;
}

// Nearly always the bin of a page is the nearest one before it that has a header. Only where that does not hold, the
// headers are followed from the first one on; each page is visited once by that, however damaged the file.
void Storage::touch_page(std::uint32_t page) const {
    note_scattered_read();
    const std::uint32_t offset = page * page_size;
    const std::uint32_t nearest = nearest_bin(page);
    if (nearest != max_storage && touch_bin(nearest)) return;
    while (chain_end_ <= offset && extend_chain()) {
    }
    std::uint32_t bin = nearest;
    if (chain_end_ > offset) {
        bin = bin_of(offset);
        if (touch_bin(bin)) return;
    }
    const std::uint32_t size = bin == max_storage ? 0 : bin_size_at(bin);
    if (size != 0) {
        const std::uint32_t bad = first_bad_cell(bin, size);
        note(FindingKind::cell, bad < bin + size ? bad : offset, "cells that fill their bin", "others");
        for (std::uint32_t inner = bin / page_size; inner < (bin + size) / page_size; ++inner) {
            if ((page_state(inner) & page_touched) == 0) set_page(inner, page_state(inner) | page_touched);
        }
    } else {
        note(FindingKind::bin, offset, "a page of a bin", "a page of none");
    }
    set_page(page, page_state(page) | page_touched);
}

// The bin of an untouched page by the nearest header before it; max_storage when that does not cover the page.
std::uint32_t Storage::nearest_bin(std::uint32_t page) const {
    constexpr std::uint32_t look_back = 256;  // pages; longer bins are found by the chain
    for (std::uint32_t at = page; page - at < look_back; --at) {
        if ((page_state(at) & page_touched) != 0) break;
        const std::uint32_t size = bin_size_at(at * page_size);
        if (size != 0)
            return size / page_size > page - at && size <= look_back * page_size ? at * page_size : max_storage;
        if (at == 0) break;
    }
    return max_storage;
}

// False when the cells do not tile the bin, or when a part of it is known as something else.
bool Storage::touch_bin(std::uint32_t bin) const {
    const std::uint32_t size = bin_size_at(bin);
    if (size == 0) return false;
    for (std::uint32_t page = bin / page_size; page < (bin + size) / page_size; ++page) {
        const std::uint8_t state = page_state(page);
        if ((state & page_touched) != 0) return false;
        if ((state & page_first) != 0 && page != bin / page_size) return false;
    }
    if (size <= small_bin) return adopt_small_bin(bin, size);
    if (first_bad_cell(bin, size) != bin + size) return false;
    adopt_bin(bin, size);
    return true;
}

// One more bin of the chain of headers; false at its end, or where it breaks.
bool Storage::extend_chain() const {
    const std::uint32_t bin = chain_end_;
    if (bin >= size_ || chain_broken_) return false;
    const std::uint32_t size = bin_size_at(bin);
    bool good = size != 0;
    for (std::uint32_t page = bin / page_size; good && page < (bin + size) / page_size; ++page) {
        const std::uint8_t state = page_state(page);
        const bool is_first = (state & page_first) != 0;
        if ((state & page_sound) != 0 || is_first) good = is_first == (page == bin / page_size);
    }
    if (!good) {
        chain_broken_ = true;
        note(FindingKind::bin, bin, "a bin header for offset " + number(bin), "none that fits");
        return false;
    }
    set_page(bin / page_size, page_state(bin / page_size) | page_first);
    chain_end_ = bin + size;
    return true;
}

// The next bin of the chain, touched; false when there is none or it is not sound.
bool Storage::touch_next(std::uint32_t* bin) const {
    {
        rtl::ExclusiveGuard guard(touch_lock_);
        *bin = chain_end_;
        if (!extend_chain()) return false;
    }
    return touch(*bin);
}

std::uint32_t Storage::bin_of(std::uint32_t offset) const {
    std::uint32_t page = offset / page_size;
    while ((page_state(page) & page_first) == 0) --page;
    return page * page_size;
}

Result<std::uint32_t> Storage::enlist_until(std::uint32_t size) {
    constexpr int at_most = 256;  // bins: what one change may cost; the next one goes on from there
    for (int i = 0; i < at_most && chain_end_ < size_; ++i) {
        std::uint32_t bin = 0;
        if (!touch_next(&bin)) return fail(STATUS_REGISTRY_CORRUPT);
        if ((page_state(bin / page_size) & page_enlisted) == 0) enlist_bin(bin);
        const std::uint32_t offset = find_free(size);
        if (offset != max_storage) return offset;
    }
    return max_storage;
}

void Storage::note(FindingKind kind, std::uint32_t offset, std::string expected, std::string actual) const {
    suspect_.store(true, std::memory_order_relaxed);
    if (findings_.size() >= findings_kept) return;
    findings_.push_back({kind, file_offset(offset), std::move(expected), std::move(actual), {}});
}

void Storage::suspect(FindingKind kind, CellIndex cell, std::string expected, std::string actual) const {
    suspect({kind, file_offset(cell & ~volatile_bit), std::move(expected), std::move(actual), {}});
}

void Storage::suspect(const Finding& finding) const {
    rtl::ExclusiveGuard guard(touch_lock_);
    suspect_.store(true, std::memory_order_relaxed);
    if (findings_.size() < findings_kept) findings_.push_back(finding);
}

std::vector<Finding> Storage::suspicions() const {
    rtl::ExclusiveGuard guard(touch_lock_);
    return findings_;
}

// --- Checks.

Space Storage::space() const {
    Space space = {};
    space.bytes = size_;
    for (std::uint32_t bin = 0; bin < size_;) {
        const std::uint32_t bin_size = bin_size_at(bin);
        if (bin_size == 0) break;
        ++space.bins;
        if (first_bad_cell(bin, bin_size) == bin + bin_size) {
            for (std::uint32_t offset = bin + first_cell; offset < bin + bin_size; offset += step_at(offset)) {
                if (stored_size_at(offset) < 0) continue;
                ++space.free_cells;
                space.free_bytes += cell_size_at(offset);
                space.largest_free = std::max<std::uint64_t>(space.largest_free, cell_size_at(offset));
            }
        }
        const bool whole = cell_size_at(bin + first_cell) == bin_size - first_cell;
        space.free_tail = whole && stored_size_at(bin + first_cell) > 0 ? space.free_tail + bin_size : 0;
        bin += bin_size;
    }
    return space;
}

void Storage::check(FindingSink& sink) const {
    auto bad = [&](std::uint32_t offset, const char* expected, std::int64_t actual) {
        sink.report({FindingKind::cell, file_offset(offset), expected, std::to_string(actual), {}});
    };
    for (std::uint32_t bin = 0; bin < size_;) {
        const std::uint32_t bin_size = bin_size_at(bin);
        if (bin_size == 0) return bad(bin, "a bin header", rtl::record_at<BinHeader>(bytes(), bin)->size);
        const std::uint32_t wrong = first_bad_cell(bin, bin_size);
        if (wrong != bin + bin_size) return bad(wrong, "a cell size", stored_size_at(wrong));
        if (!touch(bin)) return bad(bin, "a bin by itself", bin_size);
        const bool enlisted = (page_state(bin / page_size) & page_enlisted) != 0;
        bool previous_free = false;
        for (std::uint32_t offset = bin + first_cell; offset < bin + bin_size; offset += step_at(offset)) {
            const std::int32_t stored = stored_size_at(offset);
            if (allocated_.test(offset / 8) != (stored < 0)) bad(offset, "an allocated cell marked as one", stored);
            if (enlisted && free_start_.test(offset / 8) != (stored > 0))
                bad(offset, "a free cell marked as one", stored);
            if (enlisted && stored > 0 && previous_free) bad(offset, "coalesced free cells", stored);
            previous_free = stored > 0;
        }
        bin += bin_size;
    }
}

}  // namespace regent::hive
