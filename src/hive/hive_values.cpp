// Changes of values. Each is one Edit: allocate first, change saved bytes, free last.
#include <algorithm>
#include <cstring>

#include "hive/hive_impl.h"
#include "hive/value_data.h"

namespace regent::hive {

namespace {

Result<CellIndex> new_value_cell(Edit& edit, StorageType type, Utf16View name, std::uint32_t value_type,
                                 const DataPlace& place) {
    const std::size_t name_bytes = stored_size(name);
    const CellIndex cell = RG_TRY(edit.allocate(type, sizeof(KeyValue) + name_bytes));
    auto& value = edit.fresh_record<KeyValue>(cell);
    value.signature = vk_signature;
    value.name_size = static_cast<std::uint16_t>(name_bytes);
    value.data_size = place.size;
    value.data = place.data;
    value.type = value_type;
    value.flags = compressible(name) && !name.empty() ? value_comp_name : std::uint16_t{0};
    store_name(name, edit.fresh(cell).subspan(sizeof(KeyValue), name_bytes));
    return cell;
}

struct ValueList {
    CellIndex cell;
    std::uint32_t count;
};

// Appends to the key's list, which moves to a larger cell when it is full. Returns what the key is to say of it.
Result<ValueList> append_to_list(Edit& edit, CellIndex key, CellIndex value) {
    const KeyNode& node = *edit.cells().record<KeyNode>(key);
    const std::uint32_t count = value_count(edit.cells(), node);
    const Bytes list = count == 0 ? Bytes{} : edit.cells().data(node.value_list);
    const std::size_t needed = (std::size_t{count} + 1) * 4;
    if (needed > max_cell_data) return fail(STATUS_INSUFFICIENT_RESOURCES);  // rounding left room that no copy has
    if (needed <= list.size() || (count != 0 && edit.grow(node.value_list, needed))) {
        *rtl::record_at<Le32>(edit.change(node.value_list, std::size_t{count} * 4, 4)) = value;
        return ValueList{node.value_list, count + 1};
    }
    const std::size_t room = std::min<std::size_t>(needed + count / 4 * 4, max_cell_data);
    const CellIndex moved = RG_TRY(edit.allocate(storage_of(key), room));
    std::copy_n(list.begin(), std::size_t{count} * 4, edit.fresh(moved).begin());
    *rtl::record_at<Le32>(edit.fresh(moved), std::uint64_t{count} * 4) = value;
    if (count != 0) edit.release_later(node.value_list);
    return ValueList{moved, count + 1};
}

bool fits_one_cell(const Cells& cells, std::size_t size) {
    return size > 4 && size <= max_cell_data && !cells.big_data(static_cast<std::uint32_t>(size));
}

// The cell serves for other data where it is: no allocation, fewer pages dirty. False: it does not.
bool resize_data(Edit& edit, CellIndex cell, std::size_t size) {
    const std::size_t room = edit.cells().data(cell).size();
    const std::size_t wanted = Storage::room_for(static_cast<std::uint32_t>(size));
    if (room < wanted) return edit.grow(cell, size);
    if (room > wanted) edit.shrink_later(cell, size);
    return true;
}

Result<void> replace_data(Edit& edit, CellIndex value, std::uint32_t type, Bytes data) {
    const KeyValue before = *edit.cells().record<KeyValue>(value);
    const std::uint32_t old_size = before.data_size;
    auto& changed = edit.change_record<KeyValue>(value);
    changed.type = type;
    changed.flags = static_cast<std::uint16_t>(changed.flags & ~value_tombstone);
    const bool in_cell = old_size > 4 && (old_size & value_inline_bit) == 0 && !edit.cells().big_data(old_size);
    if (in_cell && fits_one_cell(edit.cells(), data.size()) && resize_data(edit, before.data, data.size())) {
        changed.data_size = static_cast<std::uint32_t>(data.size());
        const std::size_t room = std::min<std::size_t>(edit.cells().data(before.data).size(),
                                                       Storage::room_for(static_cast<std::uint32_t>(data.size())));
        const MutableBytes out = edit.change(before.data, 0, room);
        std::memcpy(out.data(), data.data(), data.size());
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(data.size()), out.end(), std::byte{0});
        return {};
    }
    const DataPlace place = RG_TRY(store_data(edit, storage_of(value), data));
    changed.data_size = place.size;
    changed.data = place.data;
    release_data(edit, before);
    return {};
}

}  // namespace

Result<void> Hive::set_value(CellIndex key, Utf16View name, std::uint32_t type, Bytes data, std::int64_t time) {
    return set_value(key, find_value(key, name), name, type, data, time);
}

Result<void> Hive::set_value(CellIndex key, std::optional<ValueRef> existing, Utf16View name, std::uint32_t type,
                             Bytes data, std::int64_t time) {
    RG_TRY(existing ? impl_->require_writable_node(key) : impl_->require_writable(key));
    if (name.size() > max_value_name) return fail(STATUS_OBJECT_NAME_INVALID);
    if (data.size() > max_value_data) return fail(STATUS_INVALID_PARAMETER);
    CellIndex added = nil_cell;
    ValueList list = {};
    Edit edit(impl_->cells);
    if (existing) {
        RG_TRY(replace_data(edit, existing->cell, type, data));
    } else {
        const DataPlace place = RG_TRY(store_data(edit, storage_of(key), data));
        added = RG_TRY(new_value_cell(edit, storage_of(key), name, type, place));
        list = RG_TRY(append_to_list(edit, key, added));
    }
    auto& node = edit.change_record<KeyNode>(key);
    if (added != nil_cell) {
        node.value_count = list.count;
        node.value_list = list.cell;
    }
    if (name.size() * 2 > node.max_value_name) node.max_value_name = static_cast<std::uint32_t>(name.size() * 2);
    if (data.size() > node.max_value_data) node.max_value_data = static_cast<std::uint32_t>(data.size());
    if (time != 0) node.last_write_time = static_cast<std::uint64_t>(time);
    impl_->commit(edit);
    if (added != nil_cell) impl_->values.added(impl_->cells, key, added);
    return end_operation();
}

Result<void> Hive::delete_value(CellIndex key, Utf16View name, std::int64_t time) {
    RG_TRY(impl_->require_writable(key));
    const auto existing = find_value(key, name);
    if (!existing) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    Edit edit(impl_->cells);
    const KeyValue before = *impl_->cells.record<KeyValue>(existing->cell);
    auto& node = edit.change_record<KeyNode>(key);
    const std::uint32_t count = value_count(impl_->cells, node);
    if (count == 1) {
        edit.release_later(node.value_list);
        node.value_list = nil_cell;
    } else {
        const std::size_t from = std::size_t{existing->index} * 4;
        const MutableBytes tail = edit.change(node.value_list, from, std::size_t{count} * 4 - from);
        std::memmove(tail.data(), tail.data() + 4, tail.size() - 4);
        std::memset(tail.data() + tail.size() - 4, 0, 4);
    }
    node.value_count = count - 1;
    if (time != 0) node.last_write_time = static_cast<std::uint64_t>(time);
    release_data(edit, before);
    edit.release_later(existing->cell);
    impl_->commit(edit);
    impl_->values.removed(key, existing->cell, name);
    return end_operation();
}

}  // namespace regent::hive
