// Deleted keys and values that can still be read: records left in free cells (also where free cells were joined), in
// the slack of cells in use, in allocated cells that nothing refers to, and in what a file has behind its last bin.
// docs/hive-format.md §13.
#pragma once

#include <string>
#include <vector>

#include "hive/live_cells.h"

namespace regent::hive {

enum class Place : std::uint8_t { free_space, slack, lost_cell, behind_the_bins };
const char* to_string(Place place);
enum class DataState : std::uint8_t {
    whole,        // inline, or all its cells are where nothing else is
    overwritten,  // at least one byte belongs to something else now; no data is given
};

struct DeletedValue {
    CellIndex cell;
    Place place;
    Utf16 name;
    std::uint32_t type;
    std::uint32_t size;
    DataState state;
    std::vector<std::byte> data;
};

struct DeletedKey {
    CellIndex cell;
    Place place;
    Utf16 name;
    std::int64_t time;
    // Names from the root down to the key itself, over deleted parents too. Without `rooted`, the path begins at the
    // last ancestor whose record is still there.
    std::vector<Utf16> path;
    bool rooted;
    std::vector<DeletedValue> values;
};

// A value without a deleted key: of `key` when its value list still names it behind its end, else of nobody known.
struct OrphanValue {
    CellIndex key;  // nil: unknown
    DeletedValue value;
};

struct DeletedRecords {
    std::vector<DeletedKey> keys;     // by cell
    std::vector<OrphanValue> values;  // by cell
};

// REQUIRES: the hive was validated at load. Reads the image in memory; a bin that loading replaced holds nothing more.
// `behind` is what the file has behind the bins: bins that are no more, or were never used.
DeletedRecords find_deleted(const Hive& hive, Bytes behind = {});

}  // namespace regent::hive
