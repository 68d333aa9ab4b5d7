#include "hive/tree_proof.h"

#include <algorithm>

#include "hive/check.h"
#include "hive/security_index.h"

namespace regent::hive {

TreeProof::TreeProof(const Cells& cells, CellIndex root) : cells_(cells), root_(root) {
    claimed_.resize(cells.stable().size() / 8 + 1);
}

void TreeProof::Bounds::raise(KeyNode& node) const {
    if (max_name > node.max_name) node.max_name = static_cast<std::uint16_t>(max_name);
    if (max_class > node.max_class) node.max_class = max_class;
    if (max_value_name > node.max_value_name) node.max_value_name = max_value_name;
    if (max_value_data > node.max_value_data) node.max_value_data = max_value_data;
}

bool TreeProof::run() {
    if (key_record_defect(take(root_), true) != nullptr) return false;
    stack_.push_back({root_, 1});
    while (!stack_.empty()) {
        const Pending next = stack_.back();
        stack_.pop_back();
        if (!prove(next)) return false;
    }
    return prove_security();
}

bool TreeProof::prove(const Pending& pending) {
    // Its cell was taken, and read as a key, where it was met.
    const Bytes cell = cells_.stable().allocated_cell(pending.key);
    const auto* node = rtl::record_at<KeyNode>(cell);
    if (node == nullptr || (node->flags & key_predef_handle) != 0) return false;
    if (node->class_size != 0 && take(node->class_cell).size() < node->class_size) return false;
    refer_to_security(node->security);
    Bounds bounds = {pending.key};
    if (node->value_count != 0 && !prove_values(*node, &bounds)) return false;
    if (node->subkey_count[0] != 0 && !prove_subkeys(pending, *node, &bounds)) return false;
    if (bounds.above(*node)) low_bounds_.push_back(bounds);
    return true;
}

bool TreeProof::prove_values(const KeyNode& node, Bounds* bounds) {
    const std::uint32_t count = node.value_count;
    const Bytes list = take(node.value_list);
    if (list.size() / 4 < count) return false;
    const auto element = [&](std::uint32_t i) { return *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4); };
    const Bytes bins = cells_.stable().bytes();
    for (std::uint32_t i = 0; i < count; ++i) cells_.prefetch(element(i));
    for (std::uint32_t i = 0; i < count; ++i) {
        constexpr std::uint32_t data_at = sizeof(Le32) + offsetof(KeyValue, data);
        if (const auto data = rtl::load<std::uint32_t>(bins, std::uint64_t{element(i)} + data_at))
            cells_.prefetch(*data);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!prove_value(node, take(element(i)), bounds)) return false;
    }
    return true;
}

inline bool TreeProof::prove_value(const KeyNode& owner, Bytes cell, Bounds* bounds) {
    if (value_record_defect(owner, cell) != nullptr) return false;
    const KeyValue& value = *rtl::record_at<KeyValue>(cell);
    const std::uint32_t size = value.data_size;
    const std::uint32_t plain_size = size & ~value_inline_bit;
    const std::uint32_t name_size = value.name_size;
    bounds->max_value_name =
        std::max(bounds->max_value_name, (value.flags & value_comp_name) != 0 ? name_size * 2 : name_size);
    bounds->max_value_data = std::max(bounds->max_value_data, plain_size);
    if (size != plain_size || size == 0) return plain_size <= 4;
    if (!cells_.big_data(size)) return take(value.data).size() >= size;
    return value_data_defect(cells_, value, [this](CellIndex part) { return !take(part).empty(); }) == nullptr;
}

bool TreeProof::prove_subkeys(const Pending& pending, const KeyNode& node, Bounds* bounds) {
    if (pending.depth >= max_key_depth) return false;
    const std::size_t first = stack_.size();
    const Bytes list = take(node.subkey_list[0]);
    bool whole = false;
    const ListView view = list_in(list, &whole);
    if (!whole) return false;
    seen_ = 0;
    if (view.is_index()) {
        for (std::size_t i = 0; i < view.count; ++i) {
            if (!prove_leaf(pending, take(view.cell(i)), bounds)) return false;
        }
    } else if (!prove_leaf(pending, list, bounds)) {
        return false;
    }
    // The first comes next: a compact hive is then walked in its own order.
    std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.end());
    return seen_ == node.subkey_count[0];
}

bool TreeProof::prove_leaf(const Pending& pending, Bytes leaf, Bounds* bounds) {
    bool whole = false;
    const ListView view = list_in(leaf, &whole);
    // (Repairs take an empty leaf out of its index, although it is no damage.)
    if (!whole || !view.is_leaf() || view.count == 0) return false;
    const bool hashed = view.signature == lh_signature;
    for (std::size_t i = 0; i < view.count; ++i) {
        if (i + list_read_ahead < view.count) cells_.prefetch(view.cell(i + list_read_ahead));
        const CellIndex child = view.cell(i);
        const Bytes cell = take(child);
        if (key_record_defect(cell, false) != nullptr) return false;
        const KeyNode& node = *rtl::record_at<KeyNode>(cell);
        const NameView name = name_of_sound_key(cell);
        if (node.parent != pending.key) return false;
        if (hashed && view.hash(i) != name.hash()) return false;
        if (seen_ != 0 && compare_folded(last_name_, name) >= 0) return false;
        last_name_ = name;
        ++seen_;
        bounds->max_name = std::max(bounds->max_name, static_cast<std::uint32_t>(name.byte_size()));
        bounds->max_class = std::max<std::uint32_t>(bounds->max_class, node.class_size);
        stack_.push_back({child, pending.depth + 1});
    }
    return true;
}

void TreeProof::refer_to_security(CellIndex cell) {
    if (last_references_ == nullptr || last_security_ != cell) {
        last_security_ = cell;
        last_references_ = &security_[cell];
    }
    ++*last_references_;
}

bool TreeProof::prove_security() {
    return std::all_of(security_.begin(), security_.end(), [this](const auto& used) {
        return (used.first & volatile_bit) == 0 && valid_descriptor(descriptor_of(cells_, used.first)) &&
               !take(used.first).empty();
    });
}

}  // namespace regent::hive
