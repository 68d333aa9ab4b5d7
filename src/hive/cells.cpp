#include "hive/cells.h"

#include <cstring>
#include <ranges>

namespace regent::hive {

void Edit::undo() {
    for (const Saved& saved : std::views::reverse(saved_)) {
        std::memcpy(fresh(saved.cell).data() + saved.offset, saved.bytes, saved.size);
    }
    for (const SavedList& saved : std::views::reverse(saved_lists_)) {
        if (saved.list.count == 0) {
            cells_.volatile_lists_.erase(saved.key);
        } else {
            cells_.volatile_lists_[saved.key] = saved.list;
        }
    }
    for (CellIndex cell : allocated_) cells_.storage(storage_of(cell)).release(cell);
    for (const Resized& grown : std::views::reverse(grown_)) {
        Storage& storage = cells_.storage(storage_of(grown.cell));
        if (storage.is_allocated(grown.cell)) storage.shrink(grown.cell, grown.size);
    }
}

Result<CellIndex> Edit::allocate(StorageType type, std::size_t data_size) {
    if (data_size > max_cell_data) return fail(STATUS_INSUFFICIENT_RESOURCES);
    allocated_.make_room();
    const CellIndex cell = RG_TRY(cells_.storage(type).allocate(static_cast<std::uint32_t>(data_size)));
    allocated_.push_back(cell);
    return cell;
}

void Edit::release_later(CellIndex cell) {
    if (cells_.is_allocated(cell)) doomed_.push_back(cell);
}

bool Edit::grow(CellIndex cell, std::size_t data_size) {
    if (data_size > max_cell_data || !cells_.is_allocated(cell)) return false;
    grown_.make_room();
    const std::uint32_t before = static_cast<std::uint32_t>(cells_.data(cell).size());
    if (!cells_.storage(storage_of(cell)).grow(cell, static_cast<std::uint32_t>(data_size))) return false;
    grown_.push_back({cell, before});
    return true;
}

void Edit::shrink_later(CellIndex cell, std::size_t data_size) {
    shrinking_.push_back({cell, static_cast<std::uint32_t>(data_size)});
}

MutableBytes Edit::change(CellIndex cell, std::size_t offset, std::size_t size) {
    const MutableBytes data = fresh(cell);
    RG_ASSERT(offset <= data.size() && size <= data.size() - offset);
    const MutableBytes range = data.subspan(offset, size);
    saved_.make_room();
    std::byte* bytes = take_room(size);
    std::memcpy(bytes, range.data(), size);
    saved_.push_back({cell, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size), bytes});
    const std::uint32_t start = (cell & ~volatile_bit) + 4 + static_cast<std::uint32_t>(offset);
    cells_.storage(storage_of(cell)).mark_dirty(start, static_cast<std::uint32_t>(size));
    return range;
}

void Edit::set_subkeys(CellIndex key, StorageType type, SubkeyList list) {
    if (type == StorageType::volatile_ && storage_of(key) == StorageType::stable) {
        // An emptied entry stays until the commit, so that undoing needs no memory.
        saved_lists_.push_back({key, cells_.subkeys(key, *cells_.record<KeyNode>(key), type)});
        cells_.volatile_lists_[key] = list;
        return;
    }
    auto& node = change_record<KeyNode>(key);
    node.subkey_count[static_cast<int>(type)] = list.count;
    node.subkey_list[static_cast<int>(type)] = list.list;
}

void Edit::commit() {
    committed_ = true;
    for (const SavedList& saved : saved_lists_) {
        const auto now = cells_.volatile_lists_.find(saved.key);
        if (now != cells_.volatile_lists_.end() && now->second.count == 0) cells_.volatile_lists_.erase(now);
    }
    for (const Resized& shrinking : shrinking_) {
        cells_.storage(storage_of(shrinking.cell)).shrink(shrinking.cell, shrinking.size);
    }
    // A damaged file may name a cell twice.
    for (CellIndex cell : doomed_) {
        if (cells_.is_allocated(cell)) cells_.storage(storage_of(cell)).release(cell);
    }
}

}  // namespace regent::hive
