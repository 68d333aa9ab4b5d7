#include <algorithm>
#include <cstring>

#include "hive/check.h"
#include "hive/hive_impl.h"
#include "hive/security_index.h"

namespace regent::hive {

TreeCheck::Security& TreeCheck::security_of(CellIndex cell) {
    if (last_security_.second != nullptr && last_security_.first == cell) return *last_security_.second;
    const auto [known, is_new] = security_.try_emplace(cell);
    if (is_new) {
        const Bytes descriptor = (cell & volatile_bit) == 0 ? descriptor_of(cells_, cell) : Bytes{};
        known->second.good = valid_descriptor(descriptor) && claim(cell);
    }
    last_security_ = {cell, &known->second};
    return known->second;
}

// A key without a usable descriptor takes its parent's (checked before it, as parents are); the root takes the default.
void TreeCheck::check_key_security(CellIndex key) {
    const CellIndex security = node(key).security;
    Security& known = security_of(security);
    if (known.good) {
        ++known.references;
        return;
    }
    report(FindingKind::security, key, "a security cell with a valid descriptor", "cell " + std::to_string(security),
           key == root_ ? "default descriptor" : "parent's descriptor");
    if (!repair_) return;
    CellIndex substitute = key == root_ ? nil_cell : CellIndex{node(node(key).parent).security};
    if (substitute == nil_cell) {
        const Bytes descriptor = default_descriptor();
        const auto made = cells_.stable().allocate(static_cast<std::uint32_t>(sizeof(KeySecurity) + descriptor.size()));
        if (!made) return;
        substitute = *made;
        claimed_.resize(cells_.stable().size() / 8 + 1);
        claim(substitute);
        const MutableBytes data = mend(substitute);
        auto& record = *rtl::record_at<KeySecurity>(data);
        record.signature = sk_signature;
        record.flink = substitute;
        record.blink = substitute;
        record.descriptor_size = static_cast<std::uint32_t>(descriptor.size());
        std::memcpy(data.data() + sizeof(KeySecurity), descriptor.data(), descriptor.size());
        security_[substitute].good = true;
    }
    mend_node(key).security = substitute;
    ++security_[substitute].references;
}

// Follows the circle from the root's cell; false when it does not close, both ways, over cells that are security cells.
bool TreeCheck::walk_security_list(std::vector<CellIndex>& members) {
    const CellIndex start = node(root_).security;
    CellIndex cell = start;
    BitMap seen;
    seen.resize(cells_.stable().size() / 8 + 1);
    do {
        const auto* record = cells_.record<KeySecurity>(cell);
        if (record == nullptr || (cell & volatile_bit) != 0 || !cells_.is_allocated(cell) || seen.test(cell / 8)) {
            return false;
        }
        if (record->signature != sk_signature) return false;
        seen.set(cell / 8);
        members.push_back(cell);
        const auto* next = cells_.record<KeySecurity>(record->flink);
        if (next == nullptr || next->blink != cell) return false;
        cell = record->flink;
    } while (cell != start);
    return std::all_of(security_.begin(), security_.end(),
                       [&](const auto& known) { return known.second.references == 0 || seen.test(known.first / 8); });
}

void TreeCheck::relink_security() {
    security_list_.clear();
    for (const auto& [cell, known] : security_) {
        if (known.references != 0) security_list_.push_back(cell);
    }
    std::sort(security_list_.begin(), security_list_.end());
    for (std::size_t i = 0; i < security_list_.size(); ++i) {
        auto& record = *rtl::record_at<KeySecurity>(mend(security_list_[i]));
        record.flink = security_list_[(i + 1) % security_list_.size()];
        record.blink = security_list_[(i + security_list_.size() - 1) % security_list_.size()];
    }
}

void TreeCheck::check_security_list() {
    if (!walk_security_list(security_list_)) {
        report(FindingKind::security, node(root_).security, "a closed list of all security cells", "a broken one",
               "list rebuilt from the cells that keys use");
        if (!repair_) return;
        relink_security();
    }
    check_reference_counts();
}

void TreeCheck::check_reference_counts() {
    for (CellIndex cell : security_list_) {
        const auto known = security_.find(cell);
        const std::uint32_t expected = known == security_.end() ? 0 : known->second.references;
        const std::uint32_t stored = cells_.record<KeySecurity>(cell)->reference_count;
        if (stored == expected) continue;
        report(FindingKind::security, cell, std::to_string(expected) + " references", std::to_string(stored),
               "count corrected");
        if (repair_) rtl::record_at<KeySecurity>(mend(cell))->reference_count = expected;
    }
    // Unused cells with a bad descriptor stay in the circle but are never shared.
    std::erase_if(security_list_, [&](CellIndex cell) { return !valid_descriptor(descriptor_of(cells_, cell)); });
}

}  // namespace regent::hive
