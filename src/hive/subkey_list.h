// Subkey lists: leaves (li, lf, lh) and the index over leaves (ri), sorted by folded name. docs/hive-format.md §5.
#pragma once

#include <cstdint>
#include <optional>

#include "hive/cells.h"

namespace regent::hive {

// A list cell as far as its own bytes can be trusted: count is cut to what the cell holds.
inline constexpr std::size_t list_read_ahead = 8;
struct ListView {
    Bytes elements;
    std::uint16_t signature = 0;
    std::uint16_t count = 0;

    bool is_index() const { return signature == ri_signature; }
    bool is_leaf() const { return signature == li_signature || signature == lf_signature || signature == lh_signature; }
    std::size_t element_size() const { return signature == lf_signature || signature == lh_signature ? 8 : 4; }
    CellIndex cell(std::size_t i) const { return *rtl::load<std::uint32_t>(elements, i * element_size()); }
    std::uint32_t hash(std::size_t i) const { return *rtl::load<std::uint32_t>(elements, i * 8 + 4); }
};
ListView list_view(const Cells& cells, CellIndex list);
// The list in a cell's data, as far as it fits; `whole`: it is a list and fits.
ListView list_in(Bytes data, bool* whole);

// The stored name of a key; empty when `key` is no key node.
inline NameView name_of_key(const Cells& cells, CellIndex key) {
    const Bytes data = cells.data(key);
    const auto* node = rtl::record_at<KeyNode>(data);
    if (node == nullptr || node->signature != nk_signature) {
        cells.met_damage(FindingKind::key, key, "a key node");
        return {};
    }
    const auto name = rtl::slice(data, sizeof(KeyNode), node->name_size);
    return name ? NameView(*name, (node->flags & key_comp_name) != 0) : NameView();
}
std::uint32_t lf_hint(NameView name);

std::optional<CellIndex> find_in_list(const Cells& cells, CellIndex list, Utf16View name);
// How many elements have a name below `name`.
std::uint32_t count_below(const Cells& cells, CellIndex list, NameView name);
CellIndex element_at(const Cells& cells, CellIndex list, std::uint32_t index);  // nil when out of range
// Calls visit(cell) for the elements in order until it returns false. What comes next is asked for meanwhile.
template <typename Visit>
void for_each_in_list(const Cells& cells, CellIndex list, Visit visit) {
    if (list == nil_cell) return;
    const ListView view = list_view(cells, list);
    const std::size_t leaves = view.is_index() ? view.count : std::size_t{view.is_leaf()};
    for (std::size_t i = 0; i < leaves; ++i) {
        const ListView leaf = view.is_index() ? list_view(cells, view.cell(i)) : view;
        if (!leaf.is_leaf()) return;
        for (std::size_t j = 0; j < leaf.count; ++j) {
            if (j + list_read_ahead < leaf.count) cells.prefetch(leaf.cell(j + list_read_ahead));
            if (!visit(leaf.cell(j))) return;
        }
    }
}

// Where an element is, or would be: in leaf number `leaf_number` of the index (0 without one), at `position`.
struct ListPlace {
    CellIndex leaf = nil_cell;
    std::size_t leaf_number = 0;
    std::size_t position = 0;
    bool found = false;
};
ListPlace place_in_list(const Cells& cells, CellIndex list, Utf16View name);

// Both return the cell of the list afterwards (nil when it became empty).
// REQUIRES: `key` already has its name, for which `place` was found; the list has not changed since.
Result<CellIndex> insert_into_list(Edit& edit, CellIndex list, ListPlace place, CellIndex key, StorageType type);
Result<CellIndex> remove_from_list(Edit& edit, CellIndex list, CellIndex key);

}  // namespace regent::hive
