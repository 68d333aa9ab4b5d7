// Values of a key: the value list, value cells and their data (inline, one cell, or big data). docs/hive-format.md §6.
#pragma once

#include <cstdint>
#include <optional>

#include "hive/cells.h"

namespace regent::hive {

// `data`: the cell's.
inline NameView name_of_value(const Cells& cells, CellIndex value, Bytes data) {
    const auto* record = rtl::record_at<KeyValue>(data);
    if (record == nullptr || record->signature != vk_signature) {
        cells.met_damage(FindingKind::value, value, "a value");
        return {};
    }
    const auto name = rtl::slice(data, sizeof(KeyValue), record->name_size);
    return name ? NameView(*name, (record->flags & value_comp_name) != 0) : NameView();
}

inline NameView name_of_value(const Cells& cells, CellIndex value) {
    return name_of_value(cells, value, cells.data(value));
}

// Cut to what the list cell holds.
inline std::uint32_t value_count(const Cells& cells, const KeyNode& node) {
    const std::uint32_t count = node.value_count;
    if (count == 0) return 0;
    const std::size_t room = cells.data(node.value_list).size() / 4;
    if (room >= count) return count;
    cells.met_damage(FindingKind::value_list, node.value_list, "a list of values");
    return static_cast<std::uint32_t>(room);
}

inline CellIndex value_cell(const Cells& cells, const KeyNode& node, std::uint32_t index) {
    if (index >= node.value_count) return nil_cell;
    return rtl::load<std::uint32_t>(cells.data(node.value_list), std::uint64_t{index} * 4).value_or(nil_cell);
}

std::optional<ValueRef> find_value_in(const Cells& cells, const KeyNode& node, Utf16View name);

// The data in one piece, when it is in one piece.
inline std::optional<Bytes> data_in_place(const Cells& cells, const KeyValue& value) {
    const std::uint32_t size = value.data_size & ~value_inline_bit;
    if ((value.data_size & value_inline_bit) != 0) return rtl::as_bytes(&value.data, std::min(size, 4U));
    if (size == 0) return Bytes{};
    if (cells.big_data(size)) return std::nullopt;
    const Bytes data = cells.data(value.data);
    return data.first(std::min<std::size_t>(size, data.size()));
}
// True with the data of a value with which nothing is wrong, when it is in one piece.
inline bool plain_data(const Cells& cells, const KeyValue& value, Bytes* data) {
    const std::uint32_t size = value.data_size;
    const std::uint32_t inline_size = size & ~value_inline_bit;
    if (inline_size != size || size == 0) {
        *data = rtl::as_bytes(&value.data, inline_size);
        return inline_size <= 4;
    }
    const Bytes cell = cells.data(value.data);
    if (cell.size() < size || cells.big_data(size)) return false;
    *data = cell.first(size);
    return true;
}
std::size_t read_data(const Cells& cells, const KeyValue& value, std::uint64_t offset, MutableBytes out);

// Where the data of a value is: the two fields of its cell.
struct DataPlace {
    std::uint32_t size;  // with value_inline_bit
    std::uint32_t data;
};
Result<DataPlace> store_data(Edit& edit, StorageType type, Bytes data);
void release_data(Edit& edit, const KeyValue& value);

}  // namespace regent::hive
