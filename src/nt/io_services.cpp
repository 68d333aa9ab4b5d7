// Files and devices. User APCs are not supported; asynchronous calls complete by event and status block.
#include "io/file.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "nt/thread.h"
#include "rtl/io_status.h"

namespace regent::nt {

void cancel_thread_requests(ob::Thread& thread) {
    io::request_cancel_of_thread_io(thread);
    end_thread_notifications(thread, StatusBlocks::write);
}

namespace {

// Brings a request's outcome to the caller's status block.
class StatusBlockSink final : public io::CompletionSink {
public:
    explicit StatusBlockSink(PIO_STATUS_BLOCK block) : block_(block) {}
    void completed(NTSTATUS status, ULONG_PTR information) override {
        rtl::complete_io_status(block_, status, information);
    }

private:
    PIO_STATUS_BLOCK block_;
};

struct RequestArguments {
    HANDLE file;
    HANDLE event;
    PIO_APC_ROUTINE apc;
    PIO_STATUS_BLOCK block;
    PVOID input;
    ULONG input_size;
    PVOID output;
    ULONG output_size;
    PLARGE_INTEGER offset;
    PULONG key;
};

// ERRORS, in this order: ACCESS_VIOLATION, NOT_SUPPORTED (an APC).
Result<io::IoCall> make_call(const RequestArguments& arguments) {
    if (arguments.block == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    io::IoCall call;
    call.file = arguments.file;
    call.event = arguments.event;
    auto input = input_buffer(arguments.input, arguments.input_size);
    if (!input) return std::unexpected(input.error());
    auto output = output_buffer(arguments.output, arguments.output_size);
    if (!output) return std::unexpected(output.error());
    if (arguments.apc != nullptr) return fail(STATUS_NOT_SUPPORTED);
    call.input = *input;
    call.output = *output;
    if (arguments.offset != nullptr) call.byte_offset = arguments.offset->QuadPart;
    if (arguments.key != nullptr) call.key = *arguments.key;
    call.sink = std::make_unique<StatusBlockSink>(arguments.block);
    return call;
}

}  // namespace

namespace service {

NTSTATUS NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID, ULONG EaLength) {
    if (FileHandle == nullptr || IoStatusBlock == nullptr) return STATUS_ACCESS_VIOLATION;
    if (EaLength != 0) return STATUS_EAS_NOT_SUPPORTED;
    CapturedAttributes captured;
    const auto ok = captured.capture(ObjectAttributes, CapturedAttributes::Security::capture);
    if (!ok) return ok.error().code();
    io::CreateFileCall call;
    call.root_directory = captured.get().root;
    call.name = captured.get().name;
    call.object_attributes = captured.get().attributes;
    call.desired_access = DesiredAccess;
    call.file_attributes = FileAttributes;
    call.share_access = ShareAccess;
    call.disposition = CreateDisposition;
    call.options = CreateOptions;
    const auto made = io::create_file(call);
    if (!made) return made.error().code();
    *FileHandle = made->handle;
    rtl::complete_io_status(IoStatusBlock, STATUS_SUCCESS, made->information);
    return STATUS_SUCCESS;
}

NTSTATUS NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID, PIO_STATUS_BLOCK IoStatusBlock,
                    PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key) {
    auto call = make_call({FileHandle, Event, ApcRoutine, IoStatusBlock, nullptr, 0, Buffer, Length, ByteOffset, Key});
    return call ? io::read_file(std::move(*call)) : call.error().code();
}

NTSTATUS NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID, PIO_STATUS_BLOCK IoStatusBlock,
                     PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key) {
    auto call = make_call({FileHandle, Event, ApcRoutine, IoStatusBlock, Buffer, Length, nullptr, 0, ByteOffset, Key});
    return call ? io::write_file(std::move(*call)) : call.error().code();
}

NTSTATUS NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength) {
    auto call = make_call({FileHandle, Event, ApcRoutine, IoStatusBlock, InputBuffer, InputBufferLength, OutputBuffer,
                           OutputBufferLength, nullptr, nullptr});
    if (!call) return call.error().code();
    call->control_code = IoControlCode;
    return io::device_control(std::move(*call));
}

NTSTATUS NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock) {
    if (IoStatusBlock == nullptr) return STATUS_ACCESS_VIOLATION;
    const NTSTATUS status = io::cancel_io_file(FileHandle);
    if (NT_SUCCESS(status)) rtl::complete_io_status(IoStatusBlock, status, 0);
    return status;
}

}  // namespace service
}  // namespace regent::nt
