#include "hive/value_index.h"

#include <algorithm>
#include <new>

#include "hive/value_data.h"

namespace regent::hive {

namespace {

// Where in the list the value is now: at its place, or below it by as many as were deleted before it.
std::optional<std::uint32_t> place_now(const Cells& cells, const KeyNode& node, ValueRef value) {
    const std::uint32_t count = value_count(cells, node);
    for (std::uint32_t i = std::min(value.index + 1, count); i-- > 0;) {
        if (value_cell(cells, node, i) == value.cell) return i;
    }
    return std::nullopt;
}

}  // namespace

std::optional<ValueRef> ValueIndex::find(const Cells& cells, const KeyNode& node, Utf16View name) const {
    std::optional<ValueRef> first;
    const auto [begin, end] = by_hash_.equal_range(rtl::name_hash(name));
    for (auto it = begin; it != end; ++it) {
        if (compare_folded(name_of_value(cells, it->second.cell), name) != 0) continue;
        const auto place = place_now(cells, node, it->second);
        if (place && (!first || *place < first->index)) first = ValueRef{it->second.cell, *place};
    }
    return first;
}

void ValueIndex::prepare(const Cells& cells, CellIndex key) {
    if (covers(key)) return;
    const KeyNode& node = *cells.record<KeyNode>(key);
    const std::uint32_t count = value_count(cells, node);
    if (count < worth_it) return;
    forget();
    try {
        by_hash_.clear();
        by_hash_.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            const CellIndex cell = value_cell(cells, node, i);
            by_hash_.emplace(name_of_value(cells, cell).hash(), ValueRef{cell, i});
        }
        key_ = key;
    } catch (const std::bad_alloc&) {
        by_hash_.clear();  // then names are found by walking
    }
}

void ValueIndex::added(Utf16View name, ValueRef value) {
    try {
        by_hash_.emplace(rtl::name_hash(name), value);
    } catch (const std::bad_alloc&) {
        forget();
    }
}

void ValueIndex::removed(Utf16View name, CellIndex value) {
    const auto [begin, end] = by_hash_.equal_range(rtl::name_hash(name));
    const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second.cell == value; });
    if (found != end) by_hash_.erase(found);
}

}  // namespace regent::hive
