#include "hive/check.h"

#include <algorithm>
#include <cstring>

#include "hive/tree_proof.h"

namespace regent::hive {

TreeCheck::TreeCheck(Cells& cells, CellIndex root, FindingSink& sink, bool repair)
    : cells_(cells), root_(root), sink_(sink), repair_(repair) {}

void TreeCheck::report(FindingKind kind, CellIndex cell, std::string expected, std::string actual, const char* repair) {
    sink_.report({kind, offset_of(cell), std::move(expected), std::move(actual), repair_ ? repair : ""});
}

MutableBytes TreeCheck::mend(CellIndex cell) {
    changed_ = true;
    const MutableBytes data = cells_.stable().mutable_cell(cell);
    cells_.stable().mark_dirty(cell, static_cast<std::uint32_t>(data.size() + 4));
    return data;
}

bool TreeCheck::run() {
    if (!proven()) return walk();
    check_security_list();
    return true;
}

bool TreeCheck::walk() {
    claimed_.resize(cells_.stable().size() / 8 + 1);
    Bytes data;
    if (const char* defect = claim_key(root_, true, &data)) {
        report(FindingKind::key, root_, "the root key", defect, "");
        return false;
    }
    stack_.push_back({root_, 1});
    while (!stack_.empty()) {
        const Pending next = stack_.back();
        stack_.pop_back();
        check_key(next.key, next.depth);
    }
    check_security_list();
    return true;
}

bool TreeCheck::proven() {
    TreeProof proof(cells_, root_);
    if (!proof.run()) return false;
    for (const auto& [cell, references] : proof.security()) security_[cell] = {true, references};
    // Bounds that are too low would make callers' buffers too small; many real files have them, so they are no damage.
    if (repair_) {
        for (const TreeProof::Bounds& bounds : proof.low_bounds()) bounds.raise(node(bounds.key));
    }
    return true;
}

const char* subkeys_defect(const Cells& cells, CellIndex key, CellIndex root, std::vector<CellIndex>* subkeys) {
    const KeyNode& node = *cells.record<KeyNode>(key);
    const SubkeyList children = cells.subkeys(key, node, StorageType::stable);
    const char* defect = nullptr;
    std::uint32_t seen = 0;
    NameView last;
    for_each_in_list(cells, children.list, [&](CellIndex child) {
        const Bytes data = cells.data(child);
        defect = child == root || (child & volatile_bit) != 0 ? "no subkey" : key_record_defect(data, false);
        if (defect != nullptr) return false;
        const NameView name = name_of_sound_key(data);
        if (rtl::record_at<KeyNode>(data)->parent != key) defect = "a subkey of another key";
        if (seen != 0 && compare_folded(last, name) >= 0) defect = "names that do not rise";
        if (seen == children.count) defect = "a wrong number of subkeys";
        last = name;
        ++seen;
        if (subkeys != nullptr) subkeys->push_back(child);
        return defect == nullptr;
    });
    return defect == nullptr && seen != children.count ? "a wrong number of subkeys" : defect;
}

const char* TreeCheck::claim_key(CellIndex key, bool is_root, Bytes* data) {
    *data = take(key);
    if (data->empty()) {
        const bool there = (key & volatile_bit) == 0 && cells_.is_allocated(key);
        return there ? "a cell that belongs to something else" : "not an allocated cell";
    }
    const char* defect = key_record_defect(*data, is_root);
    if (defect != nullptr) unclaim(key);
    return defect;
}

void TreeCheck::check_key(CellIndex key, std::uint32_t depth) {
    if ((node(key).flags & key_predef_handle) != 0) {
        report(FindingKind::key, key, "no predefined-handle flag", "flags " + std::to_string(node(key).flags),
               "flag and values removed");
        if (repair_) {
            KeyNode& mended = mend_node(key);
            mended.flags = static_cast<std::uint16_t>(mended.flags & ~key_predef_handle);
            mended.value_count = 0;
            mended.value_list = nil_cell;
        }
    }
    check_class(key);
    check_key_security(key);
    check_values(key);
    check_subkeys(key, depth);
}

void TreeCheck::check_class(CellIndex key) {
    const KeyNode& record = node(key);
    if (record.class_size == 0) return;
    const CellIndex cell = record.class_cell;
    if (cells_.data(cell).size() >= record.class_size && claim(cell)) return;
    report(FindingKind::class_name, key, "a cell with " + std::to_string(record.class_size) + " bytes of class name",
           "cell " + std::to_string(cell), "class removed");
    if (!repair_) return;
    KeyNode& mended = mend_node(key);
    mended.class_size = 0;
    mended.class_cell = nil_cell;
}

void TreeCheck::drop_subkeys(CellIndex key, const char* expected, std::string actual) {
    report(FindingKind::subkey_list, key, expected, std::move(actual), "subkey list removed");
    if (!repair_) return;
    KeyNode& mended = mend_node(key);
    mended.subkey_count[0] = 0;
    mended.subkey_list[0] = nil_cell;
}

// Leaves and elements of the key's list; what is wrong when the list itself cannot be trusted.
const char* TreeCheck::collect(CellIndex key) {
    leaves_.clear();
    elements_.clear();
    const CellIndex list = node(key).subkey_list[0];
    const Bytes data = take(list);
    if (data.empty()) return "a cell that is free, out of range, or belongs to something else";
    bool whole = false;
    const ListView view = list_in(data, &whole);
    if (!view.is_leaf() && !view.is_index()) return "a list signature that is none";
    if (!whole) return "a list longer than its cell";
    if (view.is_leaf()) leaves_.push_back({list, view});
    for (std::size_t i = 0; view.is_index() && i < view.count; ++i) {
        const Bytes part = take(view.cell(i));
        if (part.empty()) return "a leaf that is free, out of range, or belongs to something else";
        leaves_.push_back({view.cell(i), list_in(part, &whole)});
        if (!leaves_.back().view.is_leaf()) return "a leaf signature that is none";
        if (!whole) return "a leaf longer than its cell";
    }
    for (std::uint32_t leaf = 0; leaf < leaves_.size(); ++leaf) {
        const ListView& part = leaves_[leaf].view;
        for (std::uint32_t i = 0; i < part.count; ++i) {
            elements_.push_back({leaf, i, part.cell(i), true, {}});
            cells_.prefetch(part.cell(i));
        }
    }
    return nullptr;
}

void TreeCheck::check_elements(CellIndex key) {
    for (Element& element : elements_) {
        Bytes data;
        const char* defect = claim_key(element.key, false, &data);
        if (defect != nullptr) {
            element.keep = false;
            report(FindingKind::key, key, "subkey at cell " + std::to_string(element.key), defect, "subkey removed");
            continue;
        }
        element.name = name_of_sound_key(data);
    }
}

// Names must rise strictly. Where they do not, the element that disturbs its neighbours goes: the earlier one when the
// following names fit before it, else the later one.
void TreeCheck::check_order() {
    std::vector<Element>& elements = elements_;
    auto name = [&](std::size_t i) -> const NameView& { return elements[i].name; };
    const auto rises = [&](std::size_t i) {
        return i == 0 || (elements[i - 1].keep && elements[i].keep && compare_folded(name(i - 1), name(i)) < 0);
    };
    std::size_t good = 0;
    while (good < elements.size() && rises(good)) ++good;
    if (good == elements.size()) return;
    std::vector<std::size_t> kept;
    auto next_after = [&](std::size_t i) {
        do ++i;
        while (i < elements.size() && !elements[i].keep);
        return i;
    };
    for (std::size_t i = 0; i < elements.size(); ++i) {
        if (!elements[i].keep) continue;
        if (kept.empty() || compare_folded(name(kept.back()), name(i)) < 0) {
            kept.push_back(i);
            continue;
        }
        const std::size_t next = next_after(i);
        const bool next_fits_before = next < elements.size() && compare_folded(name(next), name(kept.back())) < 0;
        const bool fits = kept.size() < 2 || compare_folded(name(kept[kept.size() - 2]), name(i)) < 0;
        std::size_t offender = i;
        if (next_fits_before && fits) {
            offender = kept.back();
            kept.back() = i;
        }
        elements[offender].keep = false;
        report(FindingKind::subkey_order, elements[offender].key, "names in rising order, none twice",
               "'" + rtl::to_utf8(name(offender).to_utf16()) + "' out of place", "subkey removed");
    }
}

// REQUIRES: the elements are those of the leaves, as rebuild left them.
void TreeCheck::check_hashes() {
    std::size_t number = 0;
    for (const auto& [leaf, view] : leaves_) {
        for (std::size_t i = 0; i < view.count; ++i, ++number) {
            while (!elements_[number].keep) ++number;
            if (view.signature != lh_signature) continue;
            const std::uint32_t expected = elements_[number].name.hash();
            if (view.hash(i) == expected) continue;
            report(FindingKind::subkey_list, leaf, "name hash " + std::to_string(expected),
                   std::to_string(view.hash(i)), "hash corrected");
            if (repair_) *rtl::record_at<Le32>(mend(leaf), sizeof(ListHeader) + i * 8 + 4) = expected;
        }
    }
}

// Writes the kept elements back into their leaves; empty leaves leave the index.
void TreeCheck::rebuild(CellIndex key) {
    std::vector<Leaf>& leaves = leaves_;
    const CellIndex list = node(key).subkey_list[0];
    std::vector<std::uint16_t> counts(leaves.size());
    for (const Element& element : elements_) {
        if (!element.keep) continue;
        const auto& [leaf, view] = leaves[element.leaf];
        const std::size_t size = view.element_size();
        const MutableBytes data = mend(leaf).subspan(sizeof(ListHeader));
        std::memmove(data.data() + counts[element.leaf]++ * size, data.data() + element.position * size, size);
    }
    std::uint32_t total = 0;
    std::vector<CellIndex> filled;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        rtl::record_at<ListHeader>(mend(leaves[i].cell))->count = counts[i];
        leaves[i].view.count = counts[i];
        total += counts[i];
        if (counts[i] != 0) filled.push_back(leaves[i].cell);
    }
    KeyNode& mended = mend_node(key);
    mended.subkey_count[0] = total;
    if (total == 0) mended.subkey_list[0] = nil_cell;
    if (total == 0 || leaves.empty() || leaves.front().cell == list) return;
    const MutableBytes index = mend(list);
    rtl::record_at<ListHeader>(index)->count = static_cast<std::uint16_t>(filled.size());
    for (std::size_t i = 0; i < filled.size(); ++i)
        *rtl::record_at<Le32>(index, sizeof(ListHeader) + i * 4) = filled[i];
}

void TreeCheck::check_subkeys(CellIndex key, std::uint32_t depth) {
    const std::uint32_t count = node(key).subkey_count[0];
    if (count == 0) return;
    if (depth >= max_key_depth) return drop_subkeys(key, "a depth of at most 512", "deeper");
    if (const char* defect = collect(key)) return drop_subkeys(key, "a subkey list", defect);
    check_elements(key);
    check_order();
    const auto kept = static_cast<std::size_t>(
        std::count_if(elements_.begin(), elements_.end(), [](const Element& element) { return element.keep; }));
    if (elements_.size() != count) {
        report(FindingKind::subkey_list, key, std::to_string(elements_.size()) + " subkeys", std::to_string(count),
               "count corrected");
    }
    const bool empty_leaf =
        std::any_of(leaves_.begin(), leaves_.end(), [](const Leaf& leaf) { return leaf.view.count == 0; });
    if (repair_ && (kept != elements_.size() || elements_.size() != count || empty_leaf)) rebuild(key);
    if (kept == elements_.size() || repair_) check_hashes();
    descend(key, depth);
}

void TreeCheck::descend(CellIndex key, std::uint32_t depth) {
    std::size_t max_name = 0;
    std::uint32_t max_class = 0;
    // The last is pushed first: a compact hive is then walked in its own order.
    for (auto element = elements_.rbegin(); element != elements_.rend(); ++element) {
        if (!element->keep) continue;
        const KeyNode& child = node(element->key);
        if (child.parent != key) {
            report(FindingKind::key, element->key, "parent " + std::to_string(key), std::to_string(child.parent),
                   "parent corrected");
            if (repair_) mend_node(element->key).parent = key;
        }
        max_name = std::max(max_name, element->name.byte_size());
        max_class = std::max<std::uint32_t>(max_class, child.class_size);
        stack_.push_back({element->key, depth + 1});
    }
    if (!repair_) return;
    // Bounds that are too low would make callers' buffers too small; many real files have them, so they are no damage.
    KeyNode& record = node(key);
    if (max_name > record.max_name) record.max_name = static_cast<std::uint16_t>(max_name);
    if (max_class > record.max_class) record.max_class = max_class;
}

}  // namespace regent::hive
