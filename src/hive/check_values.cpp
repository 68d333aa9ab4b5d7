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

const char* value_record_defect(const Cells& cells, const KeyNode& owner, CellIndex cell) {
    const Bytes data = cells.data(cell);
    const auto* value = rtl::record_at<KeyValue>(data);
    if (value == nullptr) return "a cell too small for a value";
    if (value->signature != vk_signature) return "no vk signature";
    const std::size_t name_size = value->name_size;
    if (name_size > data.size() - sizeof(KeyValue)) return "a name that leaves its cell";
    if ((value->flags & value_comp_name) == 0 && name_size % 2 != 0) return "an odd number of bytes in a UTF-16 name";
    const NameView name(data.subspan(sizeof(KeyValue), name_size), (value->flags & value_comp_name) != 0);
    if (name.size() > max_value_name) return "a name above 16383 characters";
    if ((owner.flags & key_sym_link) != 0) {
        constexpr std::uint32_t reg_link = 6;
        if (value->type != reg_link || compare_folded(name, u"SymbolicLinkValue") != 0) {
            return "a value other than SymbolicLinkValue on a link";
        }
    }
    return nullptr;
}

const char* TreeCheck::value_defect(CellIndex key, CellIndex cell) {
    if (!claim(cell)) return "a cell that is free, out of range, or belongs to something else";
    if (const char* defect = value_record_defect(cells_, node(key), cell)) return defect;
    claimed_data_.clear();
    const char* defect = value_data_defect(cells_, *cells_.record<KeyValue>(cell), [this](CellIndex data) {
        if (!claim(data)) return false;
        claimed_data_.push_back(data);
        return true;
    });
    if (defect != nullptr) {
        for (CellIndex owned : claimed_data_) unclaim(owned);
    }
    return defect;
}

void TreeCheck::check_values(CellIndex key) {
    const std::uint32_t count = node(key).value_count;
    if (count == 0) return;
    const CellIndex list = node(key).value_list;
    if (cells_.data(list).size() / 4 < count || !claim(list)) {
        return drop_values(key, FindingKind::value_list, "a list of " + std::to_string(count) + " values",
                           "cell " + std::to_string(list));
    }
    std::vector<CellIndex> kept;
    std::uint32_t max_name = 0;
    std::uint32_t max_data = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const CellIndex cell = value_cell(cells_, node(key), i);
        if (const char* defect = value_defect(key, cell)) {
            report(FindingKind::value, key, "value " + std::to_string(i) + " at cell " + std::to_string(cell), defect,
                   "value removed");
            continue;
        }
        kept.push_back(cell);
        max_name = std::max(max_name, static_cast<std::uint32_t>(name_of_value(cells_, cell).byte_size()));
        max_data = std::max(max_data, cells_.record<KeyValue>(cell)->data_size & ~value_inline_bit);
    }
    if (!repair_) return;
    if (kept.size() != count) {
        const MutableBytes bytes = mend(list);
        for (std::size_t i = 0; i < kept.size(); ++i) *rtl::record_at<Le32>(bytes, i * 4) = kept[i];
        KeyNode& mended = mend_node(key);
        mended.value_count = static_cast<std::uint32_t>(kept.size());
        if (kept.empty()) mended.value_list = nil_cell;
    }
    KeyNode& record = node(key);
    if (max_name > record.max_value_name) record.max_value_name = max_name;
    if (max_data > record.max_value_data) record.max_value_data = max_data;
}

}  // namespace regent::hive
