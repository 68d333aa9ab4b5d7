// NtLockRegistryKey: keys that nothing changes until the registry stops.
#include <vector>

#include "cm/key_lock.h"

namespace regent::cm {

namespace {

struct LockedKeys {
    mutable Mutex<LockRank::leaf> lock;
    std::vector<Ref<KeyControlBlock>> blocks RG_GUARDED_BY(lock);
};

LockedKeys& locked_keys() {
    static LockedKeys& keys = *new LockedKeys;
    return keys;
}

bool is_at_or_below(const KeyControlBlock* block, const KeyControlBlock& top) {
    for (; block != nullptr; block = block->parent()) {
        if (block == &top) return true;
    }
    return false;
}

}  // namespace

std::atomic<bool> any_key_locked{false};

bool is_read_only(const KeyControlBlock& block) {
    const LockedKeys& keys = locked_keys();
    ExclusiveGuard guard(keys.lock);
    for (const auto& locked : keys.blocks) {
        if (is_at_or_below(&block, *locked)) return true;
    }
    return false;
}

bool has_read_only_descendant(const KeyControlBlock& block) {
    const LockedKeys& keys = locked_keys();
    ExclusiveGuard guard(keys.lock);
    for (const auto& locked : keys.blocks) {
        if (is_at_or_below(locked.get(), block)) return true;
    }
    return false;
}

Result<void> lock_key(KeyBody& body) {
    RG_TRY(not_in_transaction(body));
    const WriteKey key(body.block(), WriteKey::Descriptors::stay, {Touch::What::subtree});
    RG_TRY(key.alive());
    if (body.block().hive().options().master) return fail(STATUS_ACCESS_DENIED);
    LockedKeys& keys = locked_keys();
    ExclusiveGuard guard(keys.lock);
    keys.blocks.push_back(Ref<KeyControlBlock>::retain(&body.block()));
    any_key_locked.store(true, std::memory_order_release);
    return {};
}

void unlock_all_keys() {
    std::vector<Ref<KeyControlBlock>> doomed;  // dropped after the lock
    LockedKeys& keys = locked_keys();
    ExclusiveGuard guard(keys.lock);
    doomed.swap(keys.blocks);
    any_key_locked.store(false, std::memory_order_release);
}

}  // namespace regent::cm
