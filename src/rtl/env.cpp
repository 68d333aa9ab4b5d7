#include "rtl/env.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace regent::rtl {

namespace {

NTSTATUS status_of_errno(int error) {
    switch (error) {
        case ENOENT:
            return STATUS_OBJECT_NAME_NOT_FOUND;
        case ENOTDIR:
            return STATUS_OBJECT_PATH_NOT_FOUND;
        case EEXIST:
            return STATUS_OBJECT_NAME_COLLISION;
        case EACCES:
        case EPERM:
        case ELOOP:
            return STATUS_ACCESS_DENIED;
        case EROFS:
            return STATUS_MEDIA_WRITE_PROTECTED;
        case EISDIR:
            return STATUS_FILE_IS_A_DIRECTORY;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return STATUS_DISK_FULL;
        case EMFILE:
        case ENFILE:
            return STATUS_TOO_MANY_OPENED_FILES;
        case ENAMETOOLONG:
            return STATUS_NAME_TOO_LONG;
        case ENOMEM:
            return STATUS_INSUFFICIENT_RESOURCES;
        default:
            return STATUS_REGISTRY_IO_FAILED;
    }
}
std::unexpected<Status> fail_errno() { return fail(status_of_errno(errno)); }

// Tells a missing file from a missing folder, as NT does.
NTSTATUS open_status(const std::string& path, int error) {
    const std::size_t slash = path.rfind('/');
    if (error != ENOENT || slash == std::string::npos || slash == 0) return status_of_errno(error);
    const bool folder = ::access(path.substr(0, slash).c_str(), F_OK) == 0;
    return folder ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
}

void report_on_stderr(const std::string& file, const char* call, int error) {
    std::fprintf(stderr, "regent: %s: %s: %s\n", file.c_str(), call, std::strerror(error));
}
std::atomic<IoErrorSink> io_error_sink{&report_on_stderr};

class PosixFile final : public File {
public:
    PosixFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
    ~PosixFile() override { ::close(descriptor_); }

    Result<std::uint64_t> size() override {
        struct stat info;
        if (::fstat(descriptor_, &info) != 0) return fail_errno();
        return static_cast<std::uint64_t>(info.st_size);
    }

    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t got =
                ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_transfer("pread");
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    Result<void> write_at(std::uint64_t offset, Bytes data) override {
        std::size_t done = 0;
        while (done < data.size()) {
            const ssize_t put =
                ::pwrite(descriptor_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return fail_transfer("pwrite");
            if (put == 0) return fail(STATUS_REGISTRY_IO_FAILED);
            done += static_cast<std::size_t>(put);
        }
        return {};
    }

    Result<void> truncate(std::uint64_t size) override {
        if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return fail_errno();
        return {};
    }

    void reserve(std::uint64_t end) override {
        static_cast<void>(::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(end)) == 0);
    }

    Result<void> sync() override {
        // Never repeated: after a failure the kernel may have dropped the dirty pages.
        if (::fdatasync(descriptor_) == 0) return {};
        report("fdatasync");
        return fail(STATUS_REGISTRY_IO_FAILED);
    }

    Result<void> lock() override {
        // An open-file-description lock: two opens in one process exclude each other as well.
        struct flock region = {};
        region.l_type = F_WRLCK;
        region.l_whence = SEEK_SET;
        if (::fcntl(descriptor_, F_OFD_SETLK, &region) == 0) return {};
        if (errno == EAGAIN || errno == EACCES) return fail(STATUS_SHARING_VIOLATION);
        return fail_errno();
    }

    Result<void> map_private(std::uint64_t offset, std::size_t length, std::byte* address) override {
        constexpr int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
        void* at = ::mmap(address, length, PROT_READ | PROT_WRITE, flags, descriptor_, static_cast<off_t>(offset));
        if (at != MAP_FAILED) return {};
        if (errno == ENODEV) return File::map_private(offset, length, address);  // a file system that cannot map
        return fail_errno();
    }
    Result<void> remap_private(std::uint64_t offset, std::size_t length, std::byte* address) override {
        constexpr int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
        void* at = ::mmap(address, length, PROT_READ | PROT_WRITE, flags, descriptor_, static_cast<off_t>(offset));
        return at != MAP_FAILED ? Result<void>() : fail(STATUS_NOT_SUPPORTED);
    }

private:
    void report(const char* call) const {
        const int error = errno;
        io_error_sink.load(std::memory_order_acquire)(name_, call, error);
        errno = error;
    }
    std::unexpected<Status> fail_transfer(const char* call) const {
        if (status_of_errno(errno) == STATUS_REGISTRY_IO_FAILED) report(call);
        return fail_errno();
    }

    int descriptor_;
    const std::string name_;
};

int open_flags(OpenMode mode) {
    switch (mode) {
        case OpenMode::read:
            return O_RDONLY;
        case OpenMode::read_write:
            return O_RDWR;
        case OpenMode::create:
            return O_RDWR | O_CREAT;
        case OpenMode::create_new:
            return O_RDWR | O_CREAT | O_EXCL;
        case OpenMode::truncate:
            return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

// A file that is not ours to change stays as it is: it was there before.
void protect_like(int descriptor, const struct stat& now, const struct stat& model) {
    constexpr mode_t rights = 0777;
    mode_t given = model.st_mode & rights;
    if (now.st_gid != model.st_gid && ::fchown(descriptor, static_cast<uid_t>(-1), model.st_gid) != 0) given &= ~070U;
    if ((now.st_mode & rights) != given) static_cast<void>(::fchmod(descriptor, given));
    // Last: who gives a file away may not change it any more.
    if (now.st_uid != model.st_uid) static_cast<void>(::fchown(descriptor, model.st_uid, static_cast<gid_t>(-1)) == 0);
}

Result<std::unique_ptr<File>> open_file(const std::string& path, OpenMode mode, const struct stat* model) {
    if (path.find('\0') != std::string::npos) return fail(STATUS_OBJECT_NAME_INVALID);
    // O_NONBLOCK: opening a FIFO that somebody put there must not hang; regular files ignore it.
    const int flags = open_flags(mode) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    const int descriptor = ::open(path.c_str(), flags, model == nullptr ? 0644 : 0600);
    if (descriptor < 0) return fail(open_status(path, errno));
    auto file = std::make_unique<PosixFile>(descriptor, path);
    struct stat info;
    if (::fstat(descriptor, &info) != 0) return fail_errno();
    if (S_ISDIR(info.st_mode)) return fail(STATUS_FILE_IS_A_DIRECTORY);
    if (!S_ISREG(info.st_mode)) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    if (model != nullptr) protect_like(descriptor, info, *model);
    return file;
}

class PosixEnv final : public Env {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        return open_file(path, mode, nullptr);
    }

    Result<std::unique_ptr<File>> open_like(const std::string& path, OpenMode mode, const std::string& model) override {
        struct stat info;
        const bool there = ::stat(model.c_str(), &info) == 0;
        if (!there && errno != ENOENT) return fail_errno();
        return open_file(path, mode, there ? &info : nullptr);
    }

    Result<void> rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno();
        return {};
    }

    Result<void> remove(const std::string& path) override {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno();
        return {};
    }

    Result<void> sync_directory_of(const std::string& path) override {
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
        const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) return fail_errno();
        const bool synced = ::fsync(descriptor) == 0;
        ::close(descriptor);
        if (!synced) return fail(STATUS_REGISTRY_IO_FAILED);
        return {};
    }
};

}  // namespace

Result<void> File::map_private(std::uint64_t offset, std::size_t length, std::byte* address) {
    constexpr int flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
    if (::mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) return fail_errno();
    RG_TRY(read_at(offset, {address, length}));
    return {};
}

void File::reserve(std::uint64_t) {}

Result<void> File::remap_private(std::uint64_t, std::size_t, std::byte*) { return fail(STATUS_NOT_SUPPORTED); }

Result<std::unique_ptr<File>> Env::open_like(const std::string& path, OpenMode mode, const std::string&) {
    return open(path, mode);
}

// The empty file keeps the name, so that what takes it in the end replaces nobody's file.
Result<void> write_new_file(Env& env, const std::string& path, const std::string& model,
                            const std::function<Result<void>(File&)>& write) {
    RG_TRY(env.open_like(path, OpenMode::create_new, model));
    const std::string partial = path + ".partial";
    const auto put = [&]() -> Result<void> {
        RG_TRY(env.remove(partial));  // of a run that was cut short
        {
            const auto file = RG_TRY(env.open_like(partial, OpenMode::create_new, model));
            RG_TRY(write(*file));
            RG_TRY(file->sync());
        }
        RG_TRY(env.rename(partial, path));
        return env.sync_directory_of(path);
    };
    auto done = put();
    if (!done) {
        static_cast<void>(env.remove(partial));
        static_cast<void>(env.remove(path));
    }
    return done;
}

Env& real_env() {
    static PosixEnv env;
    return env;
}

void set_io_error_sink(IoErrorSink sink) {
    io_error_sink.store(sink == nullptr ? &report_on_stderr : sink, std::memory_order_release);
}

Result<std::unique_ptr<File>> file_of_descriptor(int descriptor) {
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return fail_errno();
    return std::make_unique<PosixFile>(copy, "descriptor " + std::to_string(descriptor));
}

Result<std::string> read_whole(File& file, std::uint64_t limit) {
    const std::uint64_t size = RG_TRY(file.size());
    if (size > limit) return fail(STATUS_REGISTRY_IO_FAILED);
    std::string content(size, '\0');
    const MutableBytes out(reinterpret_cast<std::byte*>(content.data()), content.size());
    const std::size_t got = RG_TRY(file.read_at(0, out));
    content.resize(got);
    return content;
}

}  // namespace regent::rtl
