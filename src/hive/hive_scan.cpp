#include "hive/hive_scan.h"

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
