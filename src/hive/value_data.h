// Values of a key: the value list, value cells and their data (inline, one cell, or big data). docs/hive-format.md §6.
#pragma once

#include <cstdint>
#include <optional>

#include "hive/cells.h"

namespace regent::hive {

NameView name_of_value(const Cells& cells, CellIndex value);
std::uint32_t value_count(const Cells& cells, const KeyNode& node);  // cut to what the list cell holds
CellIndex value_cell(const Cells& cells, const KeyNode& node, std::uint32_t index);
std::optional<ValueRef> find_value_in(const Cells& cells, const KeyNode& node, Utf16View name);

// The data in one piece, when it is in one piece.
std::optional<Bytes> data_in_place(const Cells& cells, const KeyValue& value);
std::size_t read_data(const Cells& cells, const KeyValue& value, std::uint64_t offset, MutableBytes out);

// Where the data of a value is: the two fields of its cell.
struct DataPlace {
    std::uint32_t size;  // with value_inline_bit
    std::uint32_t data;
};
Result<DataPlace> store_data(Edit& edit, StorageType type, Bytes data);
void release_data(Edit& edit, const KeyValue& value);

}  // namespace regent::hive
