#include "cm/mounted_hive.h"

namespace regent::cm {

MountedHive::MountedHive(std::unique_ptr<hive::Hive> storage, Utf16 mount_path, const MountOptions& options)
    : storage_(std::move(storage)), mount_path_(std::move(mount_path)), file_(storage_->path()), options_(options) {}

MountedHive::~MountedHive() = default;

bool MountedHive::dirty() const {
    SharedGuard guard(lock_);
    return !unloaded() && !file_.empty() && storage_->dirty();
}

Result<void> MountedHive::flush() {
    if (file_.empty()) return {};
    hive::Hive* storage = nullptr;
    hive::FlushBatch batch;
    {
        ExclusiveGuard guard(lock_);
        if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
        if (storage_->read_only() && !storage_->dirty()) return {};
        batch = RG_TRY(storage_->prepare_flush());
        storage = storage_.get();
        ExclusiveGuard commit(commit_lock_);
        ++commits_;
    }
    const Result<void> committed = storage->commit_flush(batch);
    const bool due = committed && storage->reconcile_due();
    {
        ExclusiveGuard commit(commit_lock_);
        --commits_;
        commits_done_.notify_all();
    }
    if (!committed) return committed;
    // The data is durable in the log; a failure to shorten the log now is met again by the next flush.
    if (due) static_cast<void>(reconcile());
    return {};
}

Result<void> MountedHive::reconcile() {
    if (file_.empty()) return {};
    ExclusiveGuard guard(lock_);
    if (unloaded()) return fail(STATUS_HIVE_UNLOADED);
    if (storage_->read_only()) return {};
    return storage_->reconcile();
}

std::unique_ptr<hive::Hive> MountedHive::detach_locked() {
    unloaded_.store(true, std::memory_order_release);
    return std::move(storage_);
}

Result<void> MountedHive::finish(hive::Hive& detached) {
    {
        ExclusiveGuard commit(commit_lock_);
        commits_done_.wait(commit_lock_, [this] { return commits_ == 0; });
    }
    if (file_.empty() || detached.read_only()) return {};
    return detached.reconcile();
}

}  // namespace regent::cm
