// Change notification: who watches which key, and who is told. Knows nothing of events or status blocks: a waiting
// call is a NotifyRequest, which the service above implements.
//
// Semantics NT-1 .. NT-12, NO-1 .. NO-11. The filter and the tree flag belong to the key body and are fixed by the
// first request; every request is told once; changes between two requests are remembered.
#pragma once

#include <vector>

#include "cm/key_control_block.h"
#include "nt/ntregapi.h"
#include "ob/process.h"

namespace regent::cm {

// A waiting call. Told exactly once, by any thread, with no lock of this floor held.
class NotifyRequest : public rtl::RefCounted {
public:
    // STATUS_NOTIFY_ENUM_DIR: something changed; STATUS_NOTIFY_CLEANUP: the handle, the key or its hive went away.
    virtual void complete(NTSTATUS status) noexcept = 0;
    // Whose end ends the request too (NT-9); null: nobody's.
    const ob::Thread* issuer = nullptr;
};

// What one key body watches. Guarded by the notify lock.
class NotifyBlock {
public:
    explicit NotifyBlock(Ref<KeyControlBlock> key, ULONG filter, bool watch_tree)
        : key_(std::move(key)), filter_(filter & REG_LEGAL_CHANGE_FILTER), watch_tree_(watch_tree) {}

private:
    friend class Notifier;
    const Ref<KeyControlBlock> key_;
    const ULONG filter_;
    const bool watch_tree_;
    bool changed_ = false;  // a change that no request was there for
    std::vector<Ref<NotifyRequest>> requests_;
};

// Internally synchronised: one lock of rank notify, taken only where somebody watches.
class Notifier {
public:
    // Adds a request to the body's block, which the first one makes. Completes it at once when a change is remembered.
    // ERRORS: KEY_DELETED, HIVE_UNLOADED.
    Result<void> arm(std::unique_ptr<NotifyBlock>& block, KeyControlBlock& key, ULONG filter, bool watch_tree,
                     Ref<NotifyRequest> request);
    // Takes a request back that nobody completed; false when somebody did.
    bool cancel(std::unique_ptr<NotifyBlock>& block, const NotifyRequest& request);
    // Takes back what `thread` waits for; the caller tells it (NT-9).
    std::vector<Ref<NotifyRequest>> take_requests_of(const ob::Thread& thread);
    // The last handle of the body closes: all its requests are told CLEANUP, the block goes.
    void close(std::unique_ptr<NotifyBlock>& block);

    // Something happened to `key` (`change` is one REG_NOTIFY_CHANGE_x): its watchers and the tree watchers above are
    // told. REQUIRES: no hive lock held.
    void report(KeyControlBlock& key, ULONG change);
    // The key is gone: what waits on it directly is told CLEANUP. REQUIRES: no hive lock held.
    void report_gone(KeyControlBlock& key);
    // The same for every key of a hive that was unloaded.
    void report_unloaded(const MountedHive& hive);

private:
    using Told = std::vector<Ref<NotifyRequest>>;
    static void tell(Told& told, NTSTATUS status);
    void remove_locked(NotifyBlock& block) RG_REQUIRES(lock_);

    mutable Mutex<LockRank::notify> lock_;
    std::vector<NotifyBlock*> blocks_ RG_GUARDED_BY(lock_);
    std::atomic<std::size_t> block_count_{0};  // of them
};

}  // namespace regent::cm
