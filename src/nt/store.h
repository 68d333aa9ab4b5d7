// A store on disk: a directory with the hives SYSTEM SOFTWARE SAM SECURITY DEFAULT, users/<SID>/{NTUSER.DAT,
// UsrClass.dat}, and a lock file that one process holds at a time.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "nt/system.h"

namespace regent::nt {

// Invariant: while it exists no other process has the store. Externally synchronised.
class Store {
public:
    // Creates the directory when missing and takes the lock; where no file is written it creates nothing and shares the
    // lock, if there is one, with its like. In memory there need not be a directory.
    static std::expected<Store, BootFailure> open(const std::string& directory, hive::Durability durability);
    Store(Store&& other) noexcept;
    Store& operator=(Store&&) = delete;
    ~Store();

    const std::string& directory() const { return directory_; }
    // Nobody but this user reads it: what is made like it is as private.
    std::string lock_file() const { return directory_ + "/lock"; }
    hive::Durability durability() const { return durability_; }
    // Opens a hive file of the store, made with `sddl` on its root when missing; a read-only one in memory, to be
    // filled. What was recovered, repaired or
    // created is added to `messages`.
    std::expected<std::unique_ptr<hive::Hive>, BootFailure> open_hive(const std::string& file, const char* sddl,
                                                                      std::vector<std::string>& messages) const;
    // SIDs that have a folder in users/.
    std::vector<std::string> user_folders() const;
    std::expected<void, BootFailure> create_user_folder(const std::string& sid) const;

private:
    Store(std::string directory, hive::Durability durability)
        : directory_(std::move(directory)), durability_(durability) {}
    std::expected<void, BootFailure> lock(short type);
    std::string directory_;
    hive::Durability durability_;
    int lock_ = -1;
};

}  // namespace regent::nt
