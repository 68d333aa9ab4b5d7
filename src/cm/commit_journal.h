// A commit that has to be whole in several hives. A hive's log makes its own part all or nothing; this record says, for
// as long as not all hives have their part, that all are to get it.
//
// Order: the hives are held (nobody writes their files); the record, synced: from here on the commit survives; the
// changes in memory; each hive's flush; the record retired, synced; the hives released. Since nothing else of these
// hives reaches the disk while the record is valid, doing its changes again at the next start gives the same hives,
// whether they have their part or not. Every hive by itself is sound at each moment, and any reader can recover it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cm/key_control_block.h"
#include "cm/key_image.h"
#include "rtl/env.h"

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

// What the record says of one hive, by its file.
struct RecordedPart {
    std::string file;
    std::vector<KeyChange> changes;
};

// How a commit ended: rolled back, or in memory, and then whether it is durable.
struct CommitOutcome {
    Result<void> written;
    Result<void> durable;
};

// Internally synchronised: one commit at a time, under a lock of rank commit.
class CommitJournal {
public:
    // From now on commits are recorded in this file. Without one they are whole in memory only.
    Result<void> open(rtl::Env& env, const std::string& path);
    void close();
    // `change` makes the changes in memory, or none of them.
    CommitOutcome commit(std::span<HiveCommit> parts, const std::function<Result<void>()>& change);
    // Ends a commit whose flush failed: its hives stay held until this succeeds.
    Result<void> finish();

    // At the start, before any of the hives is loaded: finishes what a crash interrupted. What cannot be finished for
    // good (a hive's file is gone or damaged) is told. ERRORS: those of Env, the hives'.
    static Result<void> recover(rtl::Env& env, const std::string& path, std::vector<std::string>& messages);
    // The same for who must not write: what there is to be finished. ERRORS: those of Env, REGISTRY_CORRUPT.
    static Result<std::vector<RecordedPart>> interrupted(rtl::Env& env, const std::string& path);

private:
    Result<void> record(std::span<const HiveCommit> parts) RG_REQUIRES(lock_);
    Result<void> retire() RG_REQUIRES(lock_);
    Result<void> finish_locked() RG_REQUIRES(lock_);
    Result<void> flush_parts(bool flush) RG_REQUIRES(lock_);

    Mutex<LockRank::commit> lock_;
    std::unique_ptr<rtl::File> file_ RG_GUARDED_BY(lock_);
    std::vector<Ref<MountedHive>> held_ RG_GUARDED_BY(lock_);  // of a commit that is not over
    bool flush_first_ RG_GUARDED_BY(lock_) = false;            // before its record may be retired
};
CommitJournal& commit_journal();

}  // namespace regent::cm
