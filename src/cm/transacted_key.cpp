#include "cm/transacted_key.h"

#include "se/access.h"

namespace regent::cm {

Result<void> TransactedKey::alive() {
    RG_TRY(block_.check_alive());
    if (!transaction_.active()) return fail(STATUS_TRANSACTION_NOT_ACTIVE);
    const MountOptions& options = block_.hive().options();
    if (transaction_.kind() == TransactionKind::durable && (options.application || options.no_transactions))
        return fail(STATUS_RM_NOT_ACTIVE);
    pending_ = transaction_.find_locked(block_);
    if (pending_ != nullptr && pending_->deleted) return fail(STATUS_KEY_DELETED);
    return {};
}

Result<void> TransactedKey::writable() {
    RG_TRY(alive());
    if (any_key_locked.load(std::memory_order_acquire) && is_read_only(block_)) return fail(STATUS_ACCESS_DENIED);
    return {};
}

// ---- what it sees

const hive::Hive& TransactedKey::storage() const {
    const bool own = pending_ != nullptr && pending_->shadow != hive::nil_cell;
    return own ? transaction_.shadows_locked() : block_.hive().storage();
}

hive::CellIndex TransactedKey::cell() const {
    const bool own = pending_ != nullptr && pending_->shadow != hive::nil_cell;
    return own ? pending_->shadow : block_.cell();
}

std::optional<hive::CellIndex> TransactedKey::base_cell() const {
    if (pending_ != nullptr && pending_->created) return std::nullopt;
    return block_.cell();
}

hive::KeyInfo TransactedKey::info_of(const PendingKey* pending, const hive::Hive& storage, hive::CellIndex cell) const {
    hive::KeyInfo info = storage.key_info(cell);
    if (pending == nullptr) return info;
    if (pending->shadow != hive::nil_cell && !pending->created) {
        const hive::KeyInfo base = block_.hive().storage().key_info(pending->block->cell());
        info.subkey_count = base.subkey_count;
        info.max_subkey_name_bytes = base.max_subkey_name_bytes;
        info.max_subkey_class_bytes = base.max_subkey_class_bytes;
    }
    for (const auto& [folded, child] : pending->children) {
        if (child.removed != nullptr) --info.subkey_count;
        if (child.made == nullptr) continue;
        ++info.subkey_count;
        const auto name_bytes = static_cast<std::uint32_t>(folded.size() * sizeof(char16_t));
        const Bytes class_name = transaction_.shadows_locked().key_info(child.made->shadow).class_name;
        info.max_subkey_name_bytes = std::max(info.max_subkey_name_bytes, name_bytes);
        info.max_subkey_class_bytes =
            std::max(info.max_subkey_class_bytes, static_cast<std::uint32_t>(class_name.size()));
    }
    info.last_write_time = std::max(info.last_write_time, pending->time);
    return info;
}

std::optional<se::DescriptorView> TransactedKey::security() const {
    if (pending_ == nullptr || pending_->shadow == hive::nil_cell) return security_locked(block_);
    const auto view = se::DescriptorView::validate(storage().security(cell()));
    if (view) return *view;
    return std::nullopt;
}

Result<ACCESS_MASK> TransactedKey::check_access(const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode,
                                                ob::AuditMarks* marks) const {
    if (pending_ == nullptr || pending_->shadow == hive::nil_cell)
        return check_access_locked(block_, token, desired, mode, marks);
    const auto descriptor = security();
    if (!descriptor) return fail(STATUS_ACCESS_DENIED);
    return check_descriptor(block_, *descriptor, token, desired, mode, marks);
}

// ---- subkeys

Ref<KeyControlBlock> TransactedKey::find_child(Utf16View name) const {
    if (pending_ != nullptr) {
        const auto entry = pending_->children.find(rtl::upcased(name));
        if (entry != pending_->children.end())
            return Ref<KeyControlBlock>::retain(entry->second.made == nullptr ? nullptr
                                                                              : entry->second.made->block.get());
    }
    if (!base_cell()) return nullptr;
    return find_subkey_locked(block_, block_.hive().storage(), block_.cell(), name);
}

TransactedKey::Child TransactedKey::child_of(const PendingKey& made) const {
    return {info_of(&made, transaction_.shadows_locked(), made.shadow), Utf16(made.block->name())};
}

// Of a key of the hive, which the transaction may have changed too.
hive::KeyInfo TransactedKey::info_of_child(hive::CellIndex cell) const {
    const hive::Hive& base = block_.hive().storage();
    const auto known = key_table().find(block_, base.key_name(cell).to_utf16());
    const PendingKey* pending = known ? transaction_.find_locked(*known) : nullptr;
    if (pending == nullptr || pending->shadow == hive::nil_cell) return info_of(pending, base, cell);
    return info_of(pending, transaction_.shadows_locked(), pending->shadow);
}

std::optional<TransactedKey::Child> TransactedKey::child_at(std::uint32_t index) const {
    const hive::Hive& base = block_.hive().storage();
    const auto base_child = [&](std::uint32_t at) {
        return base_cell() ? base.subkey_at(*base_cell(), at) : std::nullopt;
    };
    std::uint32_t at = 0;    // in the hive's list
    std::uint32_t seen = 0;  // in the transaction's
    if (pending_ != nullptr) {
        for (const auto& [folded, entry] : pending_->children) {
            // What the hive has before this name.
            auto child = base_child(at);
            for (; child && hive::compare_folded(base.key_name(*child), folded) < 0; child = base_child(++at)) {
                if (seen++ == index) return Child{info_of_child(*child), base.key_name(*child).to_utf16()};
            }
            if (entry.removed != nullptr && child) ++at;
            if (entry.made != nullptr && seen++ == index) return child_of(*entry.made);
        }
    }
    const auto child = base_child(at + (index - seen));
    if (!child) return std::nullopt;
    return Child{info_of_child(*child), base.key_name(*child).to_utf16()};
}

// ---- what it changes

Result<TransactedKey::Content> TransactedKey::change_content(ULONG change) {
    // \Registry and its mount points are changed by mounting, under locks that no transaction may be rolled back under.
    if (block_.hive().options().master) return fail(STATUS_RM_NOT_ACTIVE);
    PendingKey& pending = transaction_.ensure_locked(block_);
    if (!pending.created) RG_TRY(intents().claim_content(block_, transaction_));
    RG_TRY(transaction_.copy_locked(pending));
    pending.changes |= change;
    pending_ = &pending;
    return Content{transaction_.shadows_locked(), pending.shadow};
}

Result<void> TransactedKey::set_write_time(std::int64_t time) {
    const Content content = RG_TRY(change_content(REG_NOTIFY_CHANGE_LAST_SET));
    RG_TRY(content.storage.set_last_write_time(content.cell, time));
    PendingKey& pending = transaction_.ensure_locked(block_);
    pending.time = 0;
    pending.set_time = time;
    return {};
}

Result<Ref<KeyControlBlock>> TransactedKey::create_child(Utf16View name, const KeyImage& image) {
    PendingKey& pending = transaction_.ensure_locked(block_);
    pending_ = &pending;
    if (!pending.created) RG_TRY(intents().claim_child(block_, name, transaction_));
    const PendingKey* made = RG_TRY(transaction_.create_locked(block_, name, image));
    return made->block;
}

Result<void> TransactedKey::delete_key() {
    if (block_.is_hive_root() || block_.hive().options().master) return fail(STATUS_CANNOT_DELETE);
    const hive::KeyInfo about = info();
    if (about.subkey_count != 0 || (about.flags & hive::key_no_delete) != 0) return fail(STATUS_CANNOT_DELETE);
    PendingKey& pending = transaction_.ensure_locked(block_);
    pending_ = &pending;
    if (!pending.created) {
        transaction_.ensure_locked(*block_.parent());
        RG_TRY(intents().claim_key(block_, transaction_));
    }
    const PendingKey* above = transaction_.find_locked(*block_.parent());
    std::int64_t time = rtl::nt_time_tick();
    if (above != nullptr) time = std::max(time, above->time);
    transaction_.delete_locked(pending, time);
    return {};
}

}  // namespace regent::cm
