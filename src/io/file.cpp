// The back ends of the file services.
#include "io/file.h"

#include <cstring>

#include "io/file_object.h"
#include "io/request.h"
#include "ob/handle.h"
#include "wdk/ntifs.h"

namespace regent::io {

namespace {

constexpr ULONG synchronous_options = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;

struct Target {
    ob::ObjectRef<FILE_OBJECT> file;
    ob::ObjectRef<void> event;
    ACCESS_MASK granted = FILE_ALL_ACCESS;
    bool synchronous() const { return (file->Flags & FO_SYNCHRONOUS_IO) != 0; }
};

// Any one right of `any_of` (0: none) must be in a user's handle.
Result<Target> find_target(const IoCall& call, ACCESS_MASK any_of) {
    const KPROCESSOR_MODE mode = ob::current().previous_mode;
    auto found = RG_TRY(ob::reference_by_handle(call.file, 0, &types::file(), mode));
    Target target;
    target.file = std::move(found.object).as<FILE_OBJECT>();
    if (mode == UserMode) target.granted = found.granted;
    if (mode == UserMode && any_of != 0 && (found.granted & any_of) == 0) return fail(STATUS_ACCESS_DENIED);
    if (call.event != nullptr) {
        auto event = RG_TRY(ob::reference_by_handle(call.event, EVENT_MODIFY_STATE, &ob::types::event(), mode));
        target.event = std::move(event.object);
        KeClearEvent(static_cast<PKEVENT>(target.event.get()));
    }
    KeClearEvent(&target.file->Event);
    return target;
}

bool attach_system_buffer(Request& request, std::size_t size, Bytes input) {
    if (size == 0) return true;
    request.system_buffer.reset(new (std::nothrow) std::byte[size]());
    if (request.system_buffer == nullptr) return false;
    if (!input.empty()) std::memcpy(request.system_buffer.get(), input.data(), input.size());
    request.irp->AssociatedIrp.SystemBuffer = request.system_buffer.get();
    request.irp->Flags |= IRP_BUFFERED_IO;
    return true;
}

bool attach_descriptor(Request& request, const std::byte* address, std::size_t size, LOCK_OPERATION operation) {
    if (size == 0) return true;
    PMDL mdl = IoAllocateMdl(const_cast<std::byte*>(address), static_cast<ULONG>(size), FALSE, FALSE, request.irp);
    if (mdl == nullptr) return false;
    MmProbeAndLockPages(mdl, KernelMode, operation);  // the service's buffers are checked by its floor
    return true;
}

NTSTATUS finish(Request* request, IoCall& call, Target& target) {
    request->event = std::move(target.event);
    request->sink = std::move(call.sink);
    return submit(request, target.synchronous()).status;
}

// Read and write: the device's flags say how the data travels.
bool attach_transfer(Request& request, const IoCall& call, bool write) {
    const ULONG flags = request.device->Flags;
    if ((flags & DO_BUFFERED_IO) != 0) {
        if (!write) request.output = call.output;
        return write ? attach_system_buffer(request, call.input.size(), call.input)
                     : attach_system_buffer(request, call.output.size(), {});
    }
    const std::byte* address = write ? call.input.data() : call.output.data();
    const std::size_t size = write ? call.input.size() : call.output.size();
    if ((flags & DO_DIRECT_IO) != 0)
        return attach_descriptor(request, address, size, write ? IoReadAccess : IoWriteAccess);
    request.irp->UserBuffer = const_cast<std::byte*>(address);
    return true;
}

NTSTATUS transfer(IoCall& call, bool write) {
    auto target = find_target(call, write ? FILE_WRITE_DATA | FILE_APPEND_DATA : FILE_READ_DATA);
    if (!target) return target.error().code();
    FILE_OBJECT* file = target->file.get();
    auto request = make_request(file->DeviceObject, file, write ? IRP_MJ_WRITE : IRP_MJ_READ);
    if (!request) return request.error().code();
    auto& parameters = first_location(**request).Parameters.Read;  // Write has the same layout
    parameters.Length = static_cast<ULONG>(write ? call.input.size() : call.output.size());
    parameters.Key = call.key;
    parameters.ByteOffset.QuadPart = call.byte_offset.value_or(file->CurrentByteOffset.QuadPart);
    (*request)->irp->Flags |= write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    if (!attach_transfer(**request, call, write)) {
        release(*request);
        release(*request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return finish(*request, call, *target);
}

// METHOD_x of the control code says how the two buffers travel.
bool attach_control(Request& request, const IoCall& call) {
    auto& parameters = first_location(request).Parameters.DeviceIoControl;
    const std::size_t both = std::max(call.input.size(), call.output.size());
    switch (METHOD_FROM_CTL_CODE(call.control_code)) {
        case METHOD_BUFFERED:
            request.output = call.output;
            return attach_system_buffer(request, both, call.input);
        case METHOD_IN_DIRECT:
            return attach_system_buffer(request, call.input.size(), call.input) &&
                   attach_descriptor(request, call.output.data(), call.output.size(), IoReadAccess);
        case METHOD_OUT_DIRECT:
            return attach_system_buffer(request, call.input.size(), call.input) &&
                   attach_descriptor(request, call.output.data(), call.output.size(), IoWriteAccess);
        default:
            parameters.Type3InputBuffer = const_cast<std::byte*>(call.input.data());
            request.irp->UserBuffer = call.output.data();
            return true;
    }
}

ACCESS_MASK access_of_code(ULONG code) {
    const ULONG access = (code >> 14) & 3;
    return ((access & FILE_READ_ACCESS) != 0 ? FILE_READ_DATA : 0) |
           ((access & FILE_WRITE_ACCESS) != 0 ? FILE_WRITE_DATA : 0);
}

}  // namespace

Result<CreateFileAnswer> create_file(const CreateFileCall& call) {
    const ULONG synchronous = call.options & synchronous_options;
    if (synchronous == synchronous_options || call.disposition > FILE_OVERWRITE_IF)
        return fail(STATUS_INVALID_PARAMETER);
    // A synchronous file is waited for through its handle.
    if (synchronous != 0 && (call.desired_access & (SYNCHRONIZE | MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_READ |
                                                    GENERIC_WRITE | GENERIC_EXECUTE)) == 0)
        return fail(STATUS_INVALID_PARAMETER);
    ob::ObjectAttributes attributes;
    attributes.root = call.root_directory;
    attributes.name = call.name;
    attributes.attributes = call.object_attributes;
    FileParseContext context(call);
    auto access = ob::AccessState::for_current(call.desired_access, call.object_attributes);
    auto object = RG_TRY(ob::lookup(attributes, &types::file(), access, &context));
    CreateFileAnswer answer;
    answer.information = context.information;
    answer.handle = RG_TRY(ob::insert_handle(std::move(object), access.granted.value_or(call.desired_access),
                                             call.object_attributes, ob::OpenReason::open));
    return answer;
}

NTSTATUS read_file(IoCall call) { return transfer(call, false); }
NTSTATUS write_file(IoCall call) { return transfer(call, true); }

NTSTATUS device_control(IoCall call) {
    auto target = find_target(call, 0);
    if (!target) return target.error().code();
    FILE_OBJECT* file = target->file.get();
    const ACCESS_MASK needed = access_of_code(call.control_code);
    if ((target->granted & needed) != needed) return STATUS_ACCESS_DENIED;
    auto request = make_request(file->DeviceObject, file, IRP_MJ_DEVICE_CONTROL);
    if (!request) return request.error().code();
    auto& parameters = first_location(**request).Parameters.DeviceIoControl;
    parameters.IoControlCode = call.control_code;
    parameters.InputBufferLength = static_cast<ULONG>(call.input.size());
    parameters.OutputBufferLength = static_cast<ULONG>(call.output.size());
    if (!attach_control(**request, call)) {
        release(*request);
        release(*request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return finish(*request, call, *target);
}

NTSTATUS cancel_io_file(HANDLE handle) {
    const ob::Context& caller = ob::current();
    auto found = ob::reference_by_handle(handle, 0, &types::file(), caller.previous_mode);
    if (!found) return found.error().code();
    cancel_requests(caller.thread, static_cast<FILE_OBJECT*>(found->object.get()), true);
    return STATUS_SUCCESS;
}

void cancel_thread_io(ob::Thread& thread) { cancel_requests(&thread, nullptr, true); }
void request_cancel_of_thread_io(ob::Thread& thread) { cancel_requests(&thread, nullptr, false); }

}  // namespace regent::io
