// Small helpers that the verbs share: the key and its storage under the hive's lock.
#pragma once

#include <algorithm>

#include "cm/access_cache.h"
#include "cm/key.h"
#include "cm/key_table.h"
#include "cm/transaction.h"
#include "rtl/time.h"

namespace regent::cm {

// Process-lifetime: handles may outlive a stopped registry, and their blocks refer to these two.
KeyTable& key_table();
Notifier& notifier();
AccessCache& access_cache();

// The rights to keys that generic ones stand for.
inline constexpr GENERIC_MAPPING key_mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};

// Keys that lock_key() made read-only: asked under the hive's lock by whoever changes a key.
extern std::atomic<bool> any_key_locked;
bool is_read_only(const KeyControlBlock& block);  // the key or one above it
bool has_read_only_descendant(const KeyControlBlock& block);
void unlock_all_keys();

// The hive's lock for reading a key. Invariant: after alive() succeeded, storage() and cell() stay valid for the scope.
class ReadKey {
public:
    explicit ReadKey(const KeyControlBlock& block) : block_(block), guard_(block.hive().lock()) {}
    Result<void> alive() const {
        if (!block_.deleted() && !block_.hive().unloaded()) [[likely]]
            return {};
        return block_.check_alive();
    }
    const hive::Hive& storage() const { return block_.hive().storage(); }
    hive::CellIndex cell() const { return block_.cell(); }

private:
    const KeyControlBlock& block_;
    SharedGuard<MountedHive::Lock> guard_;
};

// The same for changing it outside of transactions: those that want the same are rolled back first (TR-6). Security
// descriptors may go in the scope, unless it is told otherwise. REQUIRES: no lock of this floor held but `registry`.
class WriteKey {
public:
    enum class Descriptors { change, stay };
    explicit WriteKey(KeyControlBlock& block, Descriptors descriptors = Descriptors::change, const Touch& touch = {})
        : block_(block) {
        guard_.emplace(block.hive().lock());
        if (claimed()) [[unlikely]]
            roll_back_others(touch);
        if (descriptors == Descriptors::change) block.hive().descriptors_change_locked();
    }
    // The same for who changes nothing if any transaction has pending changes in the hive: those stay, and are told.
    struct BesideNone {};
    WriteKey(KeyControlBlock& block, BesideNone) : block_(block) { guard_.emplace(block.hive().lock()); }
    bool claimed() const { return block_.hive().claimed_keys.load(std::memory_order_acquire) != 0; }
    Result<void> alive() const { return block_.check_alive(); }
    // alive(), then ACCESS_DENIED for a key that is locked.
    Result<void> writable() const {
        RG_TRY(alive());
        if (any_key_locked.load(std::memory_order_acquire) && is_read_only(block_)) return fail(STATUS_ACCESS_DENIED);
        return {};
    }
    hive::Hive& storage() const { return block_.hive().storage(); }
    hive::CellIndex cell() const { return block_.cell(); }
    // The end of a change, made now or found made: gives the lock back and, where every operation is durable, returns
    // when this one is. The change stands in memory even if that fails.
    Result<void> done() {
        guard_.reset();
        return block_.hive().operation_done();
    }
    // Now, by the clock's ticks, but never before what the key already shows (semantics TM-2).
    std::int64_t next_time(hive::CellIndex key) const {
        return std::max(rtl::nt_time_tick(), storage().last_write_time(key));
    }

private:
    void roll_back_others(const Touch& touch) {
        while (auto other = intents().conflict(block_, touch)) {
            guard_.reset();
            other->give_way();
            other = nullptr;  // the last reference, perhaps, whose end takes locks
            guard_.emplace(block_.hive().lock());
        }
    }

    KeyControlBlock& block_;
    std::optional<ExclusiveGuard<MountedHive::Lock>> guard_;
};

// ERRORS, in this order: HIVE_UNLOADED, KEY_DELETED, NOT_SUPPORTED (a transacted key, TX-9).
inline Result<void> not_in_transaction(const KeyBody& body) {
    if (body.bound() == nullptr) [[likely]]
        return {};
    RG_TRY(body.block().check_alive());
    return fail(STATUS_NOT_SUPPORTED);
}

// The subkey's block; null when there is no such key. REQUIRES: the hive's lock.
Ref<KeyControlBlock> find_subkey_locked(KeyControlBlock& key, const hive::Hive& storage, hive::CellIndex cell,
                                        Utf16View name);

// The descriptor in force for a key: its own, or, when that is damaged, the nearest sound one above it in the hive
// (semantics SD-4); nothing when there is none. REQUIRES: the hive's lock, the block alive.
std::optional<se::DescriptorView> security_locked(const KeyControlBlock& block);
std::optional<se::DescriptorView> security_of_cell(const hive::Hive& storage, hive::CellIndex cell);
// Where the block's own descriptor is: see KeyControlBlock::descriptor_place. REQUIRES: the hive's lock.
std::uint64_t descriptor_place_locked(const KeyControlBlock& block);
// What an earlier check_access_locked granted to the same question, if that is known and still true. No lock.
std::optional<ACCESS_MASK> known_access(const KeyControlBlock& block, const se::Token& token, ACCESS_MASK desired,
                                        KPROCESSOR_MODE mode);
// What the descriptor's audit entries ask for goes into `marks` if access is granted and a handle is to be made
// (`marks` not null), and is recorded at once otherwise. Answers of descriptors with such entries are not remembered
// while the policy wants records, so that none is missed. REQUIRES: the hive's lock, the block alive. ERRORS:
// PRIVILEGE_NOT_HELD, ACCESS_DENIED.
Result<ACCESS_MASK> check_access_locked(const KeyControlBlock& block, const se::Token& token, ACCESS_MASK desired,
                                        KPROCESSOR_MODE mode, ob::AuditMarks* marks = nullptr);
// The same for a descriptor that the caller found.
Result<ACCESS_MASK> check_descriptor(const KeyControlBlock& block, se::DescriptorView descriptor,
                                     const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode,
                                     ob::AuditMarks* marks);
// The marks of access that was granted without a check: to a key's creator, or by privilege.
ob::AuditMarks audit_of_grant(const std::optional<se::DescriptorView>& descriptor, const se::Token& token,
                              ACCESS_MASK granted, KPROCESSOR_MODE mode);

}  // namespace regent::cm
