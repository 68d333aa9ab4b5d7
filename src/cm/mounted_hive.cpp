#include "cm/mounted_hive.h"

#include "cm/commit_journal.h"
#include "cm/flush_gate.h"

namespace regent::cm {

namespace {

std::atomic<std::uint64_t> next_serial{1};

// A key with its name takes two lines, and what was made with it mostly follows it.
constexpr std::size_t prefetched_lines = 4;

}  // namespace

MountedHive::MountedHive(std::unique_ptr<hive::Hive> storage, Utf16 mount_path, const MountOptions& options)
    : storage_(std::move(storage)),
      mount_path_(std::move(mount_path)),
      file_(storage_->path()),
      options_(options),
      serial_(next_serial.fetch_add(1, std::memory_order_relaxed)) {
    storage_->flush_by_caller();
    cells_moved_locked();
}

MountedHive::~MountedHive() = default;

void MountedHive::prefetch_key(hive::CellIndex cell) const {
    if (hive::storage_of(cell) != hive::StorageType::stable) return;
    const std::uintptr_t at = cells_at_.load(std::memory_order_relaxed) + cell;
    for (std::size_t line = 0; line < prefetched_lines; ++line)
        __builtin_prefetch(reinterpret_cast<const void*>(at + line * rtl::cache_line));
}

void MountedHive::cells_moved_locked() {
    cells_at_.store(reinterpret_cast<std::uintptr_t>(storage_->stable_bytes().data()), std::memory_order_relaxed);
}

Result<void> MountedHive::begin_turn() {
    for (;;) {
        {
            ExclusiveGuard commit(commit_lock_);
            commits_done_.wait(commit_lock_, [this]() RG_NO_ANALYSIS { return !held_ || stuck_; });
            if (!held_) {
                ++commits_;
                return {};
            }
        }
        RG_TRY(commit_journal().finish());
    }
}

void MountedHive::end_turn() {
    ExclusiveGuard commit(commit_lock_);
    if (--commits_ == 0) commits_done_.notify_all();
}

void MountedHive::hold() {
    ExclusiveGuard commit(commit_lock_);
    commits_done_.wait(commit_lock_, [this]() RG_NO_ANALYSIS { return !held_; });
    held_ = true;
    commits_done_.wait(commit_lock_, [this]() RG_NO_ANALYSIS { return commits_ == 0; });
}

void MountedHive::stay_held() {
    ExclusiveGuard commit(commit_lock_);
    stuck_ = true;
    commits_done_.notify_all();
}

void MountedHive::release() {
    ExclusiveGuard commit(commit_lock_);
    held_ = false;
    stuck_ = false;
    commits_done_.notify_all();
}

Result<void> MountedHive::flush_held() {
    hive::FlushBatch batch;
    hive::Hive* storage = nullptr;
    {
        ExclusiveGuard guard(lock_);
        if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
        batch = RG_TRY(storage_->prepare_flush());
        storage = storage_.get();
        ExclusiveGuard commit(commit_lock_);
        ++commits_;
    }
    const Result<void> flushed = storage->commit_flush(batch);
    end_turn();
    return flushed;
}

bool MountedHive::dirty() const {
    SharedGuard guard(lock_);
    return !unloaded() && !file_.empty() && storage_->dirty();
}

std::uint64_t MountedHive::last_flush() const {
    SharedGuard guard(lock_);
    return unloaded() ? 0 : storage_->last_flush().ticket;
}

void MountedHive::hold_to(hive::Durability durability) {
    ExclusiveGuard guard(lock_);
    if (unloaded() || file_.empty()) return;
    if (durability == hive::Durability::read_only) storage_->set_read_only();
    if (storage_->durability() == hive::Durability::every_operation) durable_operations_.store(true);
}

Result<void> MountedHive::operation_done() {
    if (!durable_operations()) [[likely]]
        return {};
    flush_gate().wait_until_open();
    return flush();
}

bool MountedHive::reconcile_due() const {
    SharedGuard guard(lock_);
    return !unloaded() && storage_->reconcile_due();
}

bool MountedHive::reconciled() const {
    SharedGuard guard(lock_);
    return unloaded() || storage_->reconciled();
}

// A flush that finds nothing new holds nobody up: it only waits for what others have prepared.
Result<void> MountedHive::flush_with(bool write_back) {
    if (file_.empty()) return {};
    Turn turn(*this);
    RG_TRY(turn.begin());
    hive::FlushBatch batch;
    hive::Hive* storage = nullptr;
    {
        SharedGuard guard(lock_);
        if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
        batch = storage_->last_flush();
        if (!write_back && !storage_->dirty()) storage = storage_.get();
    }
    if (storage == nullptr) {
        ExclusiveGuard guard(lock_);
        if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
        if (write_back) static_cast<void>(storage_->trim());
        batch = RG_TRY(storage_->prepare_flush());
        storage = storage_.get();
    }
    RG_TRY(storage->commit_flush(batch));
    if (write_back) return write_back_and_drop(*storage);
    if (!storage->reconcile_due()) return {};
    // The data is durable in the log; a failure to shorten the log now is met again by the next flush.
    if (wake_lazy_writer_)
        wake_lazy_writer_();
    else
        static_cast<void>(write_back_and_drop(*storage));
    return {};
}

Result<void> MountedHive::write_back_and_drop(hive::Hive& storage) {
    RG_TRY(storage.write_back());
    ExclusiveGuard guard(lock_);
    if (!unloaded()) storage.drop_copies();
    return {};
}

Result<void> MountedHive::write_back() {
    if (file_.empty()) return {};
    Turn turn(*this);
    RG_TRY(turn.begin());
    hive::Hive* storage = nullptr;
    {
        SharedGuard guard(lock_);
        if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
        storage = storage_.get();
    }
    return write_back_and_drop(*storage);
}

Result<void> MountedHive::flush() { return flush_with(false); }
Result<void> MountedHive::reconcile() { return flush_with(true); }

std::unique_ptr<hive::Hive> MountedHive::detach_locked() {
    closing_.store(true, std::memory_order_seq_cst);
    unloaded_.store(true, std::memory_order_release);
    return std::move(storage_);
}

std::unique_ptr<hive::Hive> MountedHive::detach_unless_open_locked(std::size_t allowed) {
    // Whoever opens without the lock sees this, or is seen by the count.
    closing_.store(true, std::memory_order_seq_cst);
    if (open_keys() <= allowed) return detach_locked();
    closing_.store(false, std::memory_order_seq_cst);
    return nullptr;
}

Result<void> MountedHive::finish(hive::Hive& detached) {
    {
        ExclusiveGuard commit(commit_lock_);
        commits_done_.wait(commit_lock_, [this]() RG_NO_ANALYSIS { return commits_ == 0; });
        // Its part of a commit is in the record, which the next start finishes: nothing later may overtake it.
        if (held_) return fail(STATUS_REGISTRY_IO_FAILED);
    }
    if (file_.empty() || detached.read_only()) return {};
    return detached.reconcile();
}

}  // namespace regent::cm
