// An Env in memory for tests. It records every write, sync and directory change, so that the disk as it could be after
// a crash at any point can be built: what was synced is there; of the rest, all, nothing, or torn parts. It also fails
// the N-th call on demand. Internally synchronised by one lock: flushes of several threads, and a write-back beside
// them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rtl/env.h"
#include "rtl/lock.h"

namespace regent::rtl {

enum class LossModel : std::uint8_t {
    none,       // everything written so far reached the disk
    all,        // nothing that was not synced did
    torn,       // each unsynced 512-byte sector by itself, at random: reordered and torn
    prefix,     // unsynced writes up to a random one, and a random part of that one
    subset,     // each unsynced write as a whole or not at all, at random
    reordered,  // such a subset, applied in any order: of two writes to one place either may be the last
};

using DiskImage = std::map<std::string, std::string>;  // path -> content

class SimEnv final : public Env {
public:
    SimEnv() = default;
    explicit SimEnv(const DiskImage& disk);
    ~SimEnv() override;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
    Result<void> sync_directory_of(const std::string& path) override;

    // How many calls that change the disk were made; each is a crash point (a crash just after it).
    std::size_t event_count() const;
    // The disk after a crash when the first `events` of them had been made.
    DiskImage after_crash(std::size_t events, LossModel model, std::uint64_t seed) const;
    DiskImage contents() const;  // as a running system sees it
    // The call number `event` (0 = the next one) and, with `sticky`, all later ones fail with `status`.
    void fail_at(std::size_t event, NTSTATUS status, bool sticky);
    // While full, what makes a file or makes one longer fails with DISK_FULL.
    void set_full(bool full);

private:
    struct Node {
        std::size_t id;
        std::string content;
        bool locked = false;
    };
    enum class EventKind : std::uint8_t { write, truncate, sync, link, unlink, rename, sync_directory };
    struct Event {
        EventKind kind;
        std::size_t node;
        std::uint64_t offset;
        std::string data;  // written bytes, or a path
        std::string to;
    };
    class SimFile;

    Result<void> record(Event event) RG_REQUIRES(lock_);

    mutable Mutex<LockRank::leaf> lock_;
    std::map<std::string, std::shared_ptr<Node>> nodes_ RG_GUARDED_BY(lock_);
    DiskImage initial_;
    std::map<std::string, std::size_t> initial_ids_;
    std::size_t next_id_ RG_GUARDED_BY(lock_) = 1;
    std::vector<Event> events_ RG_GUARDED_BY(lock_);
    std::size_t fail_event_ RG_GUARDED_BY(lock_) = static_cast<std::size_t>(-1);
    NTSTATUS fail_status_ RG_GUARDED_BY(lock_) = 0;
    bool fail_sticky_ RG_GUARDED_BY(lock_) = false;
    bool full_ RG_GUARDED_BY(lock_) = false;
};

}  // namespace regent::rtl
