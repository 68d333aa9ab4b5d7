// The other half of LogWriter: what a log holds goes to the primary file.
#include <algorithm>

#include "hive/log_writer.h"
#include "rtl/time.h"

namespace regent::hive {

namespace {

constexpr std::size_t copy_step = 1 << 20;

// Writes ranges in ascending order, neighbours in one call.
class RangeWriter {
public:
    explicit RangeWriter(rtl::File& file) : file_(file) { buffer_.reserve(copy_step); }

    // Room for the range's bytes, to be filled before the next call. REQUIRES: size <= copy_step.
    Result<MutableBytes> add(std::uint64_t offset, std::size_t size) {
        if (buffer_.size() + size > copy_step || offset != start_ + buffer_.size()) {
            RG_TRY(flush());
            start_ = offset;
        }
        buffer_.resize(buffer_.size() + size);
        return MutableBytes(buffer_).last(size);
    }
    Result<void> flush() {
        if (buffer_.empty()) return {};
        RG_TRY(file_.write_at(bins_start + start_, buffer_));
        buffer_.clear();
        return {};
    }

private:
    rtl::File& file_;
    std::uint64_t start_ = 0;
    std::vector<std::byte> buffer_;
};

// The newest copy of each sector below `end`, in ascending order; what is in one piece in the bins and in the log stays
// so. REQUIRES: `logged` is in the order of writing; its offsets and sizes are whole sectors.
std::vector<LoggedRange> newest_ranges(const std::vector<LoggedRange>& logged, std::uint32_t end) {
    struct Copy {
        std::uint32_t offset;
        std::uint64_t log_offset;
    };
    std::vector<Copy> copies;
    for (auto range = logged.rbegin(); range != logged.rend(); ++range) {
        for (std::uint32_t at = 0; at < range->size && range->offset + at < end; at += sector_size) {
            copies.push_back({range->offset + at, range->log_offset + at});
        }
    }
    std::stable_sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.offset < b.offset; });
    std::vector<LoggedRange> ranges;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (i != 0 && copies[i].offset == copies[i - 1].offset) continue;  // an older one
        LoggedRange* const last = ranges.empty() ? nullptr : &ranges.back();
        const bool joins = last != nullptr && last->offset + last->size == copies[i].offset &&
                           last->log_offset + last->size == copies[i].log_offset && last->size < copy_step;
        if (joins) {
            last->size += sector_size;
        } else {
            ranges.push_back({copies[i].offset, sector_size, copies[i].log_offset});
        }
    }
    return ranges;
}

}  // namespace

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
    base_stale_ = false;
    return {};
}

void LogWriter::set_proven(bool proven) {
    rtl::ExclusiveGuard flushing(flusher_);
    proven_ = proven;
    if (!proven && base_.proof_signature == proof_signature) base_stale_ = true;  // it claims too much
}

// Zeros over what the other log held, now that it is in the primary. Has failed before: tried again by the next
// write-back, before that log is used again.
Result<void> LogWriter::clear_other_log() {
    rtl::File* log = nullptr;
    std::uint64_t used = 0;
    {
        rtl::ExclusiveGuard flushing(flusher_);
        log = logs_[1 - current_].get();
        used = used_[1 - current_];
    }
    if (used == 0) return {};
    const std::vector<std::byte> zeros(std::min<std::uint64_t>(used, copy_step));
    for (std::uint64_t at = 0; at < used; at += zeros.size()) {
        RG_TRY(log->write_at(at, Bytes(zeros).first(std::min<std::uint64_t>(zeros.size(), used - at))));
    }
    RG_TRY(sync(*log));
    rtl::ExclusiveGuard flushing(flusher_);
    used_[1 - current_] = 0;
    return {};
}

bool LogWriter::seal_current() {
    rtl::ExclusiveGuard flushing(flusher_);
    if (sealed_) return true;  // a write-back that failed left it
    if (end_ == 0 && !base_stale_) return false;
    const std::uint64_t used = end_ == 0 ? 0 : std::max(end_, tail_);
    sealed_.emplace(SealedLog{current_, std::move(ranges_), logged_size_, used, durable_.load()});
    ranges_.clear();
    due_.store(false);
    // With a stale base block and no entry there is nothing to seal, and the current log stays in use.
    if (used == 0) return true;
    current_ = 1 - current_;
    end_ = 0;
    tail_ = 0;
    return true;
}

// From the log and not from memory: memory may be ahead of it, and is locked by whoever changes it.
Result<void> LogWriter::copy_sealed() {
    if (sealed_->ranges.empty()) return {};
    rtl::File* log = nullptr;
    {
        rtl::ExclusiveGuard flushing(flusher_);
        log = logs_[sealed_->number].get();
    }
    RangeWriter writer(*primary_);
    for (const LoggedRange& range : newest_ranges(sealed_->ranges, sealed_->bins_size)) {
        const MutableBytes bytes = RG_TRY(writer.add(range.offset, range.size));
        const std::size_t got = RG_TRY(log->read_at(range.log_offset, bytes));
        if (got != bytes.size()) return fail(STATUS_REGISTRY_IO_FAILED);
    }
    RG_TRY(writer.flush());
    return sync(*primary_);
}

Result<void> LogWriter::finish_sealed() {
    const std::uint32_t old_bins_size = base_.bins_size;
    base_.bins_size = sealed_->bins_size;
    base_.last_written = static_cast<std::uint64_t>(rtl::nt_time_now());
    const bool more = end_ != 0;
    const std::uint32_t from = more ? first_sequence_ : next_sequence_.load(std::memory_order_relaxed);
    base_.proof_signature = proven_ && !more ? proof_signature : 0;
    base_.proof_sequence = proven_ && !more ? from : 0;
    RG_TRY(write_base(more ? from + 1 : from, from));
    primary_dirty_ = more;
    behind_.store(more, std::memory_order_relaxed);
    written_.store(sealed_->ticket, std::memory_order_release);
    if (sealed_->used != 0) used_[sealed_->number] = sealed_->used;
    sealed_.reset();
    cut_primary(old_bins_size);
    return {};
}

// After the base block no longer counts what goes. Failing is harmless: bytes after the last bin mean nothing.
void LogWriter::cut_primary(std::uint32_t old_bins_size) {
    if (base_.bins_size >= old_bins_size) return;
    static_cast<void>(primary_->truncate(std::uint64_t{bins_start} + base_.bins_size));
}

// The right to copy to the primary, for one thread at a time.
class LogWriter::CopyTurn {
public:
    explicit CopyTurn(LogWriter& writer) : writer_(writer) {
        rtl::ExclusiveGuard guard(writer_.copy_lock_);
        writer_.copy_done_.wait(writer_.copy_lock_, [this]() RG_NO_ANALYSIS { return !writer_.copying_; });
        writer_.copying_ = true;
    }
    ~CopyTurn() {
        rtl::ExclusiveGuard guard(writer_.copy_lock_);
        writer_.copying_ = false;
        writer_.copy_done_.notify_all();
    }
    CopyTurn(const CopyTurn&) = delete;
    CopyTurn& operator=(const CopyTurn&) = delete;

private:
    LogWriter& writer_;
};

Result<void> LogWriter::write_back() {
    const CopyTurn turn(*this);
    // Twice at most: what an earlier, failed write-back left, then the log of this moment.
    for (bool again = true; again;) {
        again = sealed_.has_value();
        if (failed()) return fail(STATUS_REGISTRY_IO_FAILED);
        if (!sealed_) RG_TRY(clear_other_log());
        if (!seal_current()) return {};
        RG_TRY(copy_sealed());
        rtl::ExclusiveGuard flushing(flusher_);
        if (failed()) return fail(STATUS_REGISTRY_IO_FAILED);
        RG_TRY(finish_sealed());
    }
    return clear_other_log();
}

// Everything staged is in the new primary; the logs are as those of an earlier life.
void LogWriter::forget_logs() {
    ranges_.clear();
    sealed_.reset();
    used_ = {};
    end_ = 0;
    tail_ = 0;
    alone_ = false;
    primary_dirty_ = false;
    base_stale_ = false;
    behind_.store(false, std::memory_order_relaxed);
    due_.store(false);
    rtl::ExclusiveGuard guard(queue_);
    pending_.clear();
    pending_count_.store(0, std::memory_order_release);
    const std::uint64_t last = last_ticket_.load(std::memory_order_relaxed);
    durable_.store(last, std::memory_order_release);
    written_.store(last, std::memory_order_release);
}

Result<void> LogWriter::replace_primary(std::unique_ptr<rtl::File>& file, const Replacement& replacement) {
    const CopyTurn turn(*this);
    rtl::ExclusiveGuard flushing(flusher_);
    if (failed()) return fail(STATUS_REGISTRY_IO_FAILED);
    BaseBlock next = base_;
    // Above every number in the old logs, also that of an append that failed.
    const std::uint32_t sequence = next_sequence_.load(std::memory_order_relaxed) + 1;
    next.primary_sequence = sequence;
    next.secondary_sequence = sequence;
    next.last_written = static_cast<std::uint64_t>(rtl::nt_time_now());
    next.minor = replacement.minor;
    next.root_cell = replacement.root;
    next.bins_size = replacement.bins_size;
    next.proof_signature = proven_ ? proof_signature : 0;
    next.proof_sequence = proven_ ? sequence : 0;
    next.checksum = checksum(next);
    RG_TRY(file->write_at(0, rtl::as_bytes(&next, sizeof(next))));
    RG_TRY(file->sync());
    RG_TRY(env_.rename(replacement.path, path_));
    if (const auto synced = env_.sync_directory_of(path_); !synced) {
        failed_.store(true);  // a crash may leave either file
        return synced;
    }
    primary_ = std::move(file);
    base_ = next;
    logged_size_ = replacement.bins_size;
    staged_size_.store(replacement.bins_size, std::memory_order_relaxed);
    next_sequence_.store(sequence, std::memory_order_relaxed);
    forget_logs();
    return {};
}

Result<void> LogWriter::write_recovered(Bytes bins, const BitMap& pages) {
    rtl::ExclusiveGuard flushing(flusher_);
    RangeWriter writer(*primary_);
    const std::size_t end = bins.size() / page_size;
    for (std::size_t page = pages.next_set(0); page < end; page = pages.next_set(page + 1)) {
        const MutableBytes out = RG_TRY(writer.add(page * page_size, page_size));
        const Bytes bytes = bins.subspan(page * page_size, page_size);
        std::copy(bytes.begin(), bytes.end(), out.begin());
    }
    RG_TRY(writer.flush());
    RG_TRY(sync(*primary_));
    base_.bins_size = static_cast<std::uint32_t>(bins.size());
    base_.last_written = static_cast<std::uint64_t>(rtl::nt_time_now());
    base_.proof_signature = 0;  // nothing of it was verified yet
    base_.proof_sequence = 0;
    const std::uint32_t next = next_sequence_.load(std::memory_order_relaxed);
    RG_TRY(write_base(next, next));
    behind_.store(false, std::memory_order_relaxed);
    return {};
}

}  // namespace regent::hive
