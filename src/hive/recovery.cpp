#include "hive/recovery.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace regent::hive {

bool base_block_good(const BaseBlock& base) {
    return base.signature == base_signature && base.checksum == checksum(base);
}

namespace {

// How large a log may make the bins. What grows is logged, so more than the hive and the log together is damage; four
// times that are let through and found out by validation, whose work is then in proportion to what was given.
std::uint64_t size_limit(const Storage& bins, Bytes log) {
    constexpr std::uint64_t least = 1 << 20;
    return least + 5 * (std::uint64_t{bins.size()} + log.size());
}

struct Log {
    const LogFile* file;
    BaseBlock header;
};

// One verified entry of a new-form log.
struct Entry {
    LogEntry header;
    std::vector<LogPage> pages;
    std::vector<std::size_t> data;  // offset in the log of each page range
};

std::optional<Entry> read_entry(Bytes log, std::uint64_t at, std::uint32_t sequence) {
    const auto* header = rtl::record_at<LogEntry>(log, at);
    if (header == nullptr || header->signature != log_entry_signature || header->sequence != sequence) return {};
    const std::uint32_t size = header->size;
    const std::uint32_t bins_size = header->bins_size;
    if (size < sector_size || size % sector_size != 0 || bins_size % page_size != 0) return {};
    const auto bytes = rtl::slice(log, at, size);
    if (!bytes) return {};
    const std::uint64_t count = header->page_count;
    std::uint64_t data = sizeof(LogEntry) + count * sizeof(LogPage);
    if (data > size) return {};
    if (marvin32(bytes->subspan(sizeof(LogEntry))) != header->hash_1) return {};
    if (marvin32(bytes->first(offsetof(LogEntry, hash_2))) != header->hash_2) return {};
    Entry entry{*header, {}, {}};
    for (std::uint64_t i = 0; i < count; ++i) {
        const LogPage page = *rtl::record_at<LogPage>(*bytes, sizeof(LogEntry) + i * sizeof(LogPage));
        if (std::uint64_t{page.offset} + page.size > bins_size || page.size > size - data) return {};
        entry.pages.push_back(page);
        entry.data.push_back(static_cast<std::size_t>(at + data));
        data += page.size;
    }
    return entry;
}

// The sequence of the last entry that would apply, or nothing.
std::optional<std::uint32_t> last_entry(const Log& log) {
    std::optional<std::uint32_t> last;
    std::uint64_t at = sector_size;
    std::uint32_t expected = log.header.primary_sequence;
    while (const auto entry = read_entry(log.file->bytes(), at, expected)) {
        last = expected++;
        at += entry->header.size;
    }
    return last;
}

Result<void> apply_pages(Storage& bins, BitMap& changed, std::uint32_t bins_size, std::uint64_t limit) {
    if (bins_size > limit) return fail(STATUS_REGISTRY_CORRUPT);
    RG_TRY(bins.grow_raw(bins_size));
    bins.shrink_raw(bins_size);
    changed.resize(bins.size() / page_size + 1);
    return {};
}

void put_page(Storage& bins, BitMap& changed, std::uint64_t offset, Bytes data) {
    if (data.empty()) return;
    std::memcpy(bins.mutable_bytes().data() + offset, data.data(), data.size());
    for (std::uint64_t page = offset / page_size; page <= (offset + data.size() - 1) / page_size; ++page) {
        changed.set(static_cast<std::size_t>(page));
    }
}

// Applies the entries from `expected` on; returns the next expected sequence.
Result<std::uint32_t> apply_log(const Log& log, Storage& bins, Recovery& recovery) {
    const Bytes bytes = log.file->bytes();
    const std::uint64_t limit = size_limit(bins, bytes);
    std::uint32_t expected = log.header.primary_sequence;
    std::uint64_t at = sector_size;
    while (const auto entry = read_entry(bytes, at, expected)) {
        RG_TRY(apply_pages(bins, recovery.pages, entry->header.bins_size, limit));
        for (std::size_t i = 0; i < entry->pages.size(); ++i) {
            const LogPage& page = entry->pages[i];
            put_page(bins, recovery.pages, page.offset, bytes.subspan(entry->data[i], page.size));
        }
        recovery.base.bins_size = entry->header.bins_size;
        recovery.base.flags = (recovery.base.flags & ~1U) | (entry->header.flags & 1U);
        at += entry->header.size;
        ++expected;
    }
    return expected;
}

// Logs of one kind with a good header. A broken one is a Finding, unless it is only unused space.
std::vector<Log> good_logs(const std::vector<LogFile>& files, bool wanted, FindingSink& sink, bool* broken) {
    std::vector<Log> logs;
    for (const LogFile& file : files) {
        const auto* header = rtl::record_at<BaseBlock>(file.bytes());
        if (header == nullptr || (header->signature != base_signature && header->signature == 0U)) continue;
        const bool good = base_block_good(*header) && header->primary_sequence == header->secondary_sequence &&
                          (header->type == file_type_log || header->type == file_type_log_old ||
                           header->type == file_type_log_oldest);
        if (good) {
            logs.push_back({&file, *header});
            continue;
        }
        *broken = true;
        if (!wanted) continue;
        sink.report({FindingKind::log,
                     0,
                     file.name + ": a log header with checksum " + std::to_string(checksum(*header)),
                     "checksum " + std::to_string(header->checksum),
                     {}});
    }
    return logs;
}

Result<bool> recover_new(std::vector<Log> logs, Storage& bins, Recovery& recovery) {
    std::erase_if(logs, [&](const Log& log) { return log.header.type != file_type_log; });
    if (!recovery.base_was_good) {
        // Only the log with the latest entries says what the hive was.
        std::optional<std::uint32_t> best;
        std::optional<Log> chosen;
        for (const Log& log : logs) {
            const auto last = last_entry(log);
            if (!last || (best && *last <= *best)) continue;
            best = last;
            chosen = log;
        }
        if (!chosen) return false;
        recovery.base = chosen->header;
        logs = {*chosen};
    }
    const std::uint32_t oldest = recovery.base_was_good ? std::uint32_t{recovery.base.secondary_sequence} : 0;
    std::erase_if(logs, [&](const Log& log) { return log.header.primary_sequence < oldest; });
    std::sort(logs.begin(), logs.end(),
              [](const Log& a, const Log& b) { return a.header.primary_sequence < b.header.primary_sequence; });
    std::optional<std::uint32_t> next;
    for (const Log& log : logs) {
        if (next && log.header.primary_sequence != *next) break;
        const std::uint32_t after = RG_TRY(apply_log(log, bins, recovery));
        if (after == log.header.primary_sequence) {
            if (!next) continue;  // nothing in it; the other one may still stand alone
            break;
        }
        recovery.applied.push_back(log.file->name);
        next = after;
    }
    if (!next) return false;
    recovery.base.primary_sequence = *next;
    recovery.base.secondary_sequence = *next;
    return true;
}

Result<bool> apply_old(const Log& log, Storage& bins, Recovery& recovery) {
    const Bytes bytes = log.file->bytes();
    const std::uint32_t bins_size = log.header.bins_size;
    const auto signature = rtl::load<std::uint32_t>(bytes, sector_size);
    const auto map = rtl::slice(bytes, sector_size + 4, bins_size / page_size);
    if (signature != dirty_signature || !map || bins_size % page_size != 0) return false;
    std::vector<std::uint32_t> sectors;
    for (std::uint32_t i = 0; i < bins_size / sector_size; ++i) {
        if ((std::to_integer<unsigned>((*map)[i / 8]) >> (i % 8) & 1) != 0) sectors.push_back(i);
    }
    const std::uint64_t data = (sector_size + 4 + map->size() + sector_size - 1) / sector_size * sector_size;
    if (!rtl::slice(bytes, data, std::uint64_t{sectors.size()} * sector_size)) return false;
    RG_TRY(apply_pages(bins, recovery.pages, bins_size, size_limit(bins, bytes)));
    for (std::size_t i = 0; i < sectors.size(); ++i) {
        put_page(bins, recovery.pages, std::uint64_t{sectors[i]} * sector_size,
                 bytes.subspan(static_cast<std::size_t>(data) + i * sector_size, sector_size));
    }
    if (!recovery.base_was_good) recovery.base = log.header;
    recovery.base.bins_size = bins_size;
    const std::uint32_t next = std::max<std::uint32_t>(recovery.base.primary_sequence, log.header.primary_sequence);
    recovery.base.primary_sequence = next;
    recovery.base.secondary_sequence = next;
    return true;
}

Result<bool> recover_old(const std::vector<Log>& logs, Storage& bins, Recovery& recovery) {
    std::uint64_t time = recovery.base.last_written;
    if (!recovery.base_was_good) {
        const auto* bin = rtl::record_at<BinHeader>(bins.bytes());
        time = bin != nullptr && bin->signature == bin_signature ? std::uint64_t{bin->timestamp} : 0;
    }
    for (const Log& log : logs) {
        if (log.header.type == file_type_log || log.header.last_written != time) continue;
        const bool applied = RG_TRY(apply_old(log, bins, recovery));
        if (!applied) continue;
        recovery.applied.push_back(log.file->name);
        return true;
    }
    return false;
}

}  // namespace

Result<Recovery> recover(const BaseBlock& first, Storage& bins, const std::vector<LogFile>& logs, FindingSink& sink) {
    Recovery recovery;
    recovery.base = first;
    recovery.base_was_good = base_block_good(first);
    recovery.pages.resize(bins.size() / page_size + 1);
    const bool dirty = !recovery.base_was_good || first.primary_sequence != first.secondary_sequence;
    if (!dirty) return recovery;
    bool broken = false;
    const std::vector<Log> usable = good_logs(logs, true, sink, &broken);
    bool applied = RG_TRY(recover_new(usable, bins, recovery));
    if (!applied) applied = RG_TRY(recover_old(usable, bins, recovery));
    recovery.base.type = file_type_primary;
    if (applied) {
        recovery.state = LoadState::recovered;
        recovery.base.checksum = checksum(recovery.base);
        return recovery;
    }
    if (first.signature != base_signature) {
        sink.report({FindingKind::base_block, 0, "the signature regf", std::to_string(first.signature), {}});
        return fail(STATUS_NOT_REGISTRY_FILE);
    }
    recovery.state = first.primary_sequence != first.secondary_sequence ? LoadState::dirty : LoadState::clean;
    recovery.log_unusable = recovery.state == LoadState::dirty && broken;
    const std::uint32_t next = std::max<std::uint32_t>(first.primary_sequence, first.secondary_sequence);
    recovery.base.primary_sequence = next;
    recovery.base.secondary_sequence = next;
    return recovery;
}

bool check_base_block(BaseBlock& base, FindingSink& sink, bool* corrected) {
    bool usable = true;
    auto require = [&](bool good, std::uint64_t offset, const char* expected, std::uint64_t actual) {
        if (good) return;
        sink.report({FindingKind::base_block, offset, expected, std::to_string(actual), {}});
        usable = false;
    };
    auto correct = [&](Le32& field, bool good, std::uint32_t right, std::uint64_t offset, const char* expected) {
        if (good) return;
        sink.report({FindingKind::base_block, offset, expected, std::to_string(field), "corrected"});
        field = right;
        *corrected = true;
    };
    const std::uint32_t bins_size = base.bins_size;
    require(base.major == 1, 20, "major version 1", base.major);
    require(base.minor <= 6, 24, "minor version 0 to 6", base.minor);
    correct(base.type, base.type == file_type_primary, file_type_primary, 28, "file type 0 (primary)");
    correct(base.format, base.format == 1, 1, 32, "format 1");
    require(bins_size != 0 && bins_size % page_size == 0, 40, "a multiple of 4096", bins_size);
    require(base.root_cell < bins_size, 36, "a cell inside the bins", base.root_cell);
    correct(base.clustering, base.clustering >= 1 && base.clustering <= 8, 1, 44, "1 to 8");
    return usable;
}

}  // namespace regent::hive
