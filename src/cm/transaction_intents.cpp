// Who has pending changes of which key.
#include "cm/key_lock.h"
#include "cm/transaction.h"

namespace regent::cm {

namespace {

bool is_below(const KeyControlBlock& block, const KeyControlBlock& top) {
    const KeyControlBlock* at = &block;
    while (at != nullptr && at != &top) at = at->parent();
    return at != nullptr;
}

}  // namespace

TransactionIntents& intents() {
    static TransactionIntents& instance = *new TransactionIntents;
    return instance;
}

TransactionIntents::Claims& TransactionIntents::claims_locked(KeyControlBlock& key) {
    const auto [entry, fresh] = claims_.try_emplace(&key);
    if (fresh) key.hive().claimed_keys.fetch_add(1, std::memory_order_acq_rel);
    return entry->second;
}

// Whose creation or deletion of that subkey is pending.
Transaction* TransactionIntents::child_owner_locked(const KeyControlBlock* parent, Utf16View name) const {
    const auto above = parent == nullptr ? claims_.end() : claims_.find(parent);
    if (above == claims_.end()) return nullptr;
    const auto entry = above->second.children.find(rtl::upcased(name));
    return entry == above->second.children.end() ? nullptr : entry->second;
}

// One that is about to be destroyed is rolled back already, but for taking its claims away.
Ref<Transaction> TransactionIntents::any_living(const Claims& claims) {
    if (auto owner = Ref<Transaction>::retain_if_alive(claims.content)) return owner;
    for (const auto& each : claims.children) {
        if (auto owner = Ref<Transaction>::retain_if_alive(each.second)) return owner;
    }
    return nullptr;
}

Result<void> TransactionIntents::claim_content(KeyControlBlock& key, Transaction& owner) {
    ExclusiveGuard guard(lock_);
    Claims& claims = claims_locked(key);
    if (claims.content != nullptr && claims.content != &owner) return fail(STATUS_TRANSACTIONAL_CONFLICT);
    claims.content = &owner;
    return {};
}

Result<void> TransactionIntents::claim_child(KeyControlBlock& parent, Utf16View name, Transaction& owner) {
    ExclusiveGuard guard(lock_);
    Claims& claims = claims_locked(parent);
    if (claims.whole && claims.content != &owner) return fail(STATUS_TRANSACTIONAL_CONFLICT);
    Transaction*& entry = claims.children[rtl::upcased(name)];
    if (entry != nullptr && entry != &owner) return fail(STATUS_TRANSACTIONAL_CONFLICT);
    entry = &owner;
    return {};
}

Result<void> TransactionIntents::claim_key(KeyControlBlock& key, Transaction& owner) {
    {
        ExclusiveGuard guard(lock_);
        Claims& claims = claims_locked(key);
        if (claims.content != nullptr && claims.content != &owner) return fail(STATUS_TRANSACTIONAL_CONFLICT);
        for (const auto& each : claims.children) {
            if (each.second != nullptr && each.second != &owner) return fail(STATUS_TRANSACTIONAL_CONFLICT);
        }
        claims.content = &owner;
        claims.whole = true;
    }
    return claim_child(*key.parent(), key.name(), owner);
}

void TransactionIntents::release(const Transaction& owner) {
    ExclusiveGuard guard(lock_);
    for (auto at = claims_.begin(); at != claims_.end();) {
        Claims& claims = at->second;
        if (claims.content == &owner) {
            claims.content = nullptr;
            claims.whole = false;
        }
        std::erase_if(claims.children,
                      [&](const auto& each) { return each.second == nullptr || each.second == &owner; });
        if (claims.content != nullptr || !claims.children.empty()) {
            ++at;
            continue;
        }
        at->first->hive().claimed_keys.fetch_sub(1, std::memory_order_acq_rel);
        at = claims_.erase(at);
    }
}

Ref<Transaction> TransactionIntents::conflict(const KeyControlBlock& key, const Touch& touch) const {
    using What = Touch::What;
    const auto living = [](Transaction* owner) { return Ref<Transaction>::retain_if_alive(owner); };
    ExclusiveGuard guard(lock_);
    const auto found = claims_.find(&key);
    if (touch.what == What::content) return found == claims_.end() ? nullptr : living(found->second.content);
    if (touch.what == What::child) {
        if (found != claims_.end() && found->second.whole) return living(found->second.content);
        return living(child_owner_locked(&key, touch.name));
    }
    if (auto owner = living(child_owner_locked(key.parent(), key.name()))) return owner;
    if (touch.what == What::key) return found == claims_.end() ? nullptr : any_living(found->second);
    for (const auto& [block, claims] : claims_) {
        auto owner = is_below(*block, key) ? any_living(claims) : nullptr;
        if (owner) return owner;
    }
    return touch.name.empty() ? nullptr : living(child_owner_locked(key.parent(), touch.name));
}

Ref<Transaction> TransactionIntents::any_in(const MountedHive& hive) const {
    ExclusiveGuard guard(lock_);
    for (const auto& [block, claims] : claims_) {
        auto owner = &block->hive() == &hive ? any_living(claims) : nullptr;
        if (owner) return owner;
    }
    return nullptr;
}

}  // namespace regent::cm
