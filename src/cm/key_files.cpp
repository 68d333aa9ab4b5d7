// What a key's hive does with files: flush, save, restore, replace.
#include <sys/stat.h>

#include <optional>

#include "cm/flush_gate.h"
#include "cm/key_lock.h"
#include "cm/tree_copy.h"
#include "hive/hive_compact.h"
#include "hive/hive_save.h"

namespace regent::cm {

namespace {

// The blocks of the keys below `parent` have no key any more. REQUIRES: the hive's exclusive lock, the keys still
// there.
void mark_subtree_deleted(KeyControlBlock& parent, const hive::Hive& storage, hive::CellIndex cell) {
    for (std::uint32_t i = 0; const auto child = storage.subkey_at(cell, i); ++i) {
        const auto block = key_table().find(parent, storage.key_name(*child).to_utf16());
        if (!block) continue;  // who has no block has no block below it
        mark_subtree_deleted(*block, storage, *child);
        block->mark_deleted_locked();
    }
}

Result<void> put_in_place(hive::Hive& storage, hive::CellIndex cell, const hive::Hive& source) {
    RG_TRY(empty_tree(storage, cell));
    const Bytes security = source.security(source.root());
    const std::vector<std::byte> descriptor(security.begin(), security.end());
    RG_TRY(storage.set_security(cell, descriptor, source.key_info(source.root()).last_write_time));
    return copy_tree(source, source.root(), storage, cell);
}

// A copy of a subtree in memory. REQUIRES: the storage's lock.
Result<std::unique_ptr<hive::Hive>> copy_in_memory(const hive::Hive& storage, hive::CellIndex cell) {
    const Bytes security = storage.security(cell);
    const std::vector<std::byte> descriptor(security.begin(), security.end());
    hive::HiveOptions options;
    options.root_name = storage.key_name(cell).to_utf16();
    options.root_security = descriptor;
    auto copy = hive::Hive::create(rtl::real_env(), options);
    if (!copy) return copy;
    RG_TRY(copy_tree(storage, cell, **copy, (*copy)->root()));
    return copy;
}

Result<std::unique_ptr<hive::Hive>> copy_of_key(const KeyBody& body) {
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    if (body.block().hive().options().master) return fail(STATUS_ACCESS_DENIED);
    return copy_in_memory(key.storage(), key.cell());
}

bool exists(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0;
}

// A hive's files: the primary and the logs beside it, which belong to it alone.
constexpr const char* file_endings[] = {"", ".LOG1", ".LOG2", ".LOG"};

Result<void> move_files(const std::string& from, const std::string& to) {
    for (const char* ending : file_endings) {
        if (!exists(from + ending)) continue;
        RG_TRY(rtl::real_env().rename(from + ending, to + ending));
    }
    return rtl::real_env().sync_directory_of(to);
}

}  // namespace

Result<void> flush_key(KeyBody& body) {
    {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
    }
    flush_gate().wait_until_open();
    return body.block().hive().flush();
}

// The hive's lock is taken for short steps, and not for the syncs: a save keeps nobody waiting for long. When writers
// come between too often it keeps them out, but it does not let them wait where readers would wait behind them.
Result<void> save_key(const KeyBody& body, rtl::File& out, hive::Format format) {
    RG_TRY(not_in_transaction(body));
    const KeyControlBlock& block = body.block();
    if (block.hive().options().master) return fail(STATUS_ACCESS_DENIED);
    hive::HiveSave save(out, format);
    std::optional<rtl::UpdateGuard<MountedHive::Lock>> update;
    for (bool done = false; !done;) {
        if (save.impatient() && !update) update.emplace(block.hive().lock());
        std::optional<SharedGuard<MountedHive::Lock>> shared;
        if (!update) shared.emplace(block.hive().lock());
        RG_TRY(block.check_alive());
        done = RG_TRY(save.step(block.hive().storage(), block.cell()));
    }
    update.reset();
    return save.finish();
}

namespace {

// From the first step to the new cells; writers are kept out for the end, or, once they came between too often, for all
// of it. False: one came between.
Result<bool> compact_once(MountedHive& hive, hive::HiveCompaction& compaction) {
    std::optional<rtl::UpdateGuard<MountedHive::Lock>> update;
    if (compaction.impatient()) update.emplace(hive.lock());
    for (bool done = false; !done;) {
        std::optional<SharedGuard<MountedHive::Lock>> shared;
        if (!update) shared.emplace(hive.lock());
        if (hive.unloaded()) return fail(STATUS_HIVE_UNLOADED);
        done = RG_TRY(compaction.step(hive.storage()));
    }
    RG_TRY(compaction.finish());
    if (!update) update.emplace(hive.lock());
    if (hive.unloaded()) return fail(STATUS_HIVE_UNLOADED);
    const bool published = RG_TRY(compaction.publish(hive.storage()));
    if (!published) return false;
    update->upgrade();
    compaction.adopt(hive.storage());
    hive.cells_moved_locked();
    key_table().move_cells(hive, [&](hive::CellIndex cell) { return compaction.moved(cell); });
    hive.descriptors_change_locked();
    return true;
}

}  // namespace

// Readers are kept out while memory and the blocks of keys take the new cells over, and not for the writing; writers
// also for the rename.
Result<void> compact_hive(const KeyBody& body) {
    RG_TRY(not_in_transaction(body));
    {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
        if (key.storage().durability() == hive::Durability::in_memory) return {};  // nobody gains by it
    }
    flush_gate().wait_until_open();
    MountedHive::Turn turn(body.block().hive());
    RG_TRY(turn.begin());
    hive::HiveCompaction compaction(rtl::real_env());
    for (;;) {
        const bool done = RG_TRY(compact_once(body.block().hive(), compaction));
        if (done) return {};
    }
}

Result<void> save_merged_keys(const KeyBody& high, const KeyBody& low, rtl::File& out) {
    RG_TRY(not_in_transaction(high));
    RG_TRY(not_in_transaction(low));
    if (&high.block() == &low.block()) return fail(STATUS_INVALID_PARAMETER);
    // The root and what both have is `high`'s, so it comes first for the keys and last for the values.
    const auto over = copy_of_key(high);
    if (!over) return std::unexpected(over.error());
    const auto under = copy_of_key(low);
    if (!under) return std::unexpected(under.error());
    const auto merged = copy_in_memory(**over, (*over)->root());
    if (!merged) return std::unexpected(merged.error());
    RG_TRY(copy_tree(**under, (*under)->root(), **merged, (*merged)->root()));
    RG_TRY(copy_tree(**over, (*over)->root(), **merged, (*merged)->root()));
    return (*merged)->save_subtree((*merged)->root(), out, hive::Format::v1_5);
}

Result<void> restore_key(KeyBody& body, const hive::Hive& source) {
    RG_TRY(not_in_transaction(body));
    KeyControlBlock& block = body.block();
    if (block.hive().options().master) return fail(STATUS_ACCESS_DENIED);
    WriteKey key(block, WriteKey::Descriptors::change, {Touch::What::subtree});
    RG_TRY(key.writable());
    const auto before = copy_in_memory(key.storage(), key.cell());
    if (!before) return std::unexpected(before.error());
    mark_subtree_deleted(block, key.storage(), key.cell());
    const Result<void> restored = put_in_place(key.storage(), key.cell(), source);
    if (!restored) static_cast<void>(put_in_place(key.storage(), key.cell(), **before));
    block.security_state.store(KeyControlBlock::Security::unknown, std::memory_order_release);
    const Result<void> done = key.done();
    return restored ? done : restored;
}

Result<void> refresh_hive(KeyBody& body) {
    RG_TRY(not_in_transaction(body));
    KeyControlBlock& block = body.block();
    RG_TRY(block.check_alive());
    const MountedHive& hive = block.hive();
    if (!block.is_hive_root() || !hive.options().no_lazy_flush || hive.file().empty()) {
        return fail(STATUS_INVALID_PARAMETER);
    }
    hive::OpenOptions options;
    options.durability = hive::Durability::read_only;
    const auto flushed = hive::Hive::open(rtl::real_env(), hive.file(), options);
    if (!flushed) return std::unexpected(flushed.error());
    return restore_key(body, **flushed);
}

Result<void> replace_key(KeyBody& body, const std::string& new_file, const std::string& old_file) {
    RG_TRY(not_in_transaction(body));
    const KeyControlBlock& block = body.block();
    RG_TRY(block.check_alive());
    const std::string& file = block.hive().file();
    if (!block.is_hive_root() || file.empty()) return fail(STATUS_INVALID_PARAMETER);
    {
        const ReadKey key(block);
        RG_TRY(key.alive());
        if (!hive::writes_files(key.storage().durability())) return fail(STATUS_MEDIA_WRITE_PROTECTED);
    }
    {
        // What cannot be loaded must not wait for the next start to say so. Its logs are applied and written now.
        auto replacement = hive::Hive::open(rtl::real_env(), new_file, {});
        if (!replacement) return std::unexpected(replacement.error());
        RG_TRY((*replacement)->reconcile());
    }
    if (!exists(old_file.substr(0, old_file.rfind('/') + 1))) return fail(STATUS_OBJECT_PATH_NOT_FOUND);
    for (const char* ending : file_endings) {
        if (exists(old_file + ending)) return fail(STATUS_OBJECT_NAME_COLLISION);
    }
    RG_TRY(body.block().hive().reconcile());
    RG_TRY(move_files(file, old_file));
    const Result<void> moved = move_files(new_file, file);
    if (!moved) static_cast<void>(move_files(old_file, file));
    return moved;
}

Result<void> notify_change(KeyBody& body, ULONG filter, bool watch_tree, Ref<NotifyRequest> request) {
    return body.watch(filter, watch_tree, std::move(request));
}

bool cancel_notify(KeyBody& body, const NotifyRequest& request) { return body.cancel_watch(request); }

std::vector<Ref<NotifyRequest>> take_notifies_of(const ob::Thread& thread) {
    return notifier().take_requests_of(thread);
}

}  // namespace regent::cm
