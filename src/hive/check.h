// Walks the stable tree and verifies every rule that the rest of the hive relies on; with `repair`, mends what it finds
// in memory by the self-heal table (docs/hive-format.md §8). The walk trusts nothing: each cell is claimed by one
// owner, so shared cells and cycles end it, and its work is bounded by the size of the hive.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "hive/cells.h"
#include "hive/finding.h"
#include "hive/subkey_list.h"

namespace regent::hive {

class TreeCheck {
public:
    TreeCheck(Cells& cells, CellIndex root, FindingSink& sink, bool repair);

    bool run();  // false: the root cell is unusable and there is no tree
    bool changed() const { return changed_; }
    const std::vector<CellIndex>& security_cells() const { return security_list_; }

private:
    struct Pending {
        CellIndex key;
        std::uint32_t depth;
    };
    struct Element {
        std::size_t leaf;  // number in the index
        std::size_t position;
        CellIndex key;
        bool keep;
    };

    std::uint64_t offset_of(CellIndex cell) const { return std::uint64_t{bins_start} + (cell & ~volatile_bit); }
    // Reports; the repair is named only when one is made.
    void report(FindingKind kind, CellIndex cell, std::string expected, std::string actual, const char* repair);
    bool claim(CellIndex cell);  // false: not an allocated stable cell, or it has an owner already
    void unclaim(CellIndex cell) { claimed_.clear(cell / 8); }
    KeyNode& node(CellIndex key) { return *rtl::record_at<KeyNode>(cells_.stable().mutable_cell(key)); }
    // Writable bytes of a cell that a repair changes; the page becomes dirty.
    MutableBytes mend(CellIndex cell);
    KeyNode& mend_node(CellIndex key) { return *rtl::record_at<KeyNode>(mend(key)); }

    // Null when the cell may be a key node, else what is wrong with it.
    const char* key_defect(CellIndex key, bool is_root) const;
    void check_key(CellIndex key, std::uint32_t depth);
    void check_class(CellIndex key);
    void check_subkeys(CellIndex key, std::uint32_t depth);
    const char* collect(CellIndex key, std::vector<CellIndex>& leaves, std::vector<Element>& elements);
    void check_elements(CellIndex key, std::vector<Element>& elements);
    void check_order(std::vector<Element>& elements);
    void check_hashes(const std::vector<CellIndex>& leaves);
    void rebuild(CellIndex key, const std::vector<CellIndex>& leaves, const std::vector<Element>& elements);
    void drop_subkeys(CellIndex key, const char* expected, std::string actual);

    void check_values(CellIndex key);
    const char* value_defect(CellIndex key, CellIndex value);
    const char* data_defect(const KeyValue& value, std::vector<CellIndex>& claimed);
    const char* big_data_defect(const KeyValue& value, std::vector<CellIndex>& claimed);
    void drop_values(CellIndex key, FindingKind kind, std::string expected, std::string actual);

    void check_key_security(CellIndex key);
    bool security_usable(CellIndex security);
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
    std::unordered_map<CellIndex, bool> security_good_;
    std::unordered_map<CellIndex, std::uint32_t> references_;
    std::vector<CellIndex> security_list_;
};

}  // namespace regent::hive
