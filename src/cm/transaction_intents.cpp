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

Transaction* TransactionIntents::any_owner(const Claims& claims) {
    if (claims.content != nullptr) return claims.content;
    for (const auto& each : claims.children) {
        if (each.second != nullptr) return each.second;
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

Transaction* TransactionIntents::conflict_locked(const KeyControlBlock& key, const Touch& touch) const {
    using What = Touch::What;
    const auto found = claims_.find(&key);
    if (touch.what == What::content) return found == claims_.end() ? nullptr : found->second.content;
    if (touch.what == What::child) {
        if (found != claims_.end() && found->second.whole) return found->second.content;
        return child_owner_locked(&key, touch.name);
    }
    if (Transaction* owner = child_owner_locked(key.parent(), key.name())) return owner;
    if (touch.what == What::key) return found == claims_.end() ? nullptr : any_owner(found->second);
    for (const auto& [block, claims] : claims_) {
        Transaction* owner = is_below(*block, key) ? any_owner(claims) : nullptr;
        if (owner != nullptr) return owner;
    }
    return touch.name.empty() ? nullptr : child_owner_locked(key.parent(), touch.name);
}

Ref<Transaction> TransactionIntents::conflict(const KeyControlBlock& key, const Touch& touch) const {
    ExclusiveGuard guard(lock_);
    return Ref<Transaction>::retain(conflict_locked(key, touch));
}

Ref<Transaction> TransactionIntents::any_in(const MountedHive& hive) const {
    ExclusiveGuard guard(lock_);
    for (const auto& [block, claims] : claims_) {
        Transaction* owner = &block->hive() == &hive ? any_owner(claims) : nullptr;
        if (owner != nullptr) return Ref<Transaction>::retain(owner);
    }
    return nullptr;
}

}  // namespace regent::cm
