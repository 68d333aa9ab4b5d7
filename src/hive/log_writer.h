// The durable side of a hive: appends log entries, marks the primary dirty, writes the primary back, alternates the
// logs. docs/hive-format.md §10, §11; why it is safe: docs/adr/0010-write-back.md.
//
// Order of a flush: log entry, sync, and for the first one since the primary was clean: primary base block with
// secondary sequence = the entry's, primary sequence one more, sync. Order of a write-back: the current log is sealed
// and the next flush begins the other one; the sealed log's pages go to the primary, sync; base block, sync (clean when
// the other log is still empty, else dirty from the other log's first entry on); a shrunk file is cut. So at every
// moment the primary is clean, or what it lacks is in the logs that start at its secondary sequence, without a gap; and
// a base block is only written when the log with the latest entries suffices alone (it may be torn).
// A sequence number is never used for two entries that could both be found: opening skips one (log_writer.cpp).
// Behind the last entry there are only zeros, or what was never synced: users choose what pages hold, so that old pages
// there could be made to look like the next entry. A log is emptied when a life begins, cleared before it is used
// again.
//
// Internally synchronised: staged sectors by `queue_`, the files by `flusher_`, except that one thread at a time copies
// a sealed log to the primary with no lock held. stage() is called with the hive's lock held exclusively.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hive/format.h"
#include "hive/log_entry.h"
#include "hive/storage.h"
#include "hive/turn.h"
#include "rtl/env.h"
#include "rtl/lock.h"
#include "rtl/status.h"

namespace regent::hive {

class LogWriter {
public:
    // `primary` is open for writing and locked; `base` is what it holds, or with `base_stale` what it should hold.
    LogWriter(rtl::Env& env, std::string path, std::unique_ptr<rtl::File> primary, const BaseBlock& base,
              bool base_stale);

    // Takes a copy of the dirty sectors. Returns the ticket to commit. Strong guarantee.
    std::uint64_t stage(const Storage& storage);
    std::uint64_t last_ticket() const { return last_ticket_.load(std::memory_order_acquire); }
    // The size of the bins that the last stage() saw: a hive that only shrank has nothing dirty.
    std::uint32_t staged_size() const { return staged_size_.load(std::memory_order_relaxed); }
    // Makes everything staged up to `ticket` durable. The first to come writes for all who wait, as one entry.
    Result<void> commit(std::uint64_t ticket);
    // Everything committed before the call is in the primary when this returns. Flushes go on meanwhile.
    Result<void> write_back();
    // The primary holds all that was staged up to this ticket. Its File, to map what it holds.
    std::uint64_t written() const { return written_.load(std::memory_order_acquire); }
    rtl::File& primary() const { return *primary_; }
    // A file that holds all that was staged, but for its base block, becomes the primary: base block, sync, rename.
    // What was staged is durable then, and the logs hold nothing of it. The file is taken only on success.
    // ERRORS: after any but REGISTRY_IO_FAILED of the directory's sync, which is final, all is as before.
    struct Replacement {
        std::string path;
        std::uint32_t minor;
        CellIndex root;
        std::uint32_t bins_size;
    };
    Result<void> replace_primary(std::unique_ptr<rtl::File>& file, const Replacement& replacement);
    rtl::Env& env() const { return env_; }
    // After a recovery, before anything is staged: `pages` of `bins` and a clean base block to the primary.
    Result<void> write_recovered(Bytes bins, const BitMap& pages);

    // From the next write-back on, a clean base block says that all content was verified (ADR 0009), or that it was
    // not.
    void set_proven(bool proven);
    bool failed() const { return failed_.load(std::memory_order_relaxed); }
    bool write_back_due() const { return due_.load(std::memory_order_relaxed); }
    // True when the primary is not the whole truth.
    bool behind() const { return behind_.load(std::memory_order_relaxed); }
    std::uint32_t sequence() const { return next_sequence_.load(std::memory_order_relaxed); }
    static std::string log_path(const std::string& path, int number);

private:
    // A log that takes no more entries until its pages are in the primary.
    struct SealedLog {
        std::size_t number;
        std::vector<LoggedRange> ranges;
        std::uint32_t bins_size;
        std::uint64_t used;    // bytes of it that were written
        std::uint64_t ticket;  // of the last flush in it
    };

    class CopyTurn;
    class TakenBatches;
    class EndTurn;

    Result<void> lead_commit() RG_NO_ANALYSIS;
    void await_companions() RG_REQUIRES(flusher_);
    Result<void> append(const StagedList& staged) RG_REQUIRES(flusher_);
    Result<rtl::File*> current_log() RG_REQUIRES(flusher_);
    Result<void> empty_logs() RG_REQUIRES(flusher_);
    Result<void> clear_behind(rtl::File& log, std::uint64_t end) RG_REQUIRES(flusher_);
    Result<void> reserve_log(rtl::File& log, std::uint64_t size) RG_REQUIRES(flusher_);
    Result<void> sync(rtl::File& file);
    Result<void> write_base(std::uint32_t primary_sequence, std::uint32_t secondary_sequence) RG_REQUIRES(flusher_);

    // The steps of a write-back. REQUIRES: a CopyTurn.
    Result<void> clear_other_log();
    bool seal_current();  // false: there is nothing to write back
    Result<void> copy_sealed();
    Result<void> finish_sealed() RG_REQUIRES(flusher_);
    void forget_logs() RG_REQUIRES(flusher_);
    void cut_primary(std::uint32_t old_bins_size) RG_REQUIRES(flusher_);

    rtl::Env& env_;
    const std::string path_;

    mutable rtl::Mutex<rtl::LockRank::leaf> queue_;
    StagedList pending_ RG_GUARDED_BY(queue_);
    std::atomic<std::size_t> pending_count_ = 0;
    std::atomic<std::uint64_t> last_ticket_ = 0;
    std::atomic<std::uint32_t> staged_size_;
    std::atomic<std::uint64_t> durable_ = 0;
    std::atomic<std::uint64_t> written_ = 0;
    std::atomic<std::uint32_t> next_sequence_;  // written under flusher_

    Turn flusher_;
    std::unique_ptr<rtl::File> primary_;      // its base block: under flusher_; its bins: whoever has the CopyTurn
    BaseBlock base_ RG_GUARDED_BY(flusher_);  // as on disk, unless base_stale_
    bool base_stale_ RG_GUARDED_BY(flusher_);
    bool proven_ RG_GUARDED_BY(flusher_) = false;
    bool primary_dirty_ RG_GUARDED_BY(flusher_) = false;
    std::array<std::unique_ptr<rtl::File>, 2> logs_ RG_GUARDED_BY(flusher_);
    std::array<std::uint64_t, 2> log_sizes_ RG_GUARDED_BY(flusher_) = {};
    // What a log holds from its last use, until it is cleared for the next one.
    std::array<std::uint64_t, 2> used_ RG_GUARDED_BY(flusher_) = {};
    std::size_t current_ RG_GUARDED_BY(flusher_) = 0;
    bool alone_ RG_GUARDED_BY(flusher_) = false;                // no log holds anything of an earlier life
    std::uint64_t end_ RG_GUARDED_BY(flusher_) = 0;             // where the next entry goes; 0: the log is not begun
    std::uint64_t tail_ RG_GUARDED_BY(flusher_) = 0;            // up to here an append that failed may have written
    std::uint32_t first_sequence_ RG_GUARDED_BY(flusher_) = 0;  // of the current log, when begun
    std::uint32_t logged_size_ RG_GUARDED_BY(flusher_);         // bins size of the last entry
    std::vector<LoggedRange> ranges_ RG_GUARDED_BY(flusher_);   // of the current log
    std::size_t expected_ RG_GUARDED_BY(flusher_) = 1;          // committers that the next append is likely to serve
    std::uint64_t sync_ns_ RG_GUARDED_BY(flusher_) = 0;         // what the last append's sync took

    rtl::Mutex<rtl::LockRank::leaf> copy_lock_;
    rtl::ConditionVariable copy_done_;
    bool copying_ RG_GUARDED_BY(copy_lock_) = false;  // somebody has the CopyTurn
    std::optional<SealedLog> sealed_;                 // whoever has the CopyTurn
    std::atomic<bool> failed_ = false;
    std::atomic<bool> due_ = false;
    std::atomic<bool> behind_ = false;
};

}  // namespace regent::hive
