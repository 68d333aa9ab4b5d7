// Every stable cell that the tree of a hive refers to, with its part in it: for tools that account for the space of a
// hive or look for what is left of deleted keys. docs/hive-format.md §3 to §7.
#pragma once

#include <cstdint>
#include <functional>

#include "hive/hive.h"

namespace regent::hive {

enum class CellKind : std::uint8_t {
    key,
    class_name,
    subkey_leaf,
    subkey_index,
    value_list,
    value,
    value_data,
    big_data,  // db record
    big_list,  // its list of segments
    big_segment,
    security,
};
inline constexpr std::size_t cell_kinds = 11;
const char* to_string(CellKind kind);

struct LiveCell {
    CellIndex cell;
    CellKind kind;
    std::uint32_t used;  // bytes of the cell's data with a meaning; the rest is slack
    CellIndex key;       // whose it is; nil for security cells, which keys share
};

// The data of the allocated cell at `cell` as its own size field has it; empty when there is none.
Bytes cell_data(Bytes bins, CellIndex cell);
// Each cell once, a key before its subkeys. REQUIRES: the hive was validated at load.
void for_each_live_cell(const Hive& hive, const std::function<void(const LiveCell&)>& use);

}  // namespace regent::hive
