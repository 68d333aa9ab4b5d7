#include "hive/log_writer.h"

#include <algorithm>
#include <cstring>

#include "rtl/time.h"

namespace regent::hive {

namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

// One HvLE entry with the dirty pages, neighbours joined.
std::vector<std::byte> build_entry(Bytes bins, const Storage& storage, std::uint32_t sequence) {
    std::vector<LogPage> ranges;
    std::uint64_t data = 0;
    for (std::uint32_t offset = 0; offset < bins.size(); offset += page_size) {
        if (!storage.page_dirty(offset / page_size)) continue;
        data += page_size;
        if (!ranges.empty() && ranges.back().offset + ranges.back().size == offset) {
            ranges.back().size = ranges.back().size + page_size;
        } else {
            ranges.push_back({offset, page_size});
        }
    }
    const std::uint64_t size = round_up(sizeof(LogEntry) + ranges.size() * sizeof(LogPage) + data, sector_size);
    std::vector<std::byte> bytes(size);
    const MutableBytes out(bytes);
    std::size_t at = sizeof(LogEntry);
    for (const LogPage& range : ranges) {
        *rtl::record_at<LogPage>(out, at) = range;
        at += sizeof(LogPage);
    }
    for (const LogPage& range : ranges) {
        std::memcpy(bytes.data() + at, bins.data() + range.offset, range.size);
        at += range.size;
    }
    auto& entry = *rtl::record_at<LogEntry>(out);
    entry.signature = log_entry_signature;
    entry.size = static_cast<std::uint32_t>(size);
    entry.sequence = sequence;
    entry.bins_size = static_cast<std::uint32_t>(bins.size());
    entry.page_count = static_cast<std::uint32_t>(ranges.size());
    entry.hash_1 = marvin32(Bytes(bytes).subspan(sizeof(LogEntry)));
    entry.hash_2 = marvin32(Bytes(bytes).first(offsetof(LogEntry, hash_2)));
    return bytes;
}

}  // namespace

LogWriter::LogWriter(rtl::Env& env, std::string path, std::unique_ptr<rtl::File> primary, const BaseBlock& base,
                     std::uint32_t next_sequence, bool primary_dirty)
    : env_(env),
      path_(std::move(path)),
      next_sequence_(next_sequence),
      primary_(std::move(primary)),
      base_(base),
      primary_dirty_(primary_dirty) {}

std::string LogWriter::log_path(const std::string& path, int number) {
    return path + (number == 0 ? ".LOG1" : ".LOG2");
}

std::uint32_t LogWriter::sequence() const {
    rtl::ExclusiveGuard guard(queue_);
    return next_sequence_;
}

std::uint64_t LogWriter::last_ticket() const {
    rtl::ExclusiveGuard guard(queue_);
    return last_ticket_;
}

std::uint64_t LogWriter::enqueue(Bytes bins, const Storage& storage) {
    rtl::ExclusiveGuard guard(queue_);
    pending_.reserve(pending_.size() + 1);
    std::vector<std::byte> entry = build_entry(bins, storage, next_sequence_);
    pending_.push_back({++last_ticket_, next_sequence_++, std::move(entry)});
    return last_ticket_;
}

Result<void> LogWriter::sync(rtl::File& file) {
    const auto synced = file.sync();
    // What was written before may or may not be on the medium, and asking again would only hide that.
    if (!synced) failed_.store(true);
    return synced;
}

Result<void> LogWriter::commit(std::uint64_t ticket) {
    rtl::ExclusiveGuard flushing(flusher_);
    if (durable_ >= ticket) return {};  // another committer has written this batch with its own
    if (failed()) return fail(STATUS_REGISTRY_IO_FAILED);
    std::vector<Batch> batches;
    {
        rtl::ExclusiveGuard guard(queue_);
        batches.swap(pending_);
    }
    const auto written = write_batches(batches);
    if (written) {
        if (!batches.empty()) durable_ = batches.back().ticket;
        return {};
    }
    rtl::ExclusiveGuard guard(queue_);
    pending_.insert(pending_.begin(), std::make_move_iterator(batches.begin()), std::make_move_iterator(batches.end()));
    return written;
}

Result<rtl::File*> LogWriter::current_log() {
    std::unique_ptr<rtl::File>& log = logs_[current_];
    if (log == nullptr) {
        const std::string path = log_path(path_, static_cast<int>(current_));
        auto opened = RG_TRY(env_.open(path, rtl::OpenMode::create));
        log_sizes_[current_] = RG_TRY(opened->size());
        RG_TRY(env_.sync_directory_of(path));
        log = std::move(opened);
    }
    return log.get();
}

// Zeros are written ahead, so that an append changes no metadata and its sync is one write.
Result<void> LogWriter::reserve_log(rtl::File& log, std::uint64_t size) {
    constexpr std::uint64_t step = 64 * 1024;
    std::uint64_t& have = log_sizes_[current_];
    if (size <= have) return {};
    const std::uint64_t target = round_up(std::max(size, std::min(have * 2, have + 16 * step)), step);
    const std::vector<std::byte> zeros(target - have);
    RG_TRY(log.write_at(have, zeros));
    have = target;
    return {};
}

Result<void> LogWriter::write_batches(const std::vector<Batch>& batches) {
    if (batches.empty()) return {};
    rtl::File* log = RG_TRY(current_log());
    std::vector<std::byte> bytes;
    if (end_ == 0) {
        BaseBlock header = base_;
        header.type = file_type_log;
        header.primary_sequence = batches.front().sequence;
        header.secondary_sequence = batches.front().sequence;
        header.checksum = checksum(header);
        const Bytes raw = rtl::as_bytes(&header, sizeof(header));
        bytes.assign(raw.begin(), raw.end());
    }
    for (const Batch& batch : batches) bytes.insert(bytes.end(), batch.entry.begin(), batch.entry.end());
    RG_TRY(reserve_log(*log, end_ + bytes.size()));
    RG_TRY(log->write_at(end_, bytes));
    RG_TRY(sync(*log));
    // The log counts only beside a dirty primary; its entry is durable by now, so there is never a mark without one.
    if (!primary_dirty_) RG_TRY(mark_primary_dirty());
    end_ += bytes.size();
    const std::uint64_t limit = std::clamp<std::uint64_t>(entry_bins_size(batches.back()), 1 << 20, 32 << 20);
    if (end_ >= limit) due_.store(true);
    return {};
}

std::uint32_t LogWriter::entry_bins_size(const Batch& batch) {
    return rtl::record_at<LogEntry>(Bytes(batch.entry))->bins_size;
}

Result<void> LogWriter::write_base(std::uint32_t primary_sequence, std::uint32_t secondary_sequence) {
    BaseBlock next = base_;
    next.primary_sequence = primary_sequence;
    next.secondary_sequence = secondary_sequence;
    next.checksum = checksum(next);
    const auto written = primary_->write_at(0, rtl::as_bytes(&next, sizeof(next)));
    if (!written) {
        failed_.store(true);  // the sector that says clean or dirty may be torn; only a reload can tell
        return written;
    }
    RG_TRY(sync(*primary_));
    base_ = next;
    return {};
}

Result<void> LogWriter::mark_primary_dirty() {
    const std::uint32_t secondary = base_.secondary_sequence;
    RG_TRY(write_base(secondary + 1, secondary));
    primary_dirty_ = true;
    return {};
}

Result<void> LogWriter::write_pages(Bytes bins, const BitMap& pages) {
    for (std::size_t page = 0; page < bins.size() / page_size;) {
        if (!pages.test(page)) {
            ++page;
            continue;
        }
        const std::size_t first = page;
        while (page < bins.size() / page_size && pages.test(page)) ++page;
        const std::size_t offset = first * page_size;
        RG_TRY(primary_->write_at(bins_start + offset, bins.subspan(offset, (page - first) * page_size)));
    }
    return sync(*primary_);
}

Result<void> LogWriter::reconcile(Bytes bins, const BitMap& pages) {
    rtl::ExclusiveGuard flushing(flusher_);
    if (failed()) return fail(STATUS_REGISTRY_IO_FAILED);
    if (!primary_dirty_ && !pages.any()) return {};
    if (!primary_dirty_) RG_TRY(mark_primary_dirty());
    RG_TRY(write_pages(bins, pages));
    base_.bins_size = static_cast<std::uint32_t>(bins.size());
    base_.last_written = static_cast<std::uint64_t>(rtl::nt_time_now());
    const std::uint32_t next = sequence();
    RG_TRY(write_base(next, next));
    primary_dirty_ = false;
    current_ = 1 - current_;
    end_ = 0;
    due_.store(false);
    return {};
}

}  // namespace regent::hive
