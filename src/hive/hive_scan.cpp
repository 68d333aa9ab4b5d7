#include "hive/hive_scan.h"

#include <algorithm>

#include "hive/check.h"
#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

namespace {

void collect(const Cells& cells, const SubkeyList& list, std::vector<CellIndex>& subkeys) {
    if (list.count == 0) return;
    for_each_in_list(cells, list.list, [&](CellIndex child) {
        subkeys.push_back(child);
        return subkeys.size() < list.count;
    });
}

}  // namespace

HiveScan::HiveScan(const Hive& hive) : impl_(*hive.impl_) {}

const std::vector<CellIndex>& HiveScan::subkeys(CellIndex key) {
    subkeys_.clear();
    compared_ = 0;
    const Cells& cells = impl_.cells;
    const KeyNode& node = impl_.node(key);
    const SubkeyList stable = cells.subkeys(key, node, StorageType::stable);
    const SubkeyList other = cells.subkeys(key, node, StorageType::volatile_);
    if (stable.count == 0) {
        collect(cells, other, subkeys_);
        return subkeys_;
    }
    if (!impl_.doubtful_subkeys(key)) {
        collect(cells, stable, subkeys_);
    } else if (!impl_.verified_subkeys(key, &subkeys_)) {
        subkeys_.clear();
        return subkeys_;
    }
    if (other.count != 0) merge(other);
    return subkeys_;
}

// Both lists are in order of names, and so is what comes of them.
void HiveScan::merge(const SubkeyList& list) {
    const Cells& cells = impl_.cells;
    others_.clear();
    collect(cells, list, others_);
    std::vector<CellIndex> merged;
    merged.reserve(subkeys_.size() + others_.size());
    auto other = others_.begin();
    for (const CellIndex subkey : subkeys_) {
        const NameView name = name_of_key(cells, subkey);
        for (; other != others_.end(); ++other) {
            ++compared_;
            if (compare_folded(name_of_key(cells, *other), name) > 0) break;
            merged.push_back(*other);
        }
        merged.push_back(subkey);
    }
    merged.insert(merged.end(), other, others_.end());
    subkeys_.swap(merged);
}

HiveScan::Key HiveScan::key(CellIndex key) const {
    const Bytes cell = impl_.cells.data(key);
    const auto* node = rtl::record_at<KeyNode>(cell);
    if (node == nullptr || node->signature != nk_signature) {
        impl_.cells.met_damage(FindingKind::key, key, "a key node");
        return {};
    }
    Key found;
    found.last_write_time = static_cast<std::int64_t>(std::uint64_t{node->last_write_time});
    found.flags = node->flags;
    // As Hive::flags: what a file says of a stable key means nothing.
    if (storage_of(key) == StorageType::stable) found.flags &= static_cast<std::uint16_t>(~key_volatile);
    found.security = node->security;
    const std::size_t name_size = node->name_size;
    if (name_size <= cell.size() - sizeof(KeyNode)) {
        found.name = NameView(cell.subspan(sizeof(KeyNode), name_size), (node->flags & key_comp_name) != 0);
    }
    if (node->class_size != 0) {
        found.class_name = rtl::slice(impl_.cells.data(node->class_cell), 0, node->class_size).value_or(Bytes{});
    }
    return found;
}

namespace {

// Of two lists in order of names what stands at `first` and behind it when they are one.
std::size_t merged_subkeys(const Cells& cells, const SubkeyList& stable, const SubkeyList& other, std::uint32_t first,
                           std::span<CellIndex> out) {
    // How many stable ones come before: the first whose place is not below `first` ends them.
    std::uint32_t low = 0;
    std::uint32_t high = std::min(stable.count, first);
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const NameView name = name_of_key(cells, element_at(cells, stable.list, middle));
        const bool before = middle + count_below(cells, other.list, name) < first;
        (before ? low : high) = before ? middle + 1 : middle;
    }
    CellIndex one = element_at(cells, stable.list, low);
    std::uint32_t at = first - low;
    CellIndex two = element_at(cells, other.list, at);
    std::size_t found = 0;
    while (found < out.size() && (one != nil_cell || two != nil_cell)) {
        const bool next_is_one = two == nil_cell || (one != nil_cell && compare_folded(name_of_key(cells, one),
                                                                                       name_of_key(cells, two)) < 0);
        out[found++] = next_is_one ? one : two;
        if (next_is_one) {
            one = element_at(cells, stable.list, ++low);
        } else {
            two = element_at(cells, other.list, ++at);
        }
    }
    return found;
}

}  // namespace

std::size_t HiveScan::subkeys(CellIndex key, std::uint32_t first, std::span<CellIndex> out) const {
    const Cells& cells = impl_.cells;
    const KeyNode& node = impl_.node(key);
    const SubkeyList stable = cells.subkeys(key, node, StorageType::stable);
    const SubkeyList other = cells.subkeys(key, node, StorageType::volatile_);
    if (stable.count != 0 && !impl_.sound_subkeys(key)) return 0;
    if (stable.count != 0 && other.count != 0) return merged_subkeys(cells, stable, other, first, out);
    std::size_t found = 0;
    const SubkeyList& only = stable.count != 0 ? stable : other;
    if (only.count <= first) return 0;
    const ListView view = list_view(cells, only.list);
    const std::size_t leaves = view.is_index() ? view.count : std::size_t{view.is_leaf()};
    const std::size_t wanted = std::min<std::size_t>(out.size(), only.count - first);
    for (std::size_t i = 0, skip = first; i < leaves && found < wanted; ++i) {
        const ListView leaf = view.is_index() ? list_view(cells, view.cell(i)) : view;
        if (!leaf.is_leaf()) break;
        for (std::size_t j = skip; j < leaf.count && found < wanted; ++j) out[found++] = leaf.cell(j);
        skip -= std::min<std::size_t>(skip, leaf.count);
    }
    return found;
}

void HiveScan::ask_for(CellIndex key) const {
    constexpr CellIndex line = 64;
    const Cells& cells = impl_.cells;
    cells.prefetch(key);
    cells.prefetch(key + line);
    cells.prefetch(key + 2 * line);
    cells.prefetch(key + 3 * line);
    cells.prefetch(key + 4 * line);
    cells.prefetch(key + 5 * line);
    cells.prefetch(key + 6 * line);
}

void HiveScan::ask_for_subkeys(CellIndex key) const {
    const KeyNode& node = impl_.node(key);
    if (node.subkey_count[0] != 0) impl_.cells.prefetch(node.subkey_list[0]);
}

std::uint32_t HiveScan::count_up_to(CellIndex key, Utf16View name) const {
    const Cells& cells = impl_.cells;
    const KeyNode& node = impl_.node(key);
    const NameView wide(std::as_bytes(std::span(name)), false);
    std::uint32_t count = 0;
    for (const StorageType type : {StorageType::stable, StorageType::volatile_}) {
        const SubkeyList list = cells.subkeys(key, node, type);
        if (list.count == 0) continue;
        count += count_below(cells, list.list, wide) + (find_in_list(cells, list.list, name) ? 1U : 0U);
    }
    return count;
}

const std::vector<HiveScan::Value>& HiveScan::values(CellIndex key) {
    values_.clear();
    const Cells& cells = impl_.cells;
    const KeyNode& node = impl_.node(key);
    const std::uint32_t count = value_count(cells, node);
    if (count == 0) return values_;
    const Bytes list = cells.data(node.value_list);
    const auto element = [&](std::uint32_t i) { return *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4); };
    for (std::uint32_t i = 0; i < count; ++i) cells.prefetch(element(i));
    for (std::uint32_t i = 0; i < count; ++i) {
        const ValueRef ref{element(i), i};
        const Bytes cell = cells.data(ref.cell);
        const auto* record = rtl::record_at<KeyValue>(cell);
        // Nearly all are verified and read by the same look at their two cells.
        const bool sound = storage_of(ref.cell) == storage_of(key) && value_record_defect(node, cell) == nullptr;
        if (Bytes data; sound && plain_data(cells, *record, &data)) {
            add(ref, cell).data = data;
        } else if (impl_.sound_value(key, ref) && record != nullptr) {
            add(ref, cell).data = data_in_place(cells, *record);
        }
    }
    return values_;
}

// REQUIRES: the cell holds a KeyValue.
HiveScan::Value& HiveScan::add(ValueRef ref, Bytes cell) {
    const KeyValue& record = *rtl::record_at<KeyValue>(cell);
    const std::size_t stored_size = record.name_size;
    const std::size_t name_size = stored_size <= cell.size() - sizeof(KeyValue) ? stored_size : 0;
    Value& value = values_.emplace_back();
    value.ref = ref;
    value.type = record.type;
    value.data_size = record.data_size & ~value_inline_bit;
    value.tombstone = (record.flags & value_tombstone) != 0;
    value.name = NameView(cell.subspan(sizeof(KeyValue), name_size), (record.flags & value_comp_name) != 0);
    return value;
}

}  // namespace regent::hive
