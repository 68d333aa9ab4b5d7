// A commit that has to be whole in several hives. A hive's log makes its own part all or nothing; this record says, for
// as long as not all hives have their part, that all are to get it.
//
// Order: the hives are held (nobody writes their files); the record, synced: from here on the commit survives; the
// changes in memory; each hive's flush; the record retired, synced; the hives released. Since nothing else of these
// hives reaches the disk while the record is valid, doing its changes again at the next start gives the same hives,
// whether they have their part or not. Every hive by itself is sound at each moment, and any reader can recover it.
//
// A hive that is not there at that start, or that had to be unloaded before its flush succeeded, keeps the others from
// nothing: its part goes to a file beside the record and is done when the hive is loaded, before anybody sees it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cm/commit_record.h"
#include "cm/key_control_block.h"

namespace regent::cm {

// One hive's part of a commit.
struct HiveCommit {
    Ref<MountedHive> hive;
    std::vector<KeyChange> changes;
    struct Block {
        Ref<KeyControlBlock> block;
        bool removed;
        std::vector<Utf16> path;
    };
    std::vector<Block> blocks;  // of the keys that were there before
    bool reaches_a_file() const;
};

// How a commit ended: rolled back, or in memory, and then whether it is durable.
struct CommitOutcome {
    Result<void> written;
    Result<void> durable;
};

// Internally synchronised: one commit at a time, under a lock of rank commit.
class CommitJournal {
public:
    // From now on commits are recorded in this file, which holds what any hive holds: who makes it says for whom it is.
    // Without one they are whole in memory only.
    Result<void> open(rtl::Env& env, const std::string& path);
    void close();
    // `change` makes the changes in memory, or none of them.
    CommitOutcome commit(std::span<HiveCommit> parts, const std::function<Result<void>()>& change);
    // Ends a commit whose flush failed: its hives stay held until this succeeds.
    Result<void> finish();
    // What is left to do in a hive that is about to be mounted. ERRORS: the hive's (it is not the one it was), those
    // of Env: it is not to be mounted.
    Result<void> finish_part(hive::Hive& storage);

    // At the start, before any of the hives is loaded: finishes what a crash interrupted. What cannot be finished for
    // good (a hive's file is gone or damaged) is told, and left for later if it is no hive of the store itself. ERRORS:
    // those of Env, the hives', REGISTRY_CORRUPT.
    static Result<void> recover(rtl::Env& env, const std::string& path, std::vector<std::string>& messages);
    // The same for who must not write: what there is to be finished. ERRORS: those of Env, REGISTRY_CORRUPT.
    static Result<std::vector<RecordedPart>> interrupted(rtl::Env& env, const std::string& path);

private:
    Result<void> record(std::span<const HiveCommit> parts) RG_REQUIRES(lock_);
    Result<void> retire() RG_REQUIRES(lock_);
    Result<void> finish_locked() RG_REQUIRES(lock_);
    Result<void> flush_parts(bool flush) RG_REQUIRES(lock_);
    Result<void> leave_unloaded() RG_REQUIRES(lock_);

    Mutex<LockRank::commit> lock_;
    rtl::Env* env_ RG_GUARDED_BY(lock_) = nullptr;
    std::string path_ RG_GUARDED_BY(lock_);
    std::unique_ptr<rtl::File> file_ RG_GUARDED_BY(lock_);
    std::vector<RecordedPart> left_ RG_GUARDED_BY(lock_);      // of hives that are not loaded
    std::vector<Ref<MountedHive>> held_ RG_GUARDED_BY(lock_);  // of a commit that is not over
    bool flush_first_ RG_GUARDED_BY(lock_) = false;            // before its record may be retired
};
CommitJournal& commit_journal();

}  // namespace regent::cm
