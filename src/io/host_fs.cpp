// \Device\HostFs: the host's files as File objects, so that NtSaveKey, NtLoadKey and drivers can name them. A driver
// like any other, but written against this floor.
#include "io/host_fs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "io/driver_life.h"
#include "io/file.h"
#include "io/io_state.h"
#include "ob/handle.h"
#include "ob/process.h"

namespace regent::io {

namespace {

// Behind FILE_OBJECT.FsContext.
struct OpenHostFile {
    int descriptor = -1;
    std::string path;
    OpenHostFile() = default;
    OpenHostFile(const OpenHostFile&) = delete;
    OpenHostFile& operator=(const OpenHostFile&) = delete;
    ~OpenHostFile() {
        if (descriptor >= 0) close(descriptor);
    }
};

NTSTATUS complete(IRP* irp, NTSTATUS status, ULONG_PTR information = 0) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

OpenHostFile& open_file_of(IRP* irp) {
    return *static_cast<OpenHostFile*>(IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext);
}

Result<std::string> path_of(FILE_OBJECT* file) {
    std::string tail = RG_TRY(host_path_of_tail(rtl::view(file->FileName)));
    if (file->RelatedFileObject == nullptr || file->RelatedFileObject->FsContext == nullptr) return tail;
    return static_cast<OpenHostFile*>(file->RelatedFileObject->FsContext)->path + tail;
}

bool exists(const std::string& path) {
    struct stat file{};
    return stat(path.c_str(), &file) == 0;
}

int flags_of(ULONG disposition, ACCESS_MASK access, ULONG options) {
    const bool write = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    const bool read = (access & FILE_READ_DATA) != 0 || !write;
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY);
    if ((options & FILE_DIRECTORY_FILE) != 0) return (flags & ~O_ACCMODE) | O_RDONLY | O_DIRECTORY;
    switch (disposition) {
        case FILE_SUPERSEDE:
        case FILE_OVERWRITE_IF:
            return flags | O_CREAT | O_TRUNC;
        case FILE_CREATE:
            return flags | O_CREAT | O_EXCL;
        case FILE_OPEN_IF:
            return flags | O_CREAT;
        case FILE_OVERWRITE:
            return flags | O_TRUNC;
        default:
            return flags;
    }
}

ULONG information_of(ULONG disposition, bool existed) {
    if (!existed) return FILE_CREATED;
    switch (disposition) {
        case FILE_SUPERSEDE:
            return FILE_SUPERSEDED;
        case FILE_OVERWRITE:
        case FILE_OVERWRITE_IF:
            return FILE_OVERWRITTEN;
        default:
            return FILE_OPENED;
    }
}

NTSTATUS open_errno(const std::string& path, int error) {
    if (error != ENOENT) return status_of_errno(error);
    const std::string parent = path.substr(0, std::max<std::size_t>(1, path.find_last_of('/')));
    return exists(parent) ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
}

Result<ULONG> open_host_file(OpenHostFile& file, const IO_STACK_LOCATION& location) {
    const ULONG disposition = location.Parameters.Create.Options >> 24;
    const ULONG options = location.Parameters.Create.Options & 0x00FFFFFF;
    const CallerIdentity identity;
    const bool existed = exists(file.path);
    file.descriptor =
        open(file.path.c_str(),
             flags_of(disposition, location.Parameters.Create.SecurityContext->DesiredAccess, options), 0666);
    if (file.descriptor < 0) return fail(open_errno(file.path, errno));
    struct stat status{};
    if (fstat(file.descriptor, &status) != 0) return fail(status_of_errno(errno));
    if (S_ISDIR(status.st_mode) && (options & FILE_NON_DIRECTORY_FILE) != 0) return fail(STATUS_FILE_IS_A_DIRECTORY);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return fail(STATUS_ACCESS_DENIED);
    return information_of(disposition, existed);
}

NTSTATUS host_create(DEVICE_OBJECT*, IRP* irp) {
    IO_STACK_LOCATION& location = *IoGetCurrentIrpStackLocation(irp);
    auto path = path_of(location.FileObject);
    if (!path) return complete(irp, path.error().code());
    auto file = std::make_unique<OpenHostFile>();
    file->path = std::move(*path);
    auto information = open_host_file(*file, location);
    if (!information) return complete(irp, information.error().code());
    location.FileObject->FsContext = file.release();
    return complete(irp, STATUS_SUCCESS, *information);
}

NTSTATUS host_cleanup(DEVICE_OBJECT*, IRP* irp) { return complete(irp, STATUS_SUCCESS); }

NTSTATUS host_close(DEVICE_OBJECT*, IRP* irp) {
    const std::unique_ptr<OpenHostFile> file(&open_file_of(irp));
    return complete(irp, STATUS_SUCCESS);
}

// Moves a synchronous file's position behind what was read or written.
void advance(FILE_OBJECT* file, LONGLONG offset, ssize_t count) {
    if ((file->Flags & FO_SYNCHRONOUS_IO) != 0) file->CurrentByteOffset.QuadPart = offset + count;
}

NTSTATUS host_read(DEVICE_OBJECT*, IRP* irp) {
    IO_STACK_LOCATION& location = *IoGetCurrentIrpStackLocation(irp);
    const LONGLONG offset = location.Parameters.Read.ByteOffset.QuadPart;
    if (offset < 0) return complete(irp, STATUS_INVALID_PARAMETER);
    const ssize_t count = pread(open_file_of(irp).descriptor, irp->UserBuffer, location.Parameters.Read.Length, offset);
    if (count < 0) return complete(irp, status_of_errno(errno));
    if (count == 0 && location.Parameters.Read.Length != 0) return complete(irp, STATUS_END_OF_FILE);
    advance(location.FileObject, offset, count);
    return complete(irp, STATUS_SUCCESS, static_cast<ULONG_PTR>(count));
}

NTSTATUS host_write(DEVICE_OBJECT*, IRP* irp) {
    IO_STACK_LOCATION& location = *IoGetCurrentIrpStackLocation(irp);
    LONGLONG offset = location.Parameters.Write.ByteOffset.QuadPart;
    const int descriptor = open_file_of(irp).descriptor;
    if (offset == -1) offset = lseek(descriptor, 0, SEEK_END);  // FILE_WRITE_TO_END_OF_FILE
    if (offset < 0) return complete(irp, STATUS_INVALID_PARAMETER);
    const ssize_t count = pwrite(descriptor, irp->UserBuffer, location.Parameters.Write.Length, offset);
    if (count < 0) return complete(irp, status_of_errno(errno));
    advance(location.FileObject, offset, count);
    return complete(irp, STATUS_SUCCESS, static_cast<ULONG_PTR>(count));
}

NTSTATUS host_flush(DEVICE_OBJECT*, IRP* irp) {
    return complete(irp, fsync(open_file_of(irp).descriptor) == 0 ? STATUS_SUCCESS : status_of_errno(errno));
}

}  // namespace

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
            return STATUS_ACCESS_DENIED;
        case EISDIR:
            return STATUS_FILE_IS_A_DIRECTORY;
        case ENAMETOOLONG:
        case ELOOP:
            return STATUS_OBJECT_NAME_INVALID;
        case ENOSPC:
        case EDQUOT:
            return STATUS_DISK_FULL;
        case EROFS:
            return STATUS_MEDIA_WRITE_PROTECTED;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return STATUS_INSUFFICIENT_RESOURCES;
        case EBADF:
            return STATUS_ACCESS_DENIED;
        default:
            return STATUS_IO_DEVICE_ERROR;
    }
}

Result<HostFile> reference_host_file(HANDLE handle, ACCESS_MASK desired_access) {
    auto found = RG_TRY(ob::reference_by_handle(handle, desired_access, &types::file(), ob::current().previous_mode));
    auto* file = static_cast<FILE_OBJECT*>(found.object.get());
    if (file->DeviceObject->DriverObject->MajorFunction[IRP_MJ_CREATE] != host_create)
        return fail(STATUS_OBJECT_TYPE_MISMATCH);
    const auto& open = *static_cast<OpenHostFile*>(file->FsContext);
    HostFile host;
    host.descriptor = open.descriptor;
    host.path = open.path;
    host.keep = std::move(found.object);
    return host;
}

Result<void> start_host_fs() {
    Ref<DriverState> driver = RG_TRY(create_driver(u"HostFs"));
    auto& major = driver->object->object.MajorFunction;
    major[IRP_MJ_CREATE] = host_create;
    major[IRP_MJ_CLEANUP] = host_cleanup;
    major[IRP_MJ_CLOSE] = host_close;
    major[IRP_MJ_READ] = host_read;
    major[IRP_MJ_WRITE] = host_write;
    major[IRP_MJ_FLUSH_BUFFERS] = host_flush;
    return add_built_in(std::move(driver), u"\\Device\\HostFs", u"\\??\\UNIX", FILE_DEVICE_FILE_SYSTEM, 0);
}

}  // namespace regent::io
