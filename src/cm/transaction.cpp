// A transaction's pending keys and its end.
#include "cm/transaction.h"

#include "cm/key_body.h"
#include "cm/key_lock.h"

namespace regent::cm {

Transaction::~Transaction() { static_cast<void>(rollback()); }

// ---- pending keys

PendingKey* Transaction::find_locked(const KeyControlBlock& block) const {
    const auto found = keys_.find(&block);
    return found == keys_.end() ? nullptr : found->second.get();
}

// A pending key keeps its hive from being unloaded, as an open one does.
PendingKey& Transaction::ensure_locked(KeyControlBlock& block) {
    if (PendingKey* known = find_locked(block)) return *known;
    auto fresh = std::make_unique<PendingKey>();
    fresh->block = Ref<KeyControlBlock>::retain(&block);
    PendingKey& made = *fresh;
    keys_.emplace(&block, std::move(fresh));
    block.hive().key_opened();
    return made;
}

Result<hive::CellIndex> Transaction::new_shadow_locked(const KeyImage& image) {
    if (!shadows_) {
        auto made = hive::Hive::create(rtl::real_env(), {});
        if (!made) return std::unexpected(made.error());
        shadows_ = std::move(*made);
    }
    KeyImage copy = image;
    copy.in_memory = false;
    const std::string number = std::to_string(next_shadow_++);
    return create_from(copy, *shadows_, shadows_->root(), Utf16(number.begin(), number.end()));
}

Result<void> Transaction::copy_locked(PendingKey& key) {
    if (key.shadow != hive::nil_cell) return {};
    key.shadow = RG_TRY(new_shadow_locked(image_of(key.block->hive().storage(), key.block->cell())));
    return {};
}

Result<PendingKey*> Transaction::create_locked(KeyControlBlock& parent, Utf16View name, const KeyImage& image) {
    const hive::CellIndex shadow = RG_TRY(new_shadow_locked(image));
    const auto flags = static_cast<std::uint16_t>(image.flags | (image.in_memory ? hive::key_volatile : 0));
    const auto block = key_table().make_private(parent, name, flags);
    PendingKey& made = ensure_locked(*block);
    made.created = true;
    made.shadow = shadow;
    PendingKey& above = ensure_locked(parent);
    above.children[rtl::upcased(name)].made = &made;
    above.time = std::max(above.time, image.time);
    above.changes |= REG_NOTIFY_CHANGE_NAME;
    return &made;
}

void Transaction::delete_locked(PendingKey& key, std::int64_t time) {
    key.deleted = true;
    PendingKey& above = ensure_locked(*key.block->parent());
    PendingChild& entry = above.children[rtl::upcased(key.block->name())];
    if (key.created)
        entry.made = nullptr;
    else
        entry.removed = &key;
    above.time = std::max(above.time, time);
    above.changes |= REG_NOTIFY_CHANGE_NAME;
}

// ---- the end

Result<void> Transaction::begin_end(TransactionState to) {
    ExclusiveGuard guard(lock_);
    switch (state()) {
        case TransactionState::active:
            state_.store(to, std::memory_order_release);
            return {};
        case TransactionState::committing:
            return fail(STATUS_TRANSACTION_REQUEST_NOT_VALID);
        case TransactionState::committed:
            return fail(STATUS_TRANSACTION_ALREADY_COMMITTED);
        case TransactionState::aborted:
            break;
    }
    return fail(STATUS_TRANSACTION_ALREADY_ABORTED);
}

// From begin_end on nobody else touches keys_ but to find that the transaction is over.
void Transaction::finish_end(TransactionState state) {
    intents().release(*this);
    Keys keys;
    std::unique_ptr<hive::Hive> shadows;
    {
        ExclusiveGuard guard(lock_);
        keys.swap(keys_);
        shadows = std::move(shadows_);
        state_.store(state, std::memory_order_release);
    }
    ended_.notify_all();
    // Destroyed without a lock: the last opening of a hive may unload it.
    for (const auto& each : keys) end_opening(each.first->hive());
}

Result<void> Transaction::commit() {
    RG_TRY(begin_end(TransactionState::committing));
    std::vector<const PendingKey*> keys;
    keys.reserve(keys_.size());
    for (const auto& each : keys_) keys.push_back(each.second.get());
    const auto [written, durable] = write_commit(keys, shadows_.get(), kind_);
    std::vector<std::pair<Ref<KeyControlBlock>, ULONG>> changed;
    std::vector<Ref<KeyControlBlock>> gone;
    for (const PendingKey* key : keys) {
        if (!written || key->created) continue;
        if (key->deleted) gone.push_back(key->block);
        if (!key->deleted && key->changes != 0) changed.emplace_back(key->block, key->changes);
    }
    finish_end(written ? TransactionState::committed : TransactionState::aborted);
    for (const auto& [block, changes] : changed) {
        for (ULONG bit = 1; bit <= changes; bit <<= 1) {
            if ((changes & bit) != 0) notifier().report(*block, bit);
        }
    }
    for (const auto& block : gone) notifier().report_gone(*block);
    return written ? durable : written;
}

Result<void> Transaction::rollback() {
    RG_TRY(begin_end(TransactionState::aborted));
    finish_end(TransactionState::aborted);
    return {};
}

void Transaction::give_way() {
    const Result<void> back = rollback();
    if (back) {
        if (told_) told_();
        return;
    }
    ExclusiveGuard guard(lock_);
    ended_.wait(lock_, [this] { return state() != TransactionState::committing; });
}

}  // namespace regent::cm
