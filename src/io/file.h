// The back ends of NtCreateFile, NtReadFile, NtWriteFile, NtDeviceIoControlFile and NtCancelIoFile. They work for the
// caller in ob::current() and take captured arguments: no pointer here is a user's except the buffers of a request,
// which must stay valid until the request is over.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ob/object.h"
#include "rtl/bytes.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::ob {
class Thread;
}
namespace regent::se {
class Token;
}

namespace regent::io {

struct CreateFileCall {
    HANDLE root_directory = nullptr;
    Utf16View name;
    ULONG object_attributes = 0;  // OBJ_x
    ACCESS_MASK desired_access = 0;
    ULONG file_attributes = 0;
    ULONG share_access = 0;
    ULONG disposition = 1;  // FILE_OPEN
    ULONG options = 0;      // FILE_SYNCHRONOUS_IO_NONALERT ...
};
struct CreateFileAnswer {
    HANDLE handle = nullptr;
    ULONG_PTR information = 0;  // FILE_OPENED ...
};
// ERRORS, in this order: INVALID_PARAMETER (options), the name walk's, NO_SUCH_DEVICE (device being initialised),
// ACCESS_DENIED (device's descriptor, exclusive device open), the driver's IRP_MJ_CREATE status.
Result<CreateFileAnswer> create_file(const CreateFileCall& call);

// Told when a request is over: exactly once, after the output bytes are in place and before the event is signaled. It
// writes the caller's IO_STATUS_BLOCK. Runs on the completing thread, before the call returns or later; it must not
// block or call into io. A request that fails at once (the call returns an NT_ERROR) does not tell: no status block is
// written then, as in NT.
class CompletionSink {
public:
    virtual ~CompletionSink() = default;
    virtual void completed(NTSTATUS status, ULONG_PTR information) = 0;
};

// One read, write or control request.
struct IoCall {
    HANDLE file = nullptr;
    HANDLE event = nullptr;  // set to not signaled at the start, signaled at the end; may be null
    Bytes input;             // write: the data; control: the input buffer
    MutableBytes output;     // read: where the data goes; control: the output buffer
    std::optional<LONGLONG> byte_offset;
    ULONG key = 0;
    ULONG control_code = 0;
    std::unique_ptr<CompletionSink> sink;  // may be null
};
// The call's status. STATUS_PENDING: the sink will be (or has been) told. On a handle opened for synchronous I/O the
// call blocks until the request is over and returns the final status.
// ERRORS, in this order: INVALID_HANDLE, OBJECT_TYPE_MISMATCH, ACCESS_DENIED (granted access; a control code's access
// bits), the event handle's, INVALID_PARAMETER (no offset on an asynchronous host file), INSUFFICIENT_RESOURCES, the
// driver's.
NTSTATUS read_file(IoCall call);
NTSTATUS write_file(IoCall call);
NTSTATUS device_control(IoCall call);

// Cancels every request that the calling thread has pending on the file and waits until they are over.
NTSTATUS cancel_io_file(HANDLE file);

// Cancels every request that `thread` issued and waits until they are over: a thread (a client's connection) that ends.
void cancel_thread_io(ob::Thread& thread);
// The same without waiting, for a watcher that sees the client of a blocked thread die.
void request_cancel_of_thread_io(ob::Thread& thread);

// ---- host files: File objects opened below \Device\HostFs (\??\UNIX\tmp\x.hiv is /tmp/x.hiv)

// The host's file behind a File handle. The descriptor belongs to the File object, which `keep` keeps.
struct HostFile {
    ob::ObjectRef<void> keep;
    int descriptor = -1;
    std::string path;
};
// ERRORS, in this order: INVALID_HANDLE, OBJECT_TYPE_MISMATCH (also: a File that is no host file), ACCESS_DENIED.
Result<HostFile> reference_host_file(HANDLE file, ACCESS_MASK desired_access);

// The host path that an NT path names, without opening it: \??\UNIX\..., \DosDevices\UNIX\..., \Device\HostFs\...
// ERRORS: OBJECT_PATH_SYNTAX_BAD (not absolute, or a component is not a host name), OBJECT_PATH_NOT_FOUND (another
// device).
Result<std::string> host_path(Utf16View nt_path);

// While it lives, file operations of this thread are those of the caller in ob::current(), or of a token's user: when
// this process is root and that is another user, the thread's file-system user and groups are that user's.
class CallerIdentity {
public:
    CallerIdentity();
    explicit CallerIdentity(const se::Token& token);
    ~CallerIdentity();
    CallerIdentity(const CallerIdentity&) = delete;
    CallerIdentity& operator=(const CallerIdentity&) = delete;

private:
    void become(const se::Token& token);

    bool switched_ = false;
};

}  // namespace regent::io
