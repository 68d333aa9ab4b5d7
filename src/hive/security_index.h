// One security cell per distinct descriptor and storage: a circular list on disk, found by content here.
// docs/hive-format.md §7. Externally synchronised, like the hive.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "hive/cells.h"

namespace regent::hive {

// The descriptor in a security cell; empty when there is none.
Bytes descriptor_of(const Cells& cells, CellIndex security);

class SecurityIndex {
public:
    // A security cell with this descriptor and one more reference; made and linked beside `neighbour` (a cell of the
    // same storage, or nil for the first) when there is none.
    Result<CellIndex> acquire(Edit& edit, StorageType type, Bytes descriptor);
    // The same for the descriptor of a security cell that is there. ERRORS: INVALID_PARAMETER (it is not, in `type`).
    Result<CellIndex> share(Edit& edit, StorageType type, CellIndex security);
    Result<void> drop(Edit& edit, CellIndex security);
    // Commits the edit and takes over what it created and dropped. Never fails.
    void commit(Edit& edit);
    void add(const Cells& cells, CellIndex security);  // at load
    // The stable cells are found at the first acquire, by the circle that the cell of `root` is in.
    void be_lazy(CellIndex root) { unread_ = root; }
    // The index after other cells have taken the stable ones' place, with the root at `root`.
    SecurityIndex without_stable(CellIndex root) const;
    std::size_t size() const { return cells_by_hash_.size(); }

private:
    std::optional<CellIndex> find(const Cells& cells, StorageType type, Bytes descriptor) const;
    std::optional<CellIndex> any_of(StorageType type) const;
    Result<void> read_circle(const Cells& cells);
    void forget(const Cells& cells, CellIndex security);

    CellIndex unread_ = nil_cell;
    std::unordered_multimap<std::uint64_t, CellIndex> cells_by_hash_;
};

}  // namespace regent::hive
