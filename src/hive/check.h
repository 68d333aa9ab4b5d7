// Walks the stable tree and verifies every rule that the rest of the hive relies on; with `repair`, mends what it finds
// in memory by the self-heal table (docs/hive-format.md §8). The walk trusts nothing: each cell is claimed by one
// owner, so shared cells and cycles end it, and its work is bounded by the size of the hive.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "hive/cells.h"
#include "hive/finding.h"
#include "hive/subkey_list.h"
#include "hive/value_data.h"

namespace regent::hive {

// What is wrong with one record by itself, as far as reading it goes; null when nothing is. Used by the walk below and
// at every step through a storage that is not trusted yet.
inline const char* key_record_defect(Bytes data, bool is_root) {
    const auto* node = rtl::record_at<KeyNode>(data);
    if (node == nullptr) return "a cell too small for a key node";
    if (node->signature != nk_signature) return "no nk signature";
    const bool compressed = (node->flags & key_comp_name) != 0;
    const std::size_t size = node->name_size;
    if (size > data.size() - sizeof(KeyNode)) return "a name that leaves its cell";
    if (!compressed && size % 2 != 0) return "an odd number of bytes in a UTF-16 name";
    if (is_root) return nullptr;
    const NameView name(data.subspan(sizeof(KeyNode), size), compressed);
    if (name.empty()) return "an empty name";
    if (name[0] == 0) return "a name that begins with a NUL";
    if (name.size() > max_key_name + 1 || sizeof(KeyNode) + size > max_key_node) return "a name above 256 characters";
    return name.contains('\\') ? "a name with a backslash" : nullptr;
}

inline const char* value_record_defect(const KeyNode& owner, Bytes data) {
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

// Every cell of the data (not the value's own) goes through `claim`; false refuses it.
template <typename Claim>
const char* value_data_defect(const Cells& cells, const KeyValue& value, Claim claim);
// REQUIRES: key_record_defect found nothing. (The size once more: whoever writes to the file regardless may have
// changed it.)
inline NameView name_of_sound_key(Bytes cell) {
    const KeyNode& node = *rtl::record_at<KeyNode>(cell);
    const std::size_t size = std::min<std::size_t>(node.name_size, cell.size() - sizeof(KeyNode));
    return {cell.subspan(sizeof(KeyNode), size), (node.flags & key_comp_name) != 0};
}
// The list of subkeys of a key: names rise strictly, every element is a key whose parent this is, the count is right.
// Those that are sound so far go to `subkeys`, if there is one.
const char* subkeys_defect(const Cells& cells, CellIndex key, CellIndex root, std::vector<CellIndex>* subkeys);

template <typename Claim>
const char* value_data_defect(const Cells& cells, const KeyValue& value, Claim claim) {
    const std::uint32_t size = value.data_size;
    if ((size & value_inline_bit) != 0) {
        return (size & ~value_inline_bit) <= 4 ? nullptr : "more than 4 bytes of inline data";
    }
    if (size == 0) return nullptr;
    if (!claim(value.data)) return "a data cell that is free, out of range, or belongs to something else";
    if (!cells.big_data(size)) {
        return cells.data(value.data).size() >= size ? nullptr : "a data cell shorter than the data";
    }
    const auto* big = cells.record<BigData>(value.data);
    if (big == nullptr || big->signature != db_signature) return "no db record for data above 16344 bytes";
    const std::uint32_t segments = (size + big_data_segment - 1) / big_data_segment;
    if (size > max_value_data || big->count != segments) return "a wrong number of big-data segments";
    const Bytes list = cells.data(big->list);
    if (list.size() < std::size_t{segments} * 4 || !claim(big->list)) return "a bad big-data list";
    for (std::uint32_t i = 0; i < segments; ++i) {
        const CellIndex cell = *rtl::load<std::uint32_t>(list, std::uint64_t{i} * 4);
        const std::uint32_t wanted = std::min(big_data_segment, size - i * big_data_segment);
        if (cells.data(cell).size() < wanted || !claim(cell)) return "a bad big-data segment";
    }
    return nullptr;
}

class TreeCheck {
public:
    TreeCheck(Cells& cells, CellIndex root, FindingSink& sink, bool repair);

    bool run();   // false: the root cell is unusable and there is no tree
    bool walk();  // the same without the short way by a proof that there is nothing to find
    bool changed() const { return changed_; }
    const std::vector<CellIndex>& security_cells() const { return security_list_; }

private:
    struct Pending {
        CellIndex key;
        std::uint32_t depth;
    };
    struct Leaf {
        CellIndex cell;
        ListView view;
    };
    struct Element {
        std::uint32_t leaf;  // number in the index
        std::uint32_t position;
        CellIndex key;
        bool keep;
        NameView name;
    };

    std::uint64_t offset_of(CellIndex cell) const { return std::uint64_t{bins_start} + (cell & ~volatile_bit); }
    // Reports; the repair is named only when one is made.
    void report(FindingKind kind, CellIndex cell, std::string expected, std::string actual, const char* repair);
    bool claim(CellIndex cell) { return !take(cell).empty(); }
    // The data of the cell, claimed; empty: not an allocated stable cell, or it has an owner already.
    Bytes take(CellIndex cell) {
        if (cell >= cells_.stable().size() || !cells_.stable().is_allocated(cell) || claimed_.test(cell / 8)) return {};
        claimed_.set(cell / 8);
        return cells_.stable().allocated_cell(cell);
    }
    void unclaim(CellIndex cell) { claimed_.clear(cell / 8); }
    // REQUIRES: a key that was found good. (So its cell is not looked at again; but the mapped file is not ours alone.)
    KeyNode& node(CellIndex key) {
        return *rtl::record_at<KeyNode>(cells_.stable().mutable_bytes(), std::uint64_t{key} + sizeof(Le32));
    }
    // Writable bytes of a cell that a repair changes; the page becomes dirty.
    MutableBytes mend(CellIndex cell);
    KeyNode& mend_node(CellIndex key) { return *rtl::record_at<KeyNode>(mend(key)); }

    bool proven();  // there is nothing to be found but in the list of security cells
    // Claims the cell; null when it may be a key node, else what is wrong with it, and it is nobody's.
    const char* claim_key(CellIndex key, bool is_root, Bytes* data);
    void check_key(CellIndex key, std::uint32_t depth);
    void check_class(CellIndex key);
    void check_subkeys(CellIndex key, std::uint32_t depth);
    const char* collect(CellIndex key);
    void check_elements(CellIndex key);
    void check_order();
    void check_hashes();
    void descend(CellIndex key, std::uint32_t depth);
    void rebuild(CellIndex key);
    void drop_subkeys(CellIndex key, const char* expected, std::string actual);

    void check_values(CellIndex key);
    const char* value_defect(const KeyNode& owner, Bytes value);
    const char* value_data_defect_here(const KeyValue& value);
    void remove_values(CellIndex key, CellIndex list);  // those in dropped_
    void drop_values(CellIndex key, FindingKind kind, std::string expected, std::string actual);

    void check_key_security(CellIndex key);
    void check_security_list();
    bool walk_security_list(std::vector<CellIndex>& members);
    void relink_security();
    void check_reference_counts();

    Cells& cells_;
    CellIndex root_;
    FindingSink& sink_;
    bool repair_;
    bool changed_ = false;
    BitMap claimed_;
    std::vector<Pending> stack_;
    // Of the key that is being checked; kept for their memory.
    std::vector<CellIndex> claimed_data_;
    std::vector<std::uint32_t> dropped_;
    std::vector<Leaf> leaves_;
    std::vector<Element> elements_;
    struct Security {
        bool good = false;
        std::uint32_t references = 0;
    };
    Security& security_of(CellIndex cell);
    std::unordered_map<CellIndex, Security> security_;
    std::pair<CellIndex, Security*> last_security_ = {nil_cell, nullptr};  // neighbours often share one
    std::vector<CellIndex> security_list_;
};

}  // namespace regent::hive
