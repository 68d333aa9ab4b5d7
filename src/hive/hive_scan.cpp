#include "hive/hive_scan.h"

#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

HiveScan::HiveScan(const Hive& hive) : hive_(hive), impl_(*hive.impl_) {}

const std::vector<CellIndex>& HiveScan::subkeys(CellIndex key) {
    subkeys_.clear();
    const Cells& cells = impl_.cells;
    const KeyNode& node = impl_.node(key);
    const SubkeyList stable = cells.subkeys(key, node, StorageType::stable);
    const SubkeyList other = cells.subkeys(key, node, StorageType::volatile_);
    if (stable.count != 0 && other.count != 0) {  // two lists to merge: seldom, and not worth a second way
        for (std::uint32_t i = 0; const auto child = hive_.subkey_at(key, i); ++i) subkeys_.push_back(*child);
        return subkeys_;
    }
    if (stable.count != 0 && !impl_.sound_subkeys(key)) return subkeys_;
    const SubkeyList& only = stable.count != 0 ? stable : other;
    if (only.count == 0) return subkeys_;
    for_each_in_list(cells, only.list, [&](CellIndex child) {
        cells.prefetch(child);
        subkeys_.push_back(child);
        return subkeys_.size() < only.count;
    });
    return subkeys_;
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
        const auto sound = impl_.sound_value(key, ValueRef{element(i), i});
        if (!sound) continue;
        const Bytes cell = cells.data(sound->cell);
        const auto* record = rtl::record_at<KeyValue>(cell);
        if (record == nullptr) continue;
        const auto name = rtl::slice(cell, sizeof(KeyValue), record->name_size);
        values_.push_back(
            {*sound, record->type, record->data_size & ~value_inline_bit, (record->flags & value_tombstone) != 0,
             NameView(name.value_or(Bytes{}), (record->flags & value_comp_name) != 0), data_in_place(cells, *record)});
    }
    return values_;
}

}  // namespace regent::hive
