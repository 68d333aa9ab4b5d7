// A hive in the registry's tree: the storage, its lock, and what the Configuration Manager knows about it.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "cm/inherited_security.h"
#include "hive/hive.h"
#include "rtl/lock.h"
#include "rtl/ref.h"
#include "rtl/status.h"
#include "rtl/stripe.h"

namespace regent::cm {

// How a hive behaves while mounted.
struct MountOptions {
    bool volatile_hive = false;     // every key is volatile, nothing reaches a file
    bool no_lazy_flush = false;     // REG_NO_LAZY_FLUSH: written only when asked
    bool boot = false;              // part of the system: NtUnloadKey answers ACCESS_DENIED
    bool master = false;            // \Registry itself: children are mount points, no service creates keys in it
    bool application = false;       // below \Registry\A: reached by its root handle only, unloaded with its last key
    bool process_private = false;   // REG_PROCESS_PRIVATE: loading it again fails
    bool no_transactions = false;   // REG_HIVE_NO_RM: transactions of the KTM are refused
    bool to_be_filled = false;      // by whoever mounts it, before its durability holds (Registry::hold_to_durability)
    std::uint64_t trust_class = 0;  // of the hive that it is as trusted as (MountedHive::trust_class); 0: of none
};

// Invariants: (1) storage() is valid from mounting until unloaded() turns true, which happens under the exclusive lock
// and is final; (2) open_keys() counts the key bodies of this hive, raised under the lock (shared at least) while not
// unloaded, or while it does not close. Internally synchronised by lock(), except where a member says otherwise.
class MountedHive final : public rtl::RefCounted {
public:
    using Lock = rtl::StripedSharedMutex<LockRank::hive>;

    MountedHive(std::unique_ptr<hive::Hive> storage, Utf16 mount_path, const MountOptions& options);
    ~MountedHive() override;

    Lock& lock() const { return lock_; }
    // REQUIRES: the lock (exclusive for writes) and !unloaded().
    hive::Hive& storage() { return *storage_; }
    const hive::Hive& storage() const { return *storage_; }

    std::uint64_t serial() const { return serial_; }  // never used again for another
    // Links of a trusted hive lead anywhere, those of another one into hives of its class (semantics SL-10).
    bool trusted() const { return options_.boot; }
    std::uint64_t trust_class() const { return options_.trust_class != 0 ? options_.trust_class : serial_; }
    // Changes whenever a descriptor may have gone, so that its cell may hold another one. Never 0.
    std::uint32_t descriptor_generation() const { return descriptor_generation_.load(std::memory_order_acquire); }
    void descriptors_change_locked() {
        if (descriptor_generation_.fetch_add(1, std::memory_order_acq_rel) == UINT32_MAX) descriptor_generation_ = 1;
    }

    // Asks the processor for a key that is about to be read. Without the lock: what is out of date does no harm.
    void prefetch_key(hive::CellIndex cell) const;
    // The stable cells have moved (a compaction). REQUIRES: the exclusive lock.
    void cells_moved_locked();

    InheritedSecurity inherited_security;  // guarded by the exclusive lock

    bool unloaded() const { return unloaded_.load(std::memory_order_acquire); }
    const MountOptions& options() const { return options_; }
    const Utf16& mount_path() const { return mount_path_; }  // "\REGISTRY\MACHINE\SOFTWARE"
    const std::string& file() const { return file_; }        // empty: memory only

    std::uint64_t flush_at_rest = 0;  // the lazy writer's: last_flush() at the end of its last interval
    // How many keys transactions have pending changes of; asked under the lock by whoever changes something.
    std::atomic<std::uint32_t> claimed_keys{0};

    std::size_t open_keys() const { return static_cast<std::size_t>(std::max(open_keys_.sum(), std::int64_t{0})); }
    void key_opened() { open_keys_.add(1); }
    // The same without the lock; false when the hive goes or is about to.
    bool open_key_unlocked() {
        open_keys_.add(1);
        if (!closing_.load(std::memory_order_seq_cst)) return true;
        open_keys_.add(-1);
        return false;
    }
    void key_closed() { open_keys_.add(-1); }
    // Unloaded when its last key closes: application hives, and what NtUnloadKeyEx found in use.
    bool leaves_when_unused() const { return leaves_when_unused_.load(std::memory_order_seq_cst); }
    void leave_when_unused() { leaves_when_unused_.store(true, std::memory_order_seq_cst); }

    // Makes every change made before the call durable; the storage lets callers at the same time share one sync.
    // ERRORS: HIVE_UNLOADED, the storage's. REQUIRES: the lock not held.
    Result<void> flush();
    // Where every operation is durable: flush(), once the flush gate is open. Each change of a key ends with it.
    Result<void> operation_done();
    // From now on the registry's durability holds for it, as far as it has a file: operation_done() does something, or
    // nothing can be changed any more.
    void hold_to(hive::Durability durability);
    // Gives free space at the end back, flushes, and brings the primary file up to date. Readers and flushers go on
    // meanwhile. REQUIRES: the lock not held.
    Result<void> reconcile();
    // The second half of that alone. REQUIRES: the lock not held.
    Result<void> write_back();
    // Between these two nothing of the hive is written but by flush_held(): a commit over several hives is between its
    // record and its end (commit_journal.h). hold() waits for what is under way; others then wait for release(), or,
    // after stay_held(), try to finish the commit themselves. REQUIRES: the lock not held.
    void hold();
    Result<void> flush_held();
    void stay_held();
    void release();

    bool dirty() const;
    std::uint64_t last_flush() const;  // its number: one that has changed meanwhile was in use
    bool durable_operations() const { return durable_operations_.load(std::memory_order_acquire); }
    // What the lazy writer has to do: the log is long; the log is not empty.
    bool reconcile_due() const;
    bool reconciled() const;
    // Who is told by a flush that reconcile_due(); without, the flush does it. Before the hive is shared.
    void set_lazy_writer(std::function<void()> wake) { wake_lazy_writer_ = std::move(wake); }

    // Ends the mount: from now on unloaded(). REQUIRES: the exclusive lock, !unloaded().
    std::unique_ptr<hive::Hive> detach_locked();
    // The same unless more than `allowed` keys are open; then null.
    std::unique_ptr<hive::Hive> detach_unless_open_locked(std::size_t allowed);
    // Writes what a detached storage still has to its file. REQUIRES: the lock not held.
    Result<void> finish(hive::Hive& detached);

    // Who writes the hive's files has one: a detached storage outlives it, and there is none while the hive is held.
    class Turn {
    public:
        explicit Turn(MountedHive& hive) : hive_(hive) {}
        // Waits. ERRORS: those of the commit that holds the hive and cannot end. REQUIRES: the lock not held.
        Result<void> begin() {
            RG_TRY(hive_.begin_turn());
            begun_ = true;
            return {};
        }
        ~Turn() {
            if (begun_) hive_.end_turn();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        MountedHive& hive_;
        bool begun_ = false;
    };

private:
    Result<void> flush_with(bool write_back);
    Result<void> write_back_and_drop(hive::Hive& storage);
    Result<void> begin_turn();
    void end_turn();

    mutable Lock lock_;
    std::unique_ptr<hive::Hive> storage_;
    std::atomic<std::uintptr_t> cells_at_{0};
    const Utf16 mount_path_;
    const std::string file_;
    const MountOptions options_;
    std::function<void()> wake_lazy_writer_;
    const std::uint64_t serial_;
    std::atomic<std::uint32_t> descriptor_generation_{1};
    std::atomic<bool> unloaded_{false};
    std::atomic<bool> closing_{false};
    std::atomic<bool> leaves_when_unused_{false};
    std::atomic<bool> durable_operations_{false};
    rtl::StripedCounter open_keys_;

    // Commits and write-backs that run without lock_; a detached storage must outlive them.
    Mutex<LockRank::flusher> commit_lock_;
    ConditionVariable commits_done_;
    unsigned commits_ RG_GUARDED_BY(commit_lock_) = 0;
    bool held_ RG_GUARDED_BY(commit_lock_) = false;
    bool stuck_ RG_GUARDED_BY(commit_lock_) = false;
};

}  // namespace regent::cm
