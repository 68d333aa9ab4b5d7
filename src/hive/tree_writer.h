// Writes a subtree as the bins of a new hive, compactly and in one pass: the source is only read, bins go to the file
// as they fill, and nothing is kept of a key but what its own list still needs. Externally synchronised.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hive/cells.h"

namespace regent::hive {

// Places cells one after another into bins, of a page unless a cell needs a larger one, and writes full bins out. What
// a cell leaves of a bin because it does not fit is filled by later ones, as long as that bin is still in the buffer.
class BinStream {
public:
    explicit BinStream(rtl::File& out) : out_(out) {}

    struct Cell {
        CellIndex index;
        MutableBytes data;  // exactly as asked; the caller fills it before the next call. Padding is zero.
    };
    // ERRORS: REGISTRY_QUOTA_LIMIT (2 GiB of bins), those of File::write_at.
    [[gnu::always_inline]] Result<Cell> place(std::size_t data_size) {
        if (data_size > max_cell_data) return fail(STATUS_INSUFFICIENT_RESOURCES);
        const std::uint32_t size = std::max(8U, Storage::room_for(static_cast<std::uint32_t>(data_size)) + 4);
        if (size > room_.end - room_.begin) [[unlikely]]
            RG_TRY(make_room(size));
        const std::uint32_t index = room_.begin;
        std::byte* const cell = buffer_.data() + (index - start_);
        std::memset(cell + size - 8, 0, 8);
        const std::int32_t stored = -static_cast<std::int32_t>(size);
        std::memcpy(cell, &stored, 4);
        room_.begin += size;
        return Cell{index, {cell + 4, data_size}};
    }
    // Changes bytes of a cell placed earlier, whether it is still in the buffer or in the file already.
    Result<void> patch(CellIndex cell, std::size_t offset, Bytes bytes);
    Result<std::uint32_t> finish();  // what is left goes to the file; returns the size of all bins

private:
    // What is not written yet. Larger: fewer patches reach back into the file. Smaller: the buffer stays in the cache.
    static constexpr std::size_t window = 1 << 20;
    // Room in the file is asked for in steps of this: cheaper than room for each write, and the end is not known.
    static constexpr std::uint64_t reserve_step = 16 << 20;

    struct Hole {
        std::uint32_t begin;
        std::uint32_t end;
    };
    static constexpr std::size_t max_holes = 32;

    Result<void> make_room(std::uint32_t cell_size);
    bool take_hole(std::uint32_t cell_size);
    Result<void> begin_bin(std::uint32_t cell_size);
    void leave_hole();
    void free_hole(Hole hole);
    Result<void> write_out();

    rtl::File& out_;
    std::vector<std::byte> buffer_;
    std::uint32_t start_ = 0;  // where the buffer lies in the bins
    std::uint32_t end_ = 0;    // of all bins
    std::uint64_t reserved_ = 0;
    Hole room_ = {0, 0};       // where the next cell goes when it fits
    std::vector<Hole> holes_;  // where others may, if it does not
};

using MovedKeys = std::vector<std::pair<CellIndex, CellIndex>>;  // from, to

class TreeWriter {
public:
    // `moved`, when given, is told where each key has gone.
    TreeWriter(const Cells& source, std::uint32_t minor, rtl::File& out, MovedKeys* moved = nullptr);

    struct Written {
        CellIndex root;
        std::uint32_t bins_size;
    };
    // Begins with the key `top`. ERRORS: as step.
    Result<void> begin(CellIndex top);
    // Writes up to `keys` more keys; true when that was all. The source must not have changed since begin().
    // ERRORS: REGISTRY_CORRUPT (a source whose cells do not make a tree), INVALID_PARAMETER (a value too large for the
    // format), those of BinStream. After one, the writer is of no use any more.
    Result<bool> step(std::size_t keys);
    // REQUIRES: step() said true.
    Written written() const { return written_; }

private:
    struct Pending {
        CellIndex from;
        CellIndex to;
    };
    struct Descriptor {
        CellIndex to;
        std::uint32_t references;
    };

    Result<CellIndex> put_key(CellIndex from, CellIndex parent);
    Result<void> put_class(const KeyNode& old, CellIndex to);
    Result<void> put_values(const KeyNode& old, CellIndex to);
    Result<CellIndex> put_value(CellIndex from);
    Result<CellIndex> put_data(const KeyValue& old, std::uint32_t size);
    Result<CellIndex> put_big_data(const KeyValue& old, std::uint32_t size);
    Result<CellIndex> put_security(CellIndex from);
    Result<bool> next_family();
    Result<void> collect_children(CellIndex list);
    Result<void> put_child();
    Result<void> end_family();
    Result<CellIndex> put_list();
    Result<CellIndex> put_leaf(std::size_t first, std::size_t count);
    Result<CellIndex> put_cells(std::span<const CellIndex> cells);
    Result<void> finish_security();

    const Cells& source_;
    const std::uint32_t minor_;
    BinStream out_;
    MovedKeys* moved_;
    BitMap seen_;  // keys that are written: a list that leads back ends the walk
    Written written_ = {nil_cell, 0};
    std::vector<Pending> stack_;       // keys whose children are still to come
    Pending parent_ = {};              // whose children are at work
    std::vector<CellIndex> children_;  // all of them, in the source
    std::vector<CellIndex> placed_;    // those that are written, in the new bins
    std::size_t families_below_ = 0;   // in stack_, what lies below the children of parent_
    std::vector<CellIndex> values_;
    std::vector<Descriptor> descriptors_;
    std::unordered_map<CellIndex, std::size_t> descriptor_of_cell_;
    std::unordered_map<std::string_view, std::size_t> descriptor_of_content_;
    CellIndex last_security_ = nil_cell;  // most keys have the descriptor of the key before
    std::size_t last_descriptor_ = 0;
};

}  // namespace regent::hive
