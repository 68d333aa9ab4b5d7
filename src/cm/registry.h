// The registry as a whole: the tree \Registry, the hives mounted in it, and what runs beside the callers.
#pragma once

#include <atomic>
#include <thread>

#include "cm/commit_journal.h"
#include "cm/key.h"
#include "cm/key_table.h"
#include "cm/notify.h"
#include "ob/lookup.h"

namespace regent::cm {

struct HiveListing {
    Utf16 mount_path;  // \REGISTRY\MACHINE\SOFTWARE
    std::string file;  // host path; empty: memory only
    bool volatile_hive;
};

// Who is told that a hive has been unloaded: once, by any thread, with no lock of this floor held.
class UnloadWaiter : public rtl::RefCounted {
public:
    virtual void unloaded() noexcept = 0;
};

// The X of "\Registry\A\X".
std::optional<Utf16View> application_hive_name(Utf16View path);

// One per executive. \Registry, \Registry\Machine and \Registry\User live in a master hive in memory; every other hive
// is mounted below the latter two, its root block pinned in the name cache, so that a path crosses hives like any other
// step. Internally synchronised.
class Registry {
public:
    struct Options {
        // Of its hives, once they are filled; they are opened with opening_durability().
        hive::Durability durability = hive::Durability::lazy;
        int lazy_flush_seconds = 5;  // 0: nothing is flushed but on request and at stop
        // Where commits over several hives are recorded; empty: they are not, and whole in memory only. Before the
        // hives are opened CommitJournal::recover() is to be called.
        std::string commit_journal;
        rtl::Env* env = &rtl::real_env();  // of that file
        // Where no file is written: what CommitJournal::interrupted() found, to be finished in memory.
        std::vector<RecordedPart> interrupted = {};
    };
    // Registers the type Key, makes \Registry and starts the lazy writer. REQUIRES: ob::initialize() ran.
    static Result<std::unique_ptr<Registry>> start(const Options& options);
    // Stops the flusher, writes every hive to its file and takes \Registry out of the namespace.
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    // Puts a hive at "\Registry\Machine\X" or "\Registry\User\X" (any case; X keeps its spelling).
    // ERRORS: INVALID_PARAMETER (not such a path), OBJECT_NAME_COLLISION.
    Result<void> mount(Utf16View path, std::unique_ptr<hive::Hive> storage, const MountOptions& options);
    // The same where the target is named as NtLoadKey names it, relative to a key handle or not.
    // The waiter may be null.
    Result<void> mount_at(const ob::ObjectAttributes& target, std::unique_ptr<hive::Hive> storage,
                          const MountOptions& options, Ref<UnloadWaiter> waiter = nullptr);
    // Whether `target` names a place for a hive at all, taken or free. ERRORS: those of mount but the collision.
    Result<void> check_mount_point(const ob::ObjectAttributes& target);
    // Takes a hive out and writes it to its file. ERRORS: INVALID_PARAMETER (no hive is mounted there), ACCESS_DENIED
    // (boot hive), CANNOT_DELETE (open keys, unless `force`: then their handles answer HIVE_UNLOADED), the storage's.
    // `own_keys` is how many of the open keys are the caller's own, opened to show them to callbacks.
    Result<void> unmount_at(const ob::ObjectAttributes& target, bool force, std::size_t own_keys = 0);

    // The same for a hive that is in use: it leaves when its last key closes, and the waiter is told. True: it has
    // left.
    Result<bool> unmount_when_unused(const ob::ObjectAttributes& target, std::size_t own_keys,
                                     Ref<UnloadWaiter> waiter);

    // Application hives (HV-3) stand below \Registry\A, where no path leads: the body is the way in, and when the last
    // key closes the hive is written and unloaded. Which file is which, its host path says.
    // Null when the file is not loaded so. ERRORS: SHARING_VIOLATION (loaded for one caller).
    Result<KeyRef> find_application_hive(const std::string& file);
    // ERRORS: OBJECT_NAME_COLLISION.
    Result<KeyRef> mount_application_hive(Utf16View name, std::unique_ptr<hive::Hive> storage, bool process_private,
                                          Ref<UnloadWaiter> waiter);
    // The last key of a hive that leaves_when_unused() was closed. REQUIRES: no lock of this floor held.
    void unload_unused(const MountedHive& hive);

    // What its hives are opened with: a read-only one is filled in memory first.
    hive::Durability durability() const { return options_.durability; }
    hive::Durability opening_durability() const;
    // Ends the filling of the hives mounted so far, those MountOptions::to_be_filled too: what they have is durable, or
    // cannot be changed any more. ERRORS: those of the flushes.
    Result<void> hold_to_durability();

    // MountedHive::trust_class() of the hive that is mounted there (any case); 0: none is.
    std::uint64_t trust_class(Utf16View mount_path) const;
    // In order of mounting, the master hive not among them.
    std::vector<HiveListing> hives() const;
    // Every hive's changes are durable. The first failure is returned, the others are tried all the same.
    Result<void> flush_all();
    // flush_all, and the primary files are up to date.
    Result<void> reconcile_all();

    KeyBody& root() const { return *root_; }  // \Registry

    // Rounds of the lazy flusher, for tests and counters.
    std::uint64_t lazy_flushes() const { return lazy_flushes_.load(std::memory_order_relaxed); }

    // A hive whose last changes did not reach its file.
    struct Unflushed {
        std::string file;
        Status reason;
    };
    // Flushes and unmounts everything; what could not be written is told, once. The destructor does the same, untold.
    std::vector<Unflushed> stop();

private:
    struct Mount {
        Ref<MountedHive> hive;
        Ref<KeyControlBlock> root;
        std::vector<Ref<UnloadWaiter>> waiters;
    };
    Registry() = default;
    Result<void> make_master();
    Result<void> mount_below(KeyControlBlock& parent, Utf16View name, std::unique_ptr<hive::Hive> storage,
                             const MountOptions& options, Ref<UnloadWaiter> waiter);
    void set_lazy_writer(MountedHive& hive);
    Result<Mount> find_mount(const KeyControlBlock& parent, Utf16View name) const;
    Result<Mount> unmounting(const ob::ObjectAttributes& target, KeyRef& parent) const;
    Result<std::unique_ptr<hive::Hive>> take_out(Mount& mount, KeyControlBlock& parent, std::size_t allowed);
    static Result<std::unique_ptr<hive::Hive>> take_out_locked(const Mount& mount, KeyControlBlock& parent,
                                                               std::size_t allowed);
    Result<void> leave(Mount mount, KeyControlBlock& parent, std::size_t allowed, bool force);
    Result<void> let_go(const Mount& mount, hive::Hive& storage);
    Result<void> finish_interrupted(hive::Hive& storage) const;
    void run_lazy_writer();
    void lazy_round(bool interval_over);
    std::vector<Ref<MountedHive>> snapshot() const;

    Options options_;
    Ref<MountedHive> master_;
    KeyRef root_;
    Ref<KeyControlBlock> application_parent_;  // \Registry\A
    mutable Mutex<LockRank::registry> lock_;
    std::vector<Mount> mounts_ RG_GUARDED_BY(lock_);

    mutable Mutex<LockRank::registry> flusher_lock_;
    ConditionVariable flusher_wakes_;
    bool flusher_stops_ RG_GUARDED_BY(flusher_lock_) = false;
    bool write_back_wanted_ RG_GUARDED_BY(flusher_lock_) = false;
    std::thread flusher_;
    std::atomic<std::uint64_t> lazy_flushes_{0};
};

// The running registry; null when none runs.
Registry* running_registry();
// The running registry. REQUIRES: Registry::start succeeded and its object lives.
Registry& registry();

// Key name of the \Registry tree's inner nodes, as path names show them.
inline constexpr Utf16View root_path = u"\\REGISTRY";
inline constexpr Utf16View machine_path = u"\\REGISTRY\\MACHINE";
inline constexpr Utf16View user_path = u"\\REGISTRY\\USER";

}  // namespace regent::cm
