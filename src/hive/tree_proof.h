// Proves that TreeCheck would find nothing in a stable tree, without being able to say what it would find: the hives
// that are as they should be, nearly all, are validated by this alone, at three quarters of the price. Who
// gets no proof asks TreeCheck. The rules are the same, in the order in which memory is read; hive_flip_test holds the
// two against each other.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hive/bit_map.h"
#include "hive/cells.h"

namespace regent::hive {

class TreeProof {
public:
    TreeProof(const Cells& cells, CellIndex root);

    bool run();
    // How many keys point to each security cell.
    const std::unordered_map<CellIndex, std::uint32_t>& security() const { return security_; }
    // Keys whose bounds of names and data below them are too low, and what they should be at least. No damage.
    struct Bounds {
        CellIndex key;
        std::uint32_t max_name = 0;
        std::uint32_t max_class = 0;
        std::uint32_t max_value_name = 0;
        std::uint32_t max_value_data = 0;
        void raise(KeyNode& node) const;
        bool above(const KeyNode& node) const {
            return max_name > node.max_name || max_class > node.max_class || max_value_name > node.max_value_name ||
                   max_value_data > node.max_value_data;
        }
    };
    const std::vector<Bounds>& low_bounds() const { return low_bounds_; }

private:
    struct Pending {
        CellIndex key;
        std::uint32_t depth;
    };
    // The data of the cell, which is nobody else's from now on; empty: not an allocated cell, or it has an owner.
    [[gnu::always_inline]] Bytes take(CellIndex cell) {
        const Storage& stable = cells_.stable();
        if (cell >= stable.size() || !stable.is_allocated(cell) || claimed_.test(cell / 8)) return {};
        claimed_.set(cell / 8);
        return stable.allocated_cell(cell);
    }
    bool prove(const Pending& pending);
    bool prove_values(const KeyNode& node, Bounds* bounds);
    bool prove_value(const KeyNode& owner, Bytes cell, Bounds* bounds);
    bool prove_subkeys(const Pending& pending, const KeyNode& node, Bounds* bounds);
    bool prove_leaf(const Pending& pending, Bytes leaf, Bounds* bounds);
    bool prove_security();
    void refer_to_security(CellIndex cell);

    const Cells& cells_;
    const CellIndex root_;
    BitMap claimed_;
    std::vector<Pending> stack_;
    std::vector<Bounds> low_bounds_;
    std::unordered_map<CellIndex, std::uint32_t> security_;
    CellIndex last_security_ = nil_cell;  // neighbours often share one
    std::uint32_t* last_references_ = nullptr;
    NameView last_name_;  // of the list that is being read
    std::uint32_t seen_ = 0;
};

}  // namespace regent::hive
