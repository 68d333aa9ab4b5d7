// The file interface that everything durable goes through, so that a test can lose, tear and fail what was not synced
// (rtl/sim_env.h). Statuses: DISK_FULL for a full disk, OBJECT_NAME_NOT_FOUND / ACCESS_DENIED / SHARING_VIOLATION at
// open, REGISTRY_IO_FAILED for any other failed transfer or sync.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rtl/bytes.h"
#include "rtl/status.h"

namespace regent::rtl {

enum class OpenMode : std::uint8_t {
    read,        // must exist
    read_write,  // must exist
    create,      // read and write; made empty when missing
    create_new,  // read and write; OBJECT_NAME_COLLISION when it exists
    truncate,    // read and write; made empty in any case
};

// An open regular file. Externally synchronised.
class File {
public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File() = default;

    virtual Result<std::uint64_t> size() = 0;
    // Reads up to out.size() bytes; fewer only at the end of the file.
    virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;
    // All of `data`, or a failure (then any part of it may have been written).
    virtual Result<void> write_at(std::uint64_t offset, Bytes data) = 0;
    virtual Result<void> truncate(std::uint64_t size) = 0;
    // Room for the file's bytes up to `end`, which will be written soon; its size stays. A hint: what fails changes
    // nothing, and a truncate gives back what was not needed.
    virtual void reserve(std::uint64_t end);
    // Data (and the size) are durable when this returns. After a failure nothing may be assumed about earlier writes.
    virtual Result<void> sync() = 0;
    // An exclusive lock for the life of this File, against every other File in any process; SHARING_VIOLATION when
    // taken.
    virtual Result<void> lock() = 0;
    // Puts the file's bytes [offset, offset + length) at `address`, over whatever is mapped there: readable and
    // writable, what is written there never reaches the file. Stays valid after this File. Where the system can, pages
    // come from the file when they are touched; else they are read now. REQUIRES: all page-aligned, the range belongs
    // to the caller, the bytes are inside the file.
    virtual Result<void> map_private(std::uint64_t offset, std::size_t length, std::byte* address);
    // The same over pages that hold these very bytes already, at once for every thread that reads them, or not at all:
    // NOT_SUPPORTED, and nothing has changed.
    virtual Result<void> remap_private(std::uint64_t offset, std::size_t length, std::byte* address);
};

class Env {
public:
    Env() = default;
    Env(const Env&) = delete;
    Env& operator=(const Env&) = delete;
    virtual ~Env() = default;

    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    // The same for a file that will hold what the file `model` holds: owner, group and mode become `model`'s, before
    // anybody else can open a file that is made here. A group or owner that this process may not give gets no rights in
    // the model's place. Where there is no `model`: as open. An Env without such things: as open.
    virtual Result<std::unique_ptr<File>> open_like(const std::string& path, OpenMode mode, const std::string& model);
    virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
    virtual Result<void> remove(const std::string& path) = 0;  // success when it is not there
    // Makes the directory entry of `path` durable.
    virtual Result<void> sync_directory_of(const std::string& path) = 0;
};

// The operating system's files.
Env& real_env();
// Who is told of each failed transfer and sync of real_env's files (a full disk is none): the file, the call that
// failed, errno. Nobody told yet: a line on standard error. The function may be called with any lock up to `flusher`
// held.
using IoErrorSink = void (*)(const std::string& file, const char* call, int error);
void set_io_error_sink(IoErrorSink sink);
// A File over a descriptor of the caller's, which is duplicated.
Result<std::unique_ptr<File>> file_of_descriptor(int descriptor);
// The whole file, at most `limit` bytes (else REGISTRY_IO_FAILED).
Result<std::string> read_whole(File& file, std::uint64_t limit);
// A new file with what `write` puts into it, protected as `model`: after a failure it is not there, after a crash it is
// not there, empty or whole. What is written stands in PATH.partial until it is durable.
// ERRORS: OBJECT_NAME_COLLISION, those of `write`, Env and File.
Result<void> write_new_file(Env& env, const std::string& path, const std::string& model,
                            const std::function<Result<void>(File&)>& write);

}  // namespace regent::rtl
