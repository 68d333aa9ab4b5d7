// Dirty sectors on their way to the log, and the HvLE entry made of them. docs/hive-format.md §10. Values, no locks.
#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "hive/format.h"
#include "hive/storage.h"

namespace regent::hive {

// A copy of the sectors that were dirty at one moment, in ascending order.
struct StagedSectors {
    std::uint64_t ticket = 0;
    std::uint32_t bins_size = 0;
    std::vector<std::uint32_t> sectors;
    std::vector<std::byte> bytes;  // sector_size for each
};
using StagedList =
    std::list<StagedSectors>;  // oldest first; a list, since putting back what could not be written must not fail
StagedSectors copy_dirty_sectors(const Storage& storage);

// Where a range of the bins stands in a log.
struct LoggedRange {
    std::uint32_t offset;  // from the start of the bins
    std::uint32_t size;
    std::uint64_t log_offset;
};

struct EntryPlace {
    std::uint64_t log_offset;  // where the entry will stand
    std::uint32_t sequence;
    std::uint32_t flags;
};

// One entry with the newest copy of each sector, appended to `out`, its ranges to `ranges`. It ends on a page boundary
// of the log, as Windows' do, so that the next append rewrites no sector of it. REQUIRES: `staged` is not empty.
void append_entry(const StagedList& staged, const EntryPlace& place, std::vector<std::byte>& out,
                  std::vector<LoggedRange>& ranges);

}  // namespace regent::hive
