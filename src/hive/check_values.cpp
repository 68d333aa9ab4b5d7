#include <algorithm>
#include <cstring>

#include "hive/check.h"
#include "hive/value_data.h"

namespace regent::hive {

void TreeCheck::drop_values(CellIndex key, FindingKind kind, std::string expected, std::string actual) {
    report(kind, key, std::move(expected), std::move(actual), "value list removed");
    if (!repair_) return;
    KeyNode& mended = mend_node(key);
    mended.value_count = 0;
    mended.value_list = nil_cell;
}

const char* TreeCheck::value_defect(const KeyNode& owner, Bytes data) {
    if (data.empty()) return "a cell that is free, out of range, or belongs to something else";
    if (const char* defect = value_record_defect(owner, data)) return defect;
    const KeyValue& value = *rtl::record_at<KeyValue>(data);
    const std::uint32_t size = value.data_size;
    const bool in_one_cell = size != 0 && (size & value_inline_bit) == 0 && !cells_.big_data(size);
    if (!in_one_cell) return value_data_defect_here(value);
    // Nearly all data: what value_data_defect says of it, with one look at the cell.
    const CellIndex cell = value.data;
    const Bytes bytes = take(cell);
    if (bytes.empty()) return "a data cell that is free, out of range, or belongs to something else";
    if (bytes.size() >= size) return nullptr;
    unclaim(cell);
    return "a data cell shorter than the data";
}

const char* TreeCheck::value_data_defect_here(const KeyValue& value) {
    claimed_data_.clear();
    const char* defect = value_data_defect(cells_, value, [this](CellIndex part) {
        if (!claim(part)) return false;
        claimed_data_.push_back(part);
        return true;
    });
    if (defect != nullptr) {
        for (CellIndex owned : claimed_data_) unclaim(owned);
    }
    return defect;
}

void TreeCheck::check_values(CellIndex key) {
    const KeyNode& owner = node(key);
    const std::uint32_t count = owner.value_count;
    if (count == 0) return;
    const CellIndex list = owner.value_list;
    const Bytes elements = take(list);
    if (elements.size() / 4 < count) {
        if (!elements.empty()) unclaim(list);
        return drop_values(key, FindingKind::value_list, "a list of " + std::to_string(count) + " values",
                           "cell " + std::to_string(list));
    }
    const auto element = [&](std::uint32_t i) { return *rtl::load<std::uint32_t>(elements, std::uint64_t{i} * 4); };
    std::uint32_t max_name = 0;
    std::uint32_t max_data = 0;
    dropped_.clear();
    for (std::uint32_t i = 0; i < count; ++i) cells_.prefetch(element(i));
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t at = element(i) + std::uint64_t{sizeof(Le32)};
        const auto* value = rtl::record_at<KeyValue>(cells_.stable().bytes(), at);
        if (value != nullptr) cells_.prefetch(value->data);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = element(i);
        const Bytes data = take(cell);
        if (const char* defect = value_defect(owner, data)) {
            report(FindingKind::value, key, "value " + std::to_string(i) + " at cell " + std::to_string(cell), defect,
                   "value removed");
            dropped_.push_back(i);
            continue;
        }
        const KeyValue& value = *rtl::record_at<KeyValue>(data);
        const bool compressed = (value.flags & value_comp_name) != 0;
        max_name = std::max(max_name, std::uint32_t{value.name_size} * (compressed ? 2 : 1));
        max_data = std::max(max_data, value.data_size & ~value_inline_bit);
    }
    if (!repair_) return;
    if (!dropped_.empty()) remove_values(key, list);
    KeyNode& record = node(key);
    if (max_name > record.max_value_name) record.max_value_name = max_name;
    if (max_data > record.max_value_data) record.max_value_data = max_data;
}

void TreeCheck::remove_values(CellIndex key, CellIndex list) {
    const MutableBytes bytes = mend(list);
    std::size_t kept = 0;
    std::size_t next_dropped = 0;
    for (std::uint32_t i = 0; i < node(key).value_count; ++i) {
        if (next_dropped < dropped_.size() && dropped_[next_dropped] == i) {
            ++next_dropped;
            continue;
        }
        *rtl::record_at<Le32>(bytes, 4 * kept++) = *rtl::record_at<Le32>(bytes, std::size_t{i} * 4);
    }
    KeyNode& mended = mend_node(key);
    mended.value_count = static_cast<std::uint32_t>(kept);
    if (kept == 0) mended.value_list = nil_cell;
}

}  // namespace regent::hive
