#include "hive/hive_impl.h"

namespace regent::hive {

void HiveImpl::note_pages_logged() {
    Storage& stable = cells.stable();
    unreconciled.resize(stable.size() / page_size + 1);
    for (std::size_t page = 0; page < stable.size() / page_size; ++page) {
        if (stable.page_dirty(page)) unreconciled.set(page);
    }
    stable.clear_dirty();
}

bool Hive::dirty() const { return impl_->log != nullptr && impl_->cells.stable().dirty(); }

Result<FlushBatch> Hive::prepare_flush() {
    if (impl_->log == nullptr) {
        impl_->cells.stable().clear_dirty();
        return FlushBatch{};
    }
    if (impl_->log->failed()) return fail(STATUS_REGISTRY_IO_FAILED);
    // Nothing new: still wait for what another caller has prepared and not yet committed.
    if (!dirty()) return FlushBatch{impl_->log->last_ticket()};
    impl_->unreconciled.resize(impl_->cells.stable().size() / page_size + 1);
    const FlushBatch batch{impl_->log->enqueue(impl_->cells.stable().bytes(), impl_->cells.stable())};
    impl_->note_pages_logged();
    return batch;
}

Result<void> Hive::commit_flush(FlushBatch batch) {
    if (impl_->log == nullptr) return {};
    return impl_->log->commit(batch.ticket);
}

bool Hive::reconcile_due() const { return impl_->log != nullptr && impl_->log->reconcile_due(); }

Result<void> Hive::reconcile() {
    if (impl_->log == nullptr) return {};
    const FlushBatch batch = RG_TRY(prepare_flush());
    RG_TRY(commit_flush(batch));
    RG_TRY(impl_->log->reconcile(impl_->cells.stable().bytes(), impl_->unreconciled));
    impl_->unreconciled.clear_all();
    impl_->base.bins_size = impl_->cells.stable().size();
    return {};
}

Result<void> Hive::flush() {
    const FlushBatch batch = RG_TRY(prepare_flush());
    RG_TRY(commit_flush(batch));
    return reconcile_due() ? reconcile() : Result<void>{};
}

}  // namespace regent::hive
