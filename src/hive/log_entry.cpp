#include "hive/log_entry.h"

#include <algorithm>
#include <cstring>

namespace regent::hive {

namespace {

struct PageCopy {
    std::uint32_t page;
    const std::byte* bytes;
};

// The newest copy of each page that the hive still has, in ascending order.
std::vector<PageCopy> newest_copies(const StagedList& staged) {
    const std::uint32_t end = staged.back().bins_size / page_size;
    std::vector<PageCopy> copies;
    for (auto batch = staged.rbegin(); batch != staged.rend(); ++batch) {
        for (std::size_t i = 0; i < batch->pages.size(); ++i) {
            if (batch->pages[i] < end) copies.push_back({batch->pages[i], batch->bytes.data() + i * page_size});
        }
    }
    if (staged.size() == 1) return copies;
    const auto by_page = [](const PageCopy& a, const PageCopy& b) { return a.page < b.page; };
    std::stable_sort(copies.begin(), copies.end(), by_page);
    const auto same = [](const PageCopy& a, const PageCopy& b) { return a.page == b.page; };
    copies.erase(std::unique(copies.begin(), copies.end(), same), copies.end());
    return copies;
}

std::vector<LogPage> join_neighbours(const std::vector<PageCopy>& copies) {
    std::vector<LogPage> ranges;
    for (const PageCopy& copy : copies) {
        const std::uint32_t offset = copy.page * page_size;
        if (!ranges.empty() && ranges.back().offset + ranges.back().size == offset) {
            ranges.back().size = ranges.back().size + page_size;
        } else {
            ranges.push_back({offset, page_size});
        }
    }
    return ranges;
}

}  // namespace

StagedPages copy_dirty_pages(const Storage& storage) {
    StagedPages staged;
    staged.bins_size = storage.size();
    const std::size_t end = storage.size() / page_size;
    for (std::size_t page = storage.next_dirty_page(0); page < end; page = storage.next_dirty_page(page + 1)) {
        staged.pages.push_back(static_cast<std::uint32_t>(page));
    }
    staged.bytes.reserve(staged.pages.size() * page_size);
    const Bytes bins = storage.bytes();
    for (const std::uint32_t page : staged.pages) {
        const Bytes bytes = bins.subspan(std::size_t{page} * page_size, page_size);
        staged.bytes.insert(staged.bytes.end(), bytes.begin(), bytes.end());
    }
    return staged;
}

void append_entry(const StagedList& staged, const EntryPlace& place, std::vector<std::byte>& out,
                  std::vector<LoggedRange>& ranges) {
    const std::vector<PageCopy> copies = newest_copies(staged);
    const std::vector<LogPage> pages = join_neighbours(copies);
    const std::uint64_t head = sizeof(LogEntry) + pages.size() * sizeof(LogPage);
    const std::uint64_t end = place.log_offset + head + copies.size() * page_size;
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
    for (const PageCopy& copy : copies) {
        std::memcpy(entry_bytes.data() + at, copy.bytes, page_size);
        at += page_size;
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
