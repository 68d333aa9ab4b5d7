// The body of an object of type "Key": one opening of a key. Handles of one opening share it.
#pragma once

#include <atomic>

#include "cm/callback.h"
#include "cm/key_control_block.h"
#include "cm/notify.h"
#include "cm/transaction.h"
#include "ob/object.h"

namespace regent::cm {

// The type "Key" with NT's generic mapping; registered by Registry::start.
ob::ObjectType& key_type();
// Lets drivers see it as CmKeyObjectType.
void publish_key_type();

// What makes an opening part of a transaction: the transaction, and the object that drivers know it by.
struct TransactionBinding final : rtl::RefCounted {
    TransactionBinding(Ref<Transaction> whose, ob::ObjectRef<void> body)
        : transaction(std::move(whose)), object(std::move(body)) {}
    const Ref<Transaction> transaction;
    const ob::ObjectRef<void> object;
};

// Invariant: block() never changes, also when the key is deleted or its hive goes away.
// Internally synchronised; notification state by the notifier's lock.
class KeyBody {
public:
    // REQUIRES: the hive's lock (shared at least), the hive not unloaded.
    explicit KeyBody(Ref<KeyControlBlock> block);
    // The hive counts the opening already.
    struct Counted {};
    KeyBody(Ref<KeyControlBlock> block, Counted) : block_(std::move(block)) {}
    // As the first, in a transaction.
    KeyBody(Ref<KeyControlBlock> block, Ref<TransactionBinding> bound);
    ~KeyBody();

    KeyControlBlock& block() const { return *block_; }
    TransactionBinding* bound() const { return bound_.get(); }  // null: not transacted
    filter::ObjectContexts& contexts() { return contexts_; }
    // Arms, and remembers that there is something to end at the last close. ERRORS: Notifier::arm's.
    Result<void> watch(ULONG filter, bool watch_tree, Ref<NotifyRequest> request);
    bool cancel_watch(const NotifyRequest& request);
    // Ends every request. Costs one load when there was none.
    void end_watch();
    std::atomic<std::uint32_t> handle_tags{0};
    // The rights of the opening whose use is recorded each time (changed values, the key's end).
    std::atomic<ACCESS_MASK> audited{0};

    // A name that lives as long as the body; made at first use, stale after a rename. Null when there is no memory or
    // the path is longer than a UNICODE_STRING can be.
    PCUNICODE_STRING cached_name();

private:
    struct CachedName {
        Utf16 text;
        UNICODE_STRING string;
    };
    const Ref<KeyControlBlock> block_;
    const Ref<TransactionBinding> bound_;
    filter::ObjectContexts contexts_;
    std::atomic<bool> watched_{false};
    std::unique_ptr<NotifyBlock> notify_;
    std::atomic<CachedName*> cached_name_{nullptr};

public:
    // What a reader is likely to ask for next. Hints: whoever follows one looks whether it is right.
    struct Reading {
        std::atomic<bool> enumerates{false};  // somebody asked for subkeys by number, and will open them
        BlockHint last;                       // opened last below this key
        BlockHint next;                       // opened after it the last time
    };
    mutable Reading reading;
};

// One opening less of the hive; the last one of a hive that leaves when unused unloads it. REQUIRES: no lock held.
void end_opening(MountedHive& hive);

using KeyRef = ob::ObjectRef<KeyBody>;

// For those who hold a key object as drivers do. Null when `object` is not one.
KeyBody* key_body_of(void* object);
// Units of the full path, written when `out` has room for all of them. No allocation, no lock; also for deleted keys.
std::size_t copy_key_path(const KeyBody& body, std::span<char16_t> out);

}  // namespace regent::cm
