#include "hive/value_index.h"

#include <algorithm>
#include <bit>
#include <new>

#include "hive/value_data.h"

namespace regent::hive {

void ValueIndex::insert(Slot slot) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = slot.hash;
    while (slots_[at & mask].cell != 0) ++at;
    slots_[at & mask] = slot;
    ++filled_;
}

// False: no memory.
bool ValueIndex::build(const Cells& cells, CellIndex key, const KeyNode& node) {
    set_key(nil_cell);
    const std::uint32_t count = value_count(cells, node);
    try {
        slots_.assign(std::bit_ceil(std::size_t{count} * 4), Slot{});
    } catch (const std::bad_alloc&) {
        return false;
    }
    filled_ = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = value_cell(cells, node, i);
        insert({cell, name_of_value(cells, cell).hash(), i});
    }
    set_key(key);
    count_ = count;
    return true;
}

// Of values with one name, which files may have, the first in the list.
std::optional<ValueRef> ValueIndex::find(const Cells& cells, CellIndex key, const KeyNode& node, Utf16View name) {
    rtl::ExclusiveGuard guard(lock_);
    if ((!knows(key) || count_ != node.value_count) && !build(cells, key, node))
        return find_value_in(cells, node, name);
    const std::uint32_t hash = rtl::name_hash(name);
    const std::size_t mask = slots_.size() - 1;
    Slot* found = nullptr;
    for (std::size_t at = hash; slots_[at & mask].cell != 0; ++at) {
        Slot& slot = slots_[at & mask];
        if (slot.cell == nil_cell || slot.hash != hash || (found != nullptr && found->position <= slot.position))
            continue;
        if (equal_folded(name_of_value(cells, slot.cell), name)) found = &slot;
    }
    if (found == nullptr) return std::nullopt;
    for (std::uint32_t i = std::min(found->position, count_ - 1) + 1; i-- > 0;) {
        if (value_cell(cells, node, i) != found->cell) continue;
        found->position = i;
        return ValueRef{found->cell, i};
    }
    return find_value_in(cells, node, name);
}

void ValueIndex::added(const Cells& cells, CellIndex key, CellIndex value) {
    if (!knows(key)) return;
    rtl::ExclusiveGuard guard(lock_);
    if ((filled_ + 1) * 2 > slots_.size()) {
        set_key(nil_cell);  // built anew, larger, by the next search
        return;
    }
    insert({value, name_of_value(cells, value).hash(), count_});
    ++count_;
}

void ValueIndex::removed(CellIndex key, CellIndex value, Utf16View name) {
    if (!knows(key)) return;
    rtl::ExclusiveGuard guard(lock_);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = rtl::name_hash(name);
    while (slots_[at & mask].cell != 0 && slots_[at & mask].cell != value) ++at;
    if (slots_[at & mask].cell == value) slots_[at & mask].cell = nil_cell;
    --count_;
}

void ValueIndex::forget(CellIndex key) {
    if (knows(key)) clear();
}

void ValueIndex::clear() {
    rtl::ExclusiveGuard guard(lock_);
    set_key(nil_cell);
}

}  // namespace regent::hive
