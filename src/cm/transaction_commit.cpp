// The commit: what pending keys say becomes what the hives say, in all of them or in none.
#include <algorithm>

#include "cm/commit_journal.h"
#include "cm/flush_gate.h"
#include "cm/key_lock.h"
#include "cm/transaction.h"

namespace regent::cm {

namespace {

std::vector<Utf16> path_in_hive(const KeyControlBlock& key) {
    std::vector<Utf16> path;
    for (const KeyControlBlock* at = &key; !at->is_hive_root(); at = at->parent()) path.emplace_back(at->name());
    std::reverse(path.begin(), path.end());
    return path;
}

// The hives' locks of one commit: in order of their serials, so that two commits cannot wait for each other.
class HiveLocks {
public:
    explicit HiveLocks(std::span<const HiveCommit> parts) RG_NO_ANALYSIS : parts_(parts) {
        for (const HiveCommit& part : parts_) {
            if (&part == &parts_.front())
                part.hive->lock().lock();
            else
                part.hive->lock().lock_beside();
        }
    }
    ~HiveLocks() RG_NO_ANALYSIS {
        for (std::size_t i = parts_.size(); i-- > 0;) {
            if (i == 0)
                parts_[i].hive->lock().unlock();
            else
                parts_[i].hive->lock().unlock_beside();
        }
    }
    HiveLocks(const HiveLocks&) = delete;
    HiveLocks& operator=(const HiveLocks&) = delete;

private:
    const std::span<const HiveCommit> parts_;
};

// What goes, from the leaves up; then what is there afterwards, from the root down; then times that were set.
bool comes_before(const KeyChange& a, const KeyChange& b) {
    if (a.may_go_back != b.may_go_back) return b.may_go_back;
    if (a.removed != b.removed) return a.removed;
    return a.removed ? a.path.size() > b.path.size() : a.path.size() < b.path.size();
}

KeyChange change_of(const PendingKey& key, const hive::Hive* shadows) {
    KeyChange change;
    change.path = path_in_hive(*key.block);
    change.removed = key.deleted;
    change.time = key.time;
    change.in_memory = key.block->is_volatile();
    if (key.deleted || key.shadow == hive::nil_cell) return change;
    change.content = true;
    change.image = image_of(*shadows, key.shadow);
    change.image.in_memory = key.block->is_volatile() && !key.block->hive().options().volatile_hive;
    change.image.time = std::max(change.image.time, key.time);
    change.time = change.image.time;
    return change;
}

// A time that was set, which making subkeys would change: it comes last.
std::optional<KeyChange> set_time_of(const PendingKey& key, const KeyChange& change) {
    if (change.removed || !key.set_time || change.time != *key.set_time) return std::nullopt;
    KeyChange last;
    last.path = change.path;
    last.in_memory = change.in_memory;
    last.time = change.time;
    last.may_go_back = true;
    return last;
}

std::vector<HiveCommit> changes_by_hive(std::span<const PendingKey* const> keys, const hive::Hive* shadows) {
    std::vector<HiveCommit> parts;
    for (const PendingKey* key : keys) {
        if (key->created && key->deleted) continue;
        if (!key->deleted && key->shadow == hive::nil_cell && key->time == 0) continue;
        MountedHive& hive = key->block->hive();
        auto part =
            std::find_if(parts.begin(), parts.end(), [&](const auto& each) { return each.hive.get() == &hive; });
        if (part == parts.end()) part = parts.insert(parts.end(), {Ref<MountedHive>::retain(&hive), {}, {}});
        part->changes.push_back(change_of(*key, shadows));
        if (auto last = set_time_of(*key, part->changes.back())) part->changes.push_back(std::move(*last));
        if (!key->created) part->blocks.push_back({key->block, key->deleted, part->changes.back().path});
    }
    for (HiveCommit& part : parts) std::stable_sort(part.changes.begin(), part.changes.end(), comes_before);
    std::sort(parts.begin(), parts.end(),
              [](const auto& a, const auto& b) { return a.hive->serial() < b.hive->serial(); });
    return parts;
}

// A key's time does not go back by itself (semantics TM-2): somebody may have made a subkey meanwhile.
void keep_time_forward(const hive::Hive& storage, KeyChange& change) {
    if (change.removed || change.may_go_back || change.time == 0) return;
    if (const auto there = find_key(storage, change.path))
        change.time = std::max(change.time, storage.key_info(*there).last_write_time);
}

struct Undo {
    HiveCommit* part;
    KeyChange change;
};

void take_back(std::vector<Undo>& undo) {
    for (; !undo.empty(); undo.pop_back()) {
        static_cast<void>(apply_change(undo.back().part->hive->storage(), undo.back().change));
    }
}

// Keys that were deleted and made again are in new cells.
void find_cells_again(const HiveCommit& part) {
    for (const auto& each : part.blocks) {
        if (const auto cell = find_key(part.hive->storage(), each.path)) each.block->moved_locked(*cell);
    }
}

// REQUIRES: the locks of all hives.
Result<void> apply_locked(std::span<HiveCommit> parts) {
    std::vector<Undo> undo;
    for (const HiveCommit& part : parts) {
        if (part.hive->unloaded()) return fail(STATUS_HIVE_UNLOADED);
    }
    for (HiveCommit& part : parts) {
        hive::Hive& storage = part.hive->storage();
        for (KeyChange& change : part.changes) {
            keep_time_forward(storage, change);
            undo.push_back({&part, inverse_of(storage, change)});
            const Result<void> done = apply_change(storage, change);
            if (done) continue;
            take_back(undo);
            for (const HiveCommit& each : parts) find_cells_again(each);
            return done;
        }
    }
    return {};
}

// What open handles and caches see from now on. REQUIRES: the locks of all hives.
void publish_locked(std::span<HiveCommit> parts) {
    for (HiveCommit& part : parts) {
        part.hive->descriptors_change_locked();
        for (const auto& each : part.blocks) {
            if (each.removed)
                each.block->mark_deleted_locked();
            else
                each.block->security_state.store(KeyControlBlock::Security::unknown, std::memory_order_release);
        }
    }
}

Result<void> change_memory(std::span<HiveCommit> parts) {
    const HiveLocks locks(parts);
    RG_TRY(apply_locked(parts));
    publish_locked(parts);
    return {};
}

}  // namespace

CommitOutcome write_commit(std::span<const PendingKey* const> keys, const hive::Hive* shadows, TransactionKind kind) {
    std::vector<HiveCommit> parts = changes_by_hive(keys, shadows);
    if (parts.empty()) return {};
    std::vector<MountedHive*> files;
    for (const HiveCommit& part : parts) {
        if (part.reaches_a_file()) files.push_back(part.hive.get());
    }
    if (files.size() > 1) return commit_journal().commit(parts, [&] { return change_memory(parts); });
    // In one file the changes reach the log as one entry or not at all: they are made under one hold of the lock.
    CommitOutcome outcome;
    outcome.written = change_memory(parts);
    if (!outcome.written || files.empty()) return outcome;
    if (kind != TransactionKind::durable && !files.front()->durable_operations()) return outcome;
    flush_gate().wait_until_open();
    outcome.durable = files.front()->flush();
    return outcome;
}

}  // namespace regent::cm
