#include "nt/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "nt/hive_report.h"
#include "rtl/env.h"
#include "rtl/status.h"
#include "se/sddl.h"
#include "se/sid.h"

namespace regent::nt {
namespace {

BootFailure failure(NTSTATUS status, std::string message) { return {status, std::move(message)}; }

NTSTATUS status_of_errno() {
    switch (errno) {
        case EACCES:
        case EPERM:
        case EROFS:
            return STATUS_ACCESS_DENIED;
        case ENOSPC:
        case EDQUOT:
            return STATUS_DISK_FULL;
        default:
            return STATUS_OBJECT_PATH_NOT_FOUND;
    }
}

BootFailure failed_to(const char* action, const std::string& path) {
    const NTSTATUS status = status_of_errno();
    return failure(status, path + ": cannot " + action + ": " + std::strerror(errno));
}

// Every missing directory of the path; private to the user, since a registry holds secrets (SAM, SECURITY).
bool make_directories(const std::string& path) {
    for (std::size_t end = 1; end != std::string::npos && end < path.size();) {
        end = path.find('/', end + 1);
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return false;
    if (S_ISDIR(info.st_mode)) return true;
    errno = ENOTDIR;
    return false;
}

// REQUIRES: the lock is taken.
std::string owner_of(int lock) {
    struct flock whole{};
    whole.l_type = F_RDLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(lock, F_OFD_GETLK, &whole) == 0 && whole.l_type == F_UNLCK) return "a process that only reads it";
    char text[32] = {};
    if (::pread(lock, text, sizeof(text) - 1, 0) <= 0) return "another process";
    return "process " + std::string(text, std::strcspn(text, "\n"));
}

}  // namespace

bool set_durability(StoreOptions& options, std::string_view text) {
    if (text.starts_with("lazy:")) {
        const std::string_view number = text.substr(5);
        int seconds = 0;
        const auto [end, error] = std::from_chars(number.begin(), number.end(), seconds);
        if (error != std::errc() || end != number.end() || seconds < 0) return false;
        options.durability = hive::Durability::lazy;
        options.lazy_flush_seconds = seconds;
        return true;
    }
    static constexpr std::pair<std::string_view, hive::Durability> words[] = {
        {"lazy", hive::Durability::lazy},
        {"every", hive::Durability::every_operation},
        {"read-only", hive::Durability::read_only},
        {"memory", hive::Durability::in_memory},
    };
    for (const auto& [word, durability] : words) {
        if (text != word) continue;
        options.durability = durability;
        return true;
    }
    return false;
}

std::expected<Store, BootFailure> Store::open(const std::string& directory, hive::Durability durability) {
    if (directory.empty())
        return std::unexpected(failure(STATUS_OBJECT_PATH_NOT_FOUND, "the store's directory name is empty"));
    std::string path = directory;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (path.front() != '/') {
        char here[4096];
        if (::getcwd(here, sizeof(here)) == nullptr) return std::unexpected(failed_to("find the current folder", path));
        path = std::string(here) + "/" + path;
    }
    const bool writes = hive::writes_files(durability);
    if (writes && !make_directories(path)) return std::unexpected(failed_to("create the store's folder", path));
    if (durability == hive::Durability::read_only && ::access(path.c_str(), R_OK | X_OK) != 0)
        return std::unexpected(failed_to("read the store's folder", path));
    Store store(std::move(path), durability);
    const auto locked = store.lock(writes ? F_WRLCK : F_RDLCK);
    if (!locked) return std::unexpected(locked.error());
    return store;
}

// Who writes has the lock alone; those who do not keep him out, for the pages that they have mapped are his to change.
std::expected<void, BootFailure> Store::lock(short type) {
    const std::string path = directory_ + "/lock";
    const bool writes = type == F_WRLCK;
    lock_ = ::open(path.c_str(), (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_ < 0 && !writes && errno == ENOENT) return {};  // nobody has ever written here
    if (lock_ < 0) return std::unexpected(failed_to("open the store's lock", path));
    struct flock whole{};
    whole.l_type = type;
    whole.l_whence = SEEK_SET;
    if (::fcntl(lock_, F_OFD_SETLK, &whole) != 0)
        return std::unexpected(
            failure(STATUS_SHARING_VIOLATION, directory_ + ": the store is in use by " + owner_of(lock_)));
    if (!writes) return {};
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) != ssize_t(pid.size()))
        return std::unexpected(failed_to("write the store's lock", path));
    return {};
}

Store::Store(Store&& other) noexcept
    : directory_(std::move(other.directory_)), durability_(other.durability_), lock_(std::exchange(other.lock_, -1)) {}

Store::~Store() {
    if (lock_ >= 0) ::close(lock_);  // the file stays: removing it would let two processes lock two files
}

std::expected<std::unique_ptr<hive::Hive>, BootFailure> Store::open_hive(const std::string& file, const char* sddl,
                                                                         std::vector<std::string>& messages) const {
    const std::string path = directory_ + "/" + file;
    const auto security = se::parse_sddl(sddl);
    if (!security) return std::unexpected(failure(security.error().code(), file + ": bad default security"));
    struct stat info{};
    const bool missing = ::stat(path.c_str(), &info) != 0;
    LoadFindings findings;
    hive::OpenOptions options;
    // A read-only one takes what the boot puts into it before it is closed to changes.
    options.durability = durability_ == hive::Durability::read_only ? hive::Durability::in_memory : durability_;
    options.create_if_missing = true;
    // The store is ours; a hive in it that somebody else wrote is not.
    options.validation = hive::Validation::if_unproven;
    options.findings = &findings;
    options.create.root_security = security->bytes();
    auto opened = hive::Hive::open(rtl::real_env(), path, options);
    const auto report = report_load(path, opened, findings);
    if (!opened) {
        const NTSTATUS status = opened.error().code();
        return std::unexpected(failure(status, report ? *report : path + ": " + rtl::status_name(status)));
    }
    if (missing) messages.push_back(path + (hive::writes_files(durability_) ? ": created" : ": created in memory"));
    if (report) messages.push_back(*report);
    return std::move(*opened);
}

std::vector<std::string> Store::user_folders() const {
    std::vector<std::string> sids;
    DIR* folder = ::opendir((directory_ + "/users").c_str());
    if (folder == nullptr) return sids;
    while (const dirent* entry = ::readdir(folder))
        if (se::Sid::parse(entry->d_name)) sids.emplace_back(entry->d_name);
    ::closedir(folder);
    std::sort(sids.begin(), sids.end());
    return sids;
}

std::expected<void, BootFailure> Store::create_user_folder(const std::string& sid) const {
    const std::string path = directory_ + "/users/" + sid;
    if (!make_directories(path)) return std::unexpected(failed_to("create the user's folder", path));
    return {};
}

}  // namespace regent::nt
