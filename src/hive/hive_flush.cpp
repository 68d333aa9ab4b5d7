#include <utility>

#include "hive/hive_impl.h"

namespace regent::hive {

bool Hive::flushes_itself() const {
    return impl_->durability == Durability::every_operation && !impl_->flushed_by_caller;
}

void Hive::flush_by_caller() { impl_->flushed_by_caller = true; }

void Hive::set_read_only() { impl_->durability = Durability::read_only; }

// A hive that only shrank has no dirty page.
bool Hive::dirty() const {
    const Storage& stable = impl_->cells.stable();
    return impl_->log != nullptr && (stable.dirty() || stable.size() != impl_->log->staged_size());
}

Result<FlushBatch> Hive::prepare_flush() {
    if (impl_->log == nullptr) {
        impl_->cells.stable().clear_dirty();
        return FlushBatch{};
    }
    if (impl_->log->failed() || !impl_->cells.stable().dirty_sectors_readable()) return fail(STATUS_REGISTRY_IO_FAILED);
    if (!dirty()) return last_flush();
    const FlushBatch batch{impl_->log->stage(impl_->cells.stable())};
    impl_->cells.stable().note_staged(batch.ticket);
    impl_->cells.stable().clear_dirty();
    return batch;
}

FlushBatch Hive::last_flush() const { return FlushBatch{impl_->log == nullptr ? 0 : impl_->log->last_ticket()}; }

Result<void> Hive::commit_flush(FlushBatch batch) {
    if (impl_->log == nullptr) return {};
    return impl_->log->commit(batch.ticket);
}

bool Hive::reconcile_due() const { return impl_->log != nullptr && impl_->log->write_back_due(); }

bool Hive::reconciled() const { return impl_->log == nullptr || !impl_->log->behind(); }

Result<void> Hive::write_back() {
    if (impl_->log == nullptr) return {};
    const Storage& stable = impl_->cells.stable();
    impl_->log->set_proven((impl_->verified || stable.trusted()) && !stable.is_suspect());
    return impl_->log->write_back();
}

std::uint32_t Hive::trim() {
    if (read_only() || impl_->cells.stable().is_suspect()) return 0;
    static_cast<void>(impl_->cells.storage(StorageType::volatile_).trim());
    return impl_->cells.stable().trim();
}

// Not those of the last write-back: who changes a page mostly does it again, and the first change of a page that is the
// file's takes longer than the rest of a set.
void Hive::drop_copies() {
    if (impl_->log == nullptr || impl_->log->failed()) return;
    const std::uint64_t written = impl_->log->written();
    if (written != impl_->written) impl_->written_before = std::exchange(impl_->written, written);
    impl_->cells.stable().drop_copies(impl_->log->primary(), impl_->written_before);
}

Result<void> Hive::reconcile() {
    static_cast<void>(trim());
    const FlushBatch batch = RG_TRY(prepare_flush());
    RG_TRY(commit_flush(batch));
    RG_TRY(write_back());
    drop_copies();
    return {};
}

Result<void> Hive::flush() {
    const FlushBatch batch = RG_TRY(prepare_flush());
    RG_TRY(commit_flush(batch));
    return reconcile_due() ? write_back() : Result<void>{};
}

}  // namespace regent::hive
