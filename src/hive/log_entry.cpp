#include "hive/log_entry.h"

#include <algorithm>
#include <cstring>

namespace regent::hive {

namespace {

struct SectorCopy {
    std::uint32_t sector;
    const std::byte* bytes;
};

// The newest copy of each sector that the hive still has, in ascending order.
std::vector<SectorCopy> newest_copies(const StagedList& staged) {
    const std::uint32_t end = staged.back().bins_size / sector_size;
    std::size_t most = 0;
    for (const StagedSectors& batch : staged) most += batch.sectors.size();
    std::vector<SectorCopy> copies;
    copies.reserve(most);
    for (auto batch = staged.rbegin(); batch != staged.rend(); ++batch) {
        for (std::size_t i = 0; i < batch->sectors.size(); ++i) {
            if (batch->sectors[i] < end) copies.push_back({batch->sectors[i], batch->bytes.data() + i * sector_size});
        }
    }
    if (staged.size() == 1) return copies;
    const auto by_place = [](const SectorCopy& a, const SectorCopy& b) { return a.sector < b.sector; };
    std::stable_sort(copies.begin(), copies.end(), by_place);
    const auto same = [](const SectorCopy& a, const SectorCopy& b) { return a.sector == b.sector; };
    copies.erase(std::unique(copies.begin(), copies.end(), same), copies.end());
    return copies;
}

std::vector<LogPage> join_neighbours(const std::vector<SectorCopy>& copies) {
    std::vector<LogPage> ranges;
    ranges.reserve(copies.size());
    for (const SectorCopy& copy : copies) {
        const std::uint32_t offset = copy.sector * sector_size;
        if (!ranges.empty() && ranges.back().offset + ranges.back().size == offset) {
            ranges.back().size = ranges.back().size + sector_size;
        } else {
            ranges.push_back({offset, sector_size});
        }
    }
    return ranges;
}

}  // namespace

StagedSectors copy_dirty_sectors(const Storage& storage) {
    StagedSectors staged;
    staged.bins_size = storage.size();
    staged.sectors.reserve(storage.dirty_sectors());
    staged.bytes.reserve(storage.dirty_sectors() * sector_size);
    const Bytes bins = storage.bytes();
    const std::size_t end = storage.size() / sector_size;
    for (std::size_t sector = storage.next_dirty_sector(0); sector < end;
         sector = storage.next_dirty_sector(sector + 1)) {
        staged.sectors.push_back(static_cast<std::uint32_t>(sector));
        const Bytes bytes = bins.subspan(sector * sector_size, sector_size);
        staged.bytes.insert(staged.bytes.end(), bytes.begin(), bytes.end());
    }
    // Other recoverers take an entry without a range for none at all: a hive that only shrank logs its first sector.
    if (staged.sectors.empty() && !bins.empty()) {
        staged.sectors.push_back(0);
        staged.bytes.assign(bins.begin(), bins.begin() + sector_size);
    }
    return staged;
}

void append_entry(const StagedList& staged, const EntryPlace& place, std::vector<std::byte>& out,
                  std::vector<LoggedRange>& ranges) {
    const std::vector<SectorCopy> copies = newest_copies(staged);
    const std::vector<LogPage> pages = join_neighbours(copies);
    const std::uint64_t head = sizeof(LogEntry) + pages.size() * sizeof(LogPage);
    const std::uint64_t end = place.log_offset + head + copies.size() * sector_size;
    const std::uint64_t size = (end + page_size - 1) / page_size * page_size - place.log_offset;
    const std::size_t start = out.size();
    out.resize(start + size);
    const MutableBytes entry_bytes = MutableBytes(out).subspan(start);
    std::size_t at = sizeof(LogEntry);
    std::uint64_t data = place.log_offset + head;
    for (const LogPage& page : pages) {
        *rtl::record_at<LogPage>(entry_bytes, at) = page;
        at += sizeof(LogPage);
        ranges.push_back({page.offset, page.size, data});
        data += page.size;
    }
    for (const SectorCopy& copy : copies) {
        std::memcpy(entry_bytes.data() + at, copy.bytes, sector_size);
        at += sector_size;
    }
    auto& entry = *rtl::record_at<LogEntry>(entry_bytes);
    entry.signature = log_entry_signature;
    entry.size = static_cast<std::uint32_t>(size);
    entry.flags = place.flags;
    entry.sequence = place.sequence;
    entry.bins_size = staged.back().bins_size;
    entry.page_count = static_cast<std::uint32_t>(pages.size());
    entry.hash_1 = marvin32(entry_bytes.subspan(sizeof(LogEntry)));
    entry.hash_2 = marvin32(entry_bytes.first(offsetof(LogEntry, hash_2)));
}

}  // namespace regent::hive
