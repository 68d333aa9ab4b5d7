#include "nt/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

std::string owner_of(int lock) {
    char text[32] = {};
    if (::pread(lock, text, sizeof(text) - 1, 0) <= 0) return "another process";
    return "process " + std::string(text, std::strcspn(text, "\n"));
}

}  // namespace

std::expected<Store, BootFailure> Store::open(const std::string& directory) {
    if (directory.empty())
        return std::unexpected(failure(STATUS_OBJECT_PATH_NOT_FOUND, "the store's directory name is empty"));
    std::string path = directory;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (path.front() != '/') {
        char here[4096];
        if (::getcwd(here, sizeof(here)) == nullptr) return std::unexpected(failed_to("find the current folder", path));
        path = std::string(here) + "/" + path;
    }
    if (!make_directories(path)) return std::unexpected(failed_to("create the store's folder", path));
    const std::string lock_path = path + "/lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return std::unexpected(failed_to("open the store's lock", lock_path));
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(lock, F_OFD_SETLK, &whole) != 0) {
        BootFailure taken = failure(STATUS_SHARING_VIOLATION, path + ": the store is in use by " + owner_of(lock));
        ::close(lock);
        return std::unexpected(std::move(taken));
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) != ssize_t(pid.size())) {
        BootFailure failed = failed_to("write the store's lock", lock_path);
        ::close(lock);
        return std::unexpected(std::move(failed));
    }
    return Store(std::move(path), lock);
}

Store::Store(Store&& other) noexcept : directory_(std::move(other.directory_)), lock_(std::exchange(other.lock_, -1)) {}

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
    if (missing) messages.push_back(path + ": created");
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
