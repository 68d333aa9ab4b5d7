// Deleting and renaming keys, and their settable properties.
#include <vector>

#include "cm/transacted_key.h"
#include "se/access.h"

namespace regent::cm {

namespace {

// DELETE on every key below `top`, itself included, by their descriptors (RN-1b). REQUIRES: the hive's lock.
Result<void> check_delete_of_subtree(const hive::Hive& storage, hive::CellIndex top, const se::Token& token) {
    std::vector<hive::CellIndex> pending{top};
    hive::CellIndex checked_security = hive::nil_cell;  // siblings mostly share one descriptor
    while (!pending.empty()) {
        const hive::CellIndex cell = pending.back();
        pending.pop_back();
        const hive::KeyInfo info = storage.key_info(cell);
        if (info.security != checked_security) {
            const auto descriptor = security_of_cell(storage, cell);
            if (!descriptor) return fail(STATUS_ACCESS_DENIED);
            RG_TRY(se::access_check(*descriptor, token, DELETE, key_mapping, se::user_mode));
            checked_security = info.security;
        }
        for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
            if (const auto child = storage.subkey_at(cell, i)) pending.push_back(*child);
        }
    }
    return {};
}

// ERRORS: CANNOT_DELETE (hive root, own name, existing sibling), ACCESS_DENIED.
Result<void> may_rename(const WriteKey& key, const KeyControlBlock& block, Utf16View name, const se::Token& token,
                        KPROCESSOR_MODE mode) {
    if (block.is_hive_root() || block.hive().options().master) return fail(STATUS_CANNOT_DELETE);
    const hive::CellIndex parent = key.storage().parent(key.cell());
    if (key.storage().find_subkey(parent, name)) return fail(STATUS_CANNOT_DELETE);
    if (mode == se::kernel_mode) return {};
    RG_TRY(check_access_locked(*block.parent(), token, KEY_CREATE_SUB_KEY, mode));
    return check_delete_of_subtree(key.storage(), key.cell(), token);
}

Result<std::uint32_t> word_of(Bytes information) {
    if (information.size() != sizeof(std::uint32_t)) return fail(STATUS_INFO_LENGTH_MISMATCH);
    return *rtl::load<std::uint32_t>(information, 0);
}

Result<void> set_write_time(KeyBody& body, Bytes information) {
    if (information.size() != sizeof(KEY_WRITE_TIME_INFORMATION)) return fail(STATUS_INFO_LENGTH_MISMATCH);
    if (body.bound() != nullptr) {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.writable());
        return key.set_write_time(*rtl::load<std::int64_t>(information, 0));
    }
    WriteKey key(body.block());
    RG_TRY(key.writable());
    RG_TRY(key.storage().set_last_write_time(key.cell(), *rtl::load<std::int64_t>(information, 0)));
    const Result<void> done = key.done();
    notifier().report(body.block(), REG_NOTIFY_CHANGE_LAST_SET);
    return done;
}

Result<void> put_flags(hive::Hive& storage, hive::CellIndex cell, KEY_SET_INFORMATION_CLASS what, std::uint8_t bits) {
    const hive::KeyInfo info = storage.key_info(cell);
    const bool wow64 = what == KeyWow64FlagsInformation;
    return storage.set_user_flags(cell, wow64 ? bits : info.user_flags, wow64 ? info.virtualization_flags : bits);
}

Result<void> set_flags(KeyBody& body, KEY_SET_INFORMATION_CLASS what, Bytes information) {
    const std::uint32_t word = RG_TRY(word_of(information));
    const auto bits = static_cast<std::uint8_t>(word);
    if (body.bound() != nullptr) {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.writable());
        if (word > 0xF) return fail(STATUS_INVALID_PARAMETER);
        const auto content = RG_TRY(key.change_content(REG_NOTIFY_CHANGE_ATTRIBUTES));
        return put_flags(content.storage, content.cell, what, bits);
    }
    WriteKey key(body.block());
    RG_TRY(key.writable());
    if (word > 0xF) return fail(STATUS_INVALID_PARAMETER);
    RG_TRY(put_flags(key.storage(), key.cell(), what, bits));
    const Result<void> done = key.done();
    notifier().report(body.block(), REG_NOTIFY_CHANGE_ATTRIBUTES);
    return done;
}

// Kept and told (HB-5). Who is virtualized would see more: 32-bit programs, of which there are none here (HB-14).
Result<void> set_virtualization(KeyBody& body, Bytes information) {
    static constexpr std::pair<std::uint32_t, std::uint16_t> places[] = {
        {1, hive::key_virtual_target}, {2, hive::key_virtual_store}, {4, hive::key_virtual_source}};
    const std::uint32_t word = RG_TRY(word_of(information));
    RG_TRY(not_in_transaction(body));
    WriteKey key(body.block());
    RG_TRY(key.writable());
    if (word > 7) return fail(STATUS_INVALID_PARAMETER);
    std::uint16_t flags = key.storage().flags(key.cell());
    for (const auto& [bit, place] : places)
        flags = static_cast<std::uint16_t>((word & bit) != 0 ? flags | place : flags & ~place);
    RG_TRY(key.storage().set_flags(key.cell(), flags));
    const Result<void> done = key.done();
    notifier().report(body.block(), REG_NOTIFY_CHANGE_ATTRIBUTES);
    return done;
}

Result<void> set_tags(KeyBody& body, Bytes information) {
    const std::uint32_t word = RG_TRY(word_of(information));
    body.handle_tags.store(word & 0xFFFF, std::memory_order_relaxed);
    return {};
}

Result<void> check_alive(const KeyBody& body) {
    if (body.bound() != nullptr) return TransactedKey(body.block(), *body.bound()->transaction).alive();
    return ReadKey(body.block()).alive();
}

Result<void> delete_transacted(const KeyBody& body) {
    TransactedKey key(body.block(), *body.bound()->transaction);
    if (const Result<void> alive = key.alive(); !alive) {
        const NTSTATUS status = alive.error().code();
        if (status == STATUS_KEY_DELETED || status == STATUS_HIVE_UNLOADED) return {};
        return alive;
    }
    RG_TRY(key.writable());
    return key.delete_key();
}

}  // namespace

Result<void> delete_key(KeyBody& body) {
    if (body.bound() != nullptr) return delete_transacted(body);
    KeyControlBlock& block = body.block();
    WriteKey key(block, WriteKey::Descriptors::change, {Touch::What::key});
    if (!key.alive()) {  // DL-3: once more is a success, also when the hive went away
        const Result<void> done = key.done();
        return block.hive().unloaded() ? Result<void>() : done;
    }
    RG_TRY(key.writable());
    if (block.is_hive_root() || block.hive().options().master) return fail(STATUS_CANNOT_DELETE);
    const hive::KeyInfo info = key.storage().key_info(key.cell());
    if (info.subkey_count != 0 || (info.flags & hive::key_no_delete) != 0) return fail(STATUS_CANNOT_DELETE);
    RG_TRY(key.storage().delete_key(key.cell(), key.next_time(info.parent)));
    block.mark_deleted_locked();
    const Result<void> done = key.done();
    notifier().report(*block.parent(), REG_NOTIFY_CHANGE_NAME);
    notifier().report_gone(block);
    return done;
}

Result<void> rename_key(KeyBody& body, Utf16View name, const se::Token& token, KPROCESSOR_MODE mode) {
    RG_TRY(not_in_transaction(body));
    KeyControlBlock& block = body.block();
    WriteKey key(block, WriteKey::Descriptors::change, {Touch::What::subtree, name});
    RG_TRY(key.writable());
    // Windows takes a NUL in front, and loses the key when the hive is loaded again (HB-10).
    if (name.empty() || name.size() > hive::max_key_name || name.front() == u'\0' ||
        name.find(u'\\') != Utf16View::npos) {
        return fail(STATUS_INVALID_PARAMETER);
    }
    if (any_key_locked && has_read_only_descendant(block)) return fail(STATUS_ACCESS_DENIED);
    RG_TRY(may_rename(key, block, name, token, mode));
    const hive::CellIndex cell = RG_TRY(key.storage().rename_key(key.cell(), name, key.next_time(key.cell())));
    block.renamed_locked(name, cell);
    const Result<void> done = key.done();
    notifier().report(*block.parent(), REG_NOTIFY_CHANGE_NAME);
    return done;
}

Result<void> set_key_information(KeyBody& body, KEY_SET_INFORMATION_CLASS what, Bytes information) {
    RG_TRY(check_alive(body));  // before the length (HB-1)
    switch (what) {
        case KeyWriteTimeInformation:
            return set_write_time(body, information);
        case KeyWow64FlagsInformation:
        case KeyControlFlagsInformation:
            return set_flags(body, what, information);
        case KeySetHandleTagsInformation:
            return set_tags(body, information);
        case KeySetVirtualizationInformation:
            return set_virtualization(body, information);
        case KeySetDebugInformation:
        case KeySetLayerInformation:
            RG_TRY(word_of(information));
            return fail(STATUS_NOT_SUPPORTED);
        default:
            return fail(STATUS_INVALID_PARAMETER);
    }
}

}  // namespace regent::cm
