// The durable side of a hive: appends log entries, marks the primary dirty, writes the primary back, alternates the
// logs. docs/hive-format.md §10, §11.
//
// Order of a flush: log entry, sync, and for the first one since the primary was clean: primary base block with
// primary_sequence = secondary + 1, sync. Order of a reconcile: base block (dirty), sync, pages, sync, base block (both
// sequences = the next entry's), sync; the other log is used from then on. So at every moment either the primary is
// clean, or the log that starts at or after its secondary sequence is complete.
// Internally synchronised: `queue_` by its lock; file writes happen under `flusher_`. enqueue() and start_reconcile()
// are called with the hive's lock held exclusively.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hive/format.h"
#include "hive/storage.h"
#include "rtl/env.h"
#include "rtl/lock.h"
#include "rtl/status.h"

namespace regent::hive {

class LogWriter {
public:
    // `primary` is open for writing and locked; `base` is what it holds, or with `primary_dirty` what it should hold.
    LogWriter(rtl::Env& env, std::string path, std::unique_ptr<rtl::File> primary, const BaseBlock& base,
              std::uint32_t next_sequence, bool primary_dirty);

    // Takes a copy of the pages of `bins` that `dirty` names. Returns the ticket to commit.
    std::uint64_t enqueue(Bytes bins, const Storage& storage);
    std::uint64_t last_ticket() const;
    // Makes every batch up to `ticket` durable. The first to come writes for all who wait.
    Result<void> commit(std::uint64_t ticket);
    // Writes the pages to the primary, which is clean afterwards. REQUIRES: nothing enqueued is uncommitted.
    Result<void> reconcile(Bytes bins, const BitMap& pages);

    bool failed() const { return failed_.load(std::memory_order_relaxed); }
    bool reconcile_due() const { return due_.load(std::memory_order_relaxed); }
    std::uint32_t sequence() const;
    static std::string log_path(const std::string& path, int number);

private:
    struct Batch {
        std::uint64_t ticket;
        std::uint32_t sequence;
        std::vector<std::byte> entry;
    };

    static std::uint32_t entry_bins_size(const Batch& batch);
    Result<void> write_batches(const std::vector<Batch>& batches) RG_REQUIRES(flusher_);
    Result<rtl::File*> current_log() RG_REQUIRES(flusher_);
    Result<void> reserve_log(rtl::File& log, std::uint64_t size) RG_REQUIRES(flusher_);
    Result<void> mark_primary_dirty() RG_REQUIRES(flusher_);
    Result<void> write_base(std::uint32_t primary_sequence, std::uint32_t secondary_sequence) RG_REQUIRES(flusher_);
    Result<void> write_pages(Bytes bins, const BitMap& pages) RG_REQUIRES(flusher_);
    Result<void> sync(rtl::File& file) RG_REQUIRES(flusher_);

    rtl::Env& env_;
    const std::string path_;

    mutable rtl::Mutex<rtl::LockRank::leaf> queue_;
    std::vector<Batch> pending_ RG_GUARDED_BY(queue_);
    std::uint64_t last_ticket_ RG_GUARDED_BY(queue_) = 0;
    std::uint32_t next_sequence_ RG_GUARDED_BY(queue_);

    rtl::Mutex<rtl::LockRank::flusher> flusher_;
    std::unique_ptr<rtl::File> primary_ RG_GUARDED_BY(flusher_);
    BaseBlock base_ RG_GUARDED_BY(flusher_);  // as on disk
    std::array<std::unique_ptr<rtl::File>, 2> logs_ RG_GUARDED_BY(flusher_);
    std::array<std::uint64_t, 2> log_sizes_ RG_GUARDED_BY(flusher_) = {};
    std::size_t current_ RG_GUARDED_BY(flusher_) = 0;
    std::uint64_t end_ RG_GUARDED_BY(flusher_) = 0;  // where the next entry goes; 0: the log is not begun
    std::uint64_t durable_ RG_GUARDED_BY(flusher_) = 0;
    bool primary_dirty_ RG_GUARDED_BY(flusher_);
    std::atomic<bool> failed_ = false;
    std::atomic<bool> due_ = false;
};

}  // namespace regent::hive
