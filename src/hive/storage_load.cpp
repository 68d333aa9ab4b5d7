// Turns bytes from a file into bins and cells that can be trusted to tile their space, and checks that they still do.
#include <string>

#include "hive/storage.h"

namespace regent::hive {

namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

Result<void> Storage::load_bins(FindingSink& sink, bool* changed) {
    for (std::uint32_t offset = 0; offset < size_;) offset += load_bin(offset, sink, changed);
    return {};
}

// Returns the size of the bin at `offset`. A bin whose header cannot be trusted becomes an empty bin of one page: its
// length is unknown, and what follows is judged by itself.
std::uint32_t Storage::load_bin(std::uint32_t offset, FindingSink& sink, bool* changed) {
    const BinHeader& header = *rtl::record_at<BinHeader>(bytes(), offset);
    const std::uint32_t size = header.size;
    const bool good = header.signature == bin_signature && header.offset == offset && size >= page_size &&
                      size % page_size == 0 && size <= size_ - offset;
    if (good) {
        load_cells(offset, size, sink, changed);
        return size;
    }
    std::string actual =
        "signature " + number(header.signature) + " offset " + number(header.offset) + " size " + number(header.size);
    sink.report({FindingKind::bin, std::uint64_t{bins_start} + offset, "a bin header for offset " + number(offset),
                 std::move(actual), "replaced by an empty bin"});
    *changed = true;
    format_bin(offset, page_size);
    return page_size;
}

void Storage::load_cells(std::uint32_t bin, std::uint32_t bin_size, FindingSink& sink, bool* changed) {
    const std::uint32_t end = bin + bin_size;
    std::uint32_t offset = bin + static_cast<std::uint32_t>(sizeof(BinHeader));
    std::uint32_t free_from = end;  // start of the run of free cells just before `offset`
    while (offset < end) {
        const std::int32_t stored = stored_size_at(offset);
        const std::uint32_t size = static_cast<std::uint32_t>(stored < 0 && stored != INT32_MIN ? -stored : stored);
        if (size < 8 || size % 8 != 0 || size > end - offset) {
            sink.report({FindingKind::cell, std::uint64_t{bins_start} + offset,
                         "a multiple of 8, at most " + number(end - offset), std::to_string(stored),
                         "free space to the end of the bin"});
            *changed = true;
            if (free_from == end) free_from = offset;
            enlist(free_from, end - free_from);
            return;
        }
        if (stored > 0) {
            if (free_from == end) free_from = offset;
        } else {
            if (free_from != end) enlist(free_from, offset - free_from);
            free_from = end;
            allocated_.set(offset / 8);
        }
        offset += size;
    }
    if (free_from != end) enlist(free_from, end - free_from);
}

Storage::Space Storage::space() const {
    Space space = {};
    for (std::uint32_t bin = 0; bin < size_;) {
        const std::uint32_t bin_size = rtl::record_at<BinHeader>(bytes(), bin)->size;
        ++space.bins;
        for (std::uint32_t offset = bin + static_cast<std::uint32_t>(sizeof(BinHeader)); offset < bin + bin_size;) {
            const std::int32_t stored = stored_size_at(offset);
            if (stored > 0) {
                ++space.free_cells;
                space.free_bytes += static_cast<std::uint32_t>(stored);
            }
            offset += static_cast<std::uint32_t>(stored < 0 ? -stored : stored);
        }
        bin += bin_size;
    }
    return space;
}

void Storage::check(FindingSink& sink) const {
    auto bad = [&](std::uint32_t offset, const char* expected, std::int64_t actual) {
        sink.report({FindingKind::cell, std::uint64_t{bins_start} + offset, expected, std::to_string(actual), {}});
    };
    for (std::uint32_t bin = 0; bin < size_;) {
        const BinHeader& header = *rtl::record_at<BinHeader>(bytes(), bin);
        const std::uint32_t end = bin + header.size;
        if (header.signature != bin_signature || header.offset != bin || header.size < page_size || end > size_ ||
            end <= bin) {
            bad(bin, "a bin header", header.size);
            return;
        }
        bool previous_free = false;
        for (std::uint32_t offset = bin + static_cast<std::uint32_t>(sizeof(BinHeader)); offset < end;) {
            const std::int32_t stored = stored_size_at(offset);
            const std::uint32_t size = static_cast<std::uint32_t>(stored < 0 ? -stored : stored);
            if (size < 8 || size % 8 != 0 || size > end - offset) return bad(offset, "a cell size", stored);
            if (allocated_.test(offset / 8) != (stored < 0)) bad(offset, "an allocated cell marked as one", stored);
            if (free_start_.test(offset / 8) != (stored > 0)) bad(offset, "a free cell marked as one", stored);
            if (stored > 0 && previous_free) bad(offset, "coalesced free cells", stored);
            previous_free = stored > 0;
            offset += size;
        }
        bin = end;
    }
}

}  // namespace regent::hive
