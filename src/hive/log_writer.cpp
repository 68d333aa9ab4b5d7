// Staging and committing: from dirty pages to a durable entry of the current log.
#include "hive/log_writer.h"

#include <algorithm>
#include <chrono>

namespace regent::hive {

namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

std::uint64_t nanoseconds_since(std::chrono::steady_clock::time_point begin) {
    const auto elapsed = std::chrono::steady_clock::now() - begin;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
}

}  // namespace

// The number after the base block's may stand in a log already: an entry whose flush was interrupted before the primary
// was marked, so that no recovery looks at it. The next life must not write another entry of that number.
LogWriter::LogWriter(rtl::Env& env, std::string path, std::unique_ptr<rtl::File> primary, const BaseBlock& base,
                     bool base_stale)
    : env_(env),
      path_(std::move(path)),
      staged_size_(base.bins_size),
      next_sequence_(std::max<std::uint32_t>(base.primary_sequence, base.secondary_sequence) + 1),
      primary_(std::move(primary)),
      base_(base),
      base_stale_(base_stale),
      logged_size_(base.bins_size),
      behind_(base_stale) {}

std::string LogWriter::log_path(const std::string& path, int number) {
    return path + (number == 0 ? ".LOG1" : ".LOG2");
}

std::uint64_t LogWriter::stage(const Storage& storage) {
    StagedList staged;
    staged.push_back(copy_dirty_sectors(storage));
    rtl::ExclusiveGuard guard(queue_);
    const std::uint64_t ticket = last_ticket_.load(std::memory_order_relaxed) + 1;
    staged.back().ticket = ticket;
    pending_.splice(pending_.end(), staged);
    pending_count_.store(pending_.size(), std::memory_order_release);
    staged_size_.store(storage.size(), std::memory_order_relaxed);
    last_ticket_.store(ticket, std::memory_order_release);
    return ticket;
}

Result<void> LogWriter::sync(rtl::File& file) {
    const auto synced = file.sync();
    // What was written before may or may not be on the medium, and asking again would only hide that.
    if (!synced) failed_.store(true);
    return synced;
}

// Threads that flush in a loop come back just after the sync that served them; whoever is first then would sync alone,
// and the others after it. So an append waits for as many as the last one served and kept waiting, but never longer
// than a fraction of what waiting saves. A lone flusher never waits.
void LogWriter::await_companions() {
    constexpr std::uint64_t longest = 100'000;
    if (pending_count_.load(std::memory_order_acquire) >= expected_) return;
    const std::uint64_t limit = std::min(sync_ns_ / 3, longest);
    const auto began = std::chrono::steady_clock::now();
    while (pending_count_.load(std::memory_order_acquire) < expected_ && nanoseconds_since(began) < limit) {
    }
}

class LogWriter::EndTurn {
public:
    explicit EndTurn(Turn& turn) : turn_(turn) {}
    ~EndTurn() { turn_.unlock(); }
    EndTurn(const EndTurn&) = delete;
    EndTurn& operator=(const EndTurn&) = delete;

private:
    Turn& turn_;
};

// What a committer took from the queue. It goes back when it could not be written.
class LogWriter::TakenBatches {
public:
    explicit TakenBatches(LogWriter& writer) : writer_(writer) {
        rtl::ExclusiveGuard guard(writer_.queue_);
        batches.swap(writer_.pending_);
        writer_.pending_count_.store(0, std::memory_order_relaxed);
    }
    ~TakenBatches() {
        rtl::ExclusiveGuard guard(writer_.queue_);
        writer_.pending_.splice(writer_.pending_.begin(), batches);
        writer_.pending_count_.store(writer_.pending_.size(), std::memory_order_relaxed);
    }
    TakenBatches(const TakenBatches&) = delete;
    TakenBatches& operator=(const TakenBatches&) = delete;

    StagedList batches;

private:
    LogWriter& writer_;
};

// Who waits for its turn leaves when another's append has served it.
Result<void> LogWriter::commit(std::uint64_t ticket) {
    const auto settled = [&] { return failed() || durable_.load(std::memory_order_acquire) >= ticket; };
    if (settled() || !flusher_.take_unless(settled)) {
        return failed() ? Result<void>(fail(STATUS_REGISTRY_IO_FAILED)) : Result<void>();
    }
    return lead_commit();
}

// REQUIRES: this thread has the turn; it is given back.
Result<void> LogWriter::lead_commit() {
    const EndTurn end(flusher_);
    await_companions();
    TakenBatches taken(*this);
    RG_TRY(append(taken.batches));
    durable_.store(taken.batches.back().ticket, std::memory_order_release);
    expected_ = taken.batches.size() + pending_count_.load(std::memory_order_acquire);
    taken.batches.clear();
    return {};
}

Result<rtl::File*> LogWriter::current_log() {
    std::unique_ptr<rtl::File>& log = logs_[current_];
    if (log == nullptr) {
        const std::string path = log_path(path_, static_cast<int>(current_));
        auto opened = RG_TRY(env_.open_like(path, rtl::OpenMode::create, path_));
        log_sizes_[current_] = RG_TRY(opened->size());
        if (const auto synced = env_.sync_directory_of(path); !synced) {
            failed_.store(true);
            return std::unexpected(synced.error());
        }
        log = std::move(opened);
    }
    return log.get();
}

// The logs are of an earlier life, or came with another copy of this file. All their entries are in the primary or
// were never acknowledged; but the other log may look newer than what is written from now on, and a recovery that finds
// the base block torn takes the log with the latest entries; and what stays behind the first entry of this life could
// be taken for its next. So both are empty before that entry is written.
Result<void> LogWriter::empty_logs() {
    for (const std::size_t number : {1 - current_, current_}) {
        auto opened = env_.open(log_path(path_, static_cast<int>(number)), rtl::OpenMode::read_write);
        if (!opened && opened.error().code() == STATUS_OBJECT_NAME_NOT_FOUND) continue;
        const std::unique_ptr<rtl::File> log = RG_TRY(std::move(opened));
        const std::uint64_t size = RG_TRY(log->size());
        if (size == 0) continue;
        RG_TRY(log->truncate(0));
        RG_TRY(sync(*log));
        log_sizes_[number] = 0;
    }
    alone_ = true;
    return {};
}

// Nothing of an append that failed may lie behind the one that ends at `end`.
Result<void> LogWriter::clear_behind(rtl::File& log, std::uint64_t end) {
    if (tail_ > end) {
        RG_TRY(log.write_at(end, std::vector<std::byte>(tail_ - end)));
        RG_TRY(sync(log));
    }
    tail_ = end;
    return {};
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

Result<void> LogWriter::append(const StagedList& staged) {
    rtl::File* log = RG_TRY(current_log());
    const std::uint32_t sequence = next_sequence_.load(std::memory_order_relaxed);
    std::vector<std::byte> bytes;
    if (end_ == 0) {
        BaseBlock header = base_;
        header.type = file_type_log;
        header.primary_sequence = sequence;
        header.secondary_sequence = sequence;
        header.checksum = checksum(header);
        const Bytes raw = rtl::as_bytes(&header, sizeof(header));
        bytes.assign(raw.begin(), raw.end());
    }
    std::vector<LoggedRange> ranges;
    append_entry(staged, {end_ + bytes.size(), sequence, base_.flags & 1U}, bytes, ranges);
    ranges_.reserve(ranges_.size() + ranges.size());
    if (!alone_) RG_TRY(empty_logs());
    RG_TRY(reserve_log(*log, end_ + bytes.size()));
    RG_TRY(clear_behind(*log, end_ + bytes.size()));
    RG_TRY(log->write_at(end_, bytes));
    const auto began = std::chrono::steady_clock::now();
    RG_TRY(sync(*log));
    sync_ns_ = nanoseconds_since(began);
    // The log counts only beside a dirty primary; its entry is durable by now, so there is never a mark without one.
    if (!primary_dirty_) RG_TRY(write_base(sequence + 1, sequence));
    primary_dirty_ = true;
    behind_.store(true, std::memory_order_relaxed);
    if (end_ == 0) first_sequence_ = sequence;
    end_ += bytes.size();
    ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
    logged_size_ = staged.back().bins_size;
    next_sequence_.store(sequence + 1, std::memory_order_relaxed);
    if (end_ >= std::clamp<std::uint64_t>(logged_size_, 1 << 20, 32 << 20)) due_.store(true);
    return {};
}

}  // namespace regent::hive
