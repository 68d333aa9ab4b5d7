// FILE objects: made by IRP_MJ_CREATE, told IRP_MJ_CLEANUP at the last handle and IRP_MJ_CLOSE at the last reference.
#include "io/file_object.h"

#include "io/request.h"
#include "ob/handle.h"
#include "ob/security.h"
#include "se/access.h"
#include "wdk/ntifs.h"

namespace regent::io {

namespace {

constexpr ULONG synchronous_options = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;

void set_access(FILE_OBJECT& file, ACCESS_MASK granted, ULONG share) {
    file.ReadAccess = (granted & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    file.WriteAccess = (granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    file.DeleteAccess = (granted & DELETE) != 0;
    file.SharedRead = (share & FILE_SHARE_READ) != 0;
    file.SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file.SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

Result<ob::ObjectRef<FILE_OBJECT>> make_file(DEVICE_OBJECT* device, FILE_OBJECT* related, Utf16View name) {
    auto object = RG_TRY(ob::create_object(types::file(), sizeof(FILE_OBJECT)));
    auto file = std::move(object).as<FILE_OBJECT>();
    auto* state = new FileState;
    state->name = name;
    state->device = ob::ObjectRef<DEVICE_OBJECT>::retain(device);
    if (related != nullptr) state->related = ob::ObjectRef<FILE_OBJECT>::retain(related);
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof(FILE_OBJECT);
    file->DeviceObject = device;
    file->RelatedFileObject = related;
    file->FileName = rtl::unicode_string(state->name);
    file->FileObjectExtension = state;
    InitializeListHead(&file->IrpList);
    KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    return file;
}

// Counts the open against the device; refused while the driver starts, goes, or holds the device exclusively.
Result<void> claim_device(DEVICE_OBJECT* device) {
    DeviceState& state = state_of(device);
    if ((device->Flags & DO_DEVICE_INITIALIZING) != 0 || state.deleted.load()) return fail(STATUS_NO_SUCH_DEVICE);
    if (!begin_open(*state.driver)) return fail(STATUS_NO_SUCH_DEVICE);
    ExclusiveGuard guard(device_lock());
    if (state.exclusive && state.files.load() != 0) {
        end_open(*state.driver);
        return fail(STATUS_ACCESS_DENIED);
    }
    state.files.fetch_add(1);
    device->ReferenceCount++;
    return {};
}

void unclaim_device(DEVICE_OBJECT* device) {
    DeviceState& state = state_of(device);
    {
        ExclusiveGuard guard(device_lock());
        state.files.fetch_sub(1);
        device->ReferenceCount--;
    }
    end_open(*state.driver);
}

// FILE_DEVICE_SECURE_OPEN: the device's descriptor also guards the names below it.
Result<ACCESS_MASK> check_device(DEVICE_OBJECT* device, const ob::AccessState& access, bool tail) {
    if (tail && (device->Characteristics & FILE_DEVICE_SECURE_OPEN) == 0)
        return se::map_generic(access.desired & ~ACCESS_MASK{MAXIMUM_ALLOWED}, types::file().mapping);
    return ob::check_access(device, *access.token, access.desired, access.mode);
}

Outcome send_create(FILE_OBJECT* file, const CreateFileCall& call, ACCESS_MASK granted) {
    auto request = make_request(file->DeviceObject, file, IRP_MJ_CREATE);
    if (!request) return {request.error().code(), 0};
    IO_SECURITY_CONTEXT security{};
    security.DesiredAccess = granted;
    security.FullCreateOptions = call.options;
    auto& create = first_location(**request).Parameters.Create;
    create.SecurityContext = &security;
    create.Options = (call.disposition << 24) | (call.options & 0x00FFFFFF);
    create.FileAttributes = static_cast<USHORT>(call.file_attributes);
    create.ShareAccess = static_cast<USHORT>(call.share_access);
    (*request)->irp->Flags |= IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
    return submit(*request, true);
}

Result<ob::ParseOutcome> open_device(DEVICE_OBJECT* device, FILE_OBJECT* related, Utf16View tail,
                                     ob::ParseRequest& parse) {
    auto& context = static_cast<FileParseContext&>(*parse.context);
    const ACCESS_MASK granted = RG_TRY(check_device(device, parse.access, !tail.empty()));
    RG_TRY(claim_device(device));
    const Utf16 name = tail.empty() || related != nullptr ? Utf16(tail) : u"\\" + Utf16(tail);
    auto file = make_file(device, related, name);
    if (!file) {
        unclaim_device(device);
        return std::unexpected(file.error());
    }
    FILE_OBJECT* body = file->get();
    set_access(*body, granted, context.call.share_access);
    if ((context.call.options & synchronous_options) != 0) body->Flags |= FO_SYNCHRONOUS_IO;
    if ((context.call.options & FILE_SYNCHRONOUS_IO_ALERT) != 0) body->Flags |= FO_ALERTABLE_IO;
    const Outcome outcome = send_create(body, context.call, granted);
    if (!NT_SUCCESS(outcome.status)) {  // neither CLEANUP nor CLOSE for this one; destroying it undoes the claim
        return fail(NT_ERROR(outcome.status) ? outcome.status : STATUS_UNSUCCESSFUL);
    }
    state_of(body).created = true;
    body->Flags |= FO_FILE_OPEN;
    context.information = outcome.information;
    parse.access.granted = granted;
    return ob::ParseOutcome::found(std::move(*file));
}

bool wants_file(const ob::ParseRequest& request) {
    return request.context != nullptr && request.context->type == &types::file();
}

}  // namespace

Result<ob::ParseOutcome> parse_device(ob::ParseRequest& request) {
    auto* device = static_cast<DEVICE_OBJECT*>(request.object);
    if (wants_file(request)) return open_device(device, nullptr, request.remaining, request);
    if (!request.remaining.empty()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    return ob::ParseOutcome::found(ob::ObjectRef<void>::retain(request.object));
}

// An open relative to an open file: the driver gets the name and the related file.
Result<ob::ParseOutcome> parse_file(ob::ParseRequest& request) {
    auto* file = static_cast<FILE_OBJECT*>(request.object);
    if (wants_file(request)) return open_device(file->DeviceObject, file, request.remaining, request);
    if (!request.remaining.empty()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    return ob::ParseOutcome::found(ob::ObjectRef<void>::retain(request.object));
}

void close_file(ob::Process&, void* body, ACCESS_MASK, std::int64_t, std::int64_t system_handle_count) {
    auto* file = static_cast<FILE_OBJECT*>(body);
    if (system_handle_count != 1 || !state_of(file).created || (file->Flags & FO_CLEANUP_COMPLETE) != 0) return;
    submit_simple(file->DeviceObject, file, IRP_MJ_CLEANUP);
    file->Flags |= FO_CLEANUP_COMPLETE;
}

void destroy_file(void* body) {
    auto* file = static_cast<FILE_OBJECT*>(body);
    const std::unique_ptr<FileState> state(&state_of(file));
    if (state->created && (file->Flags & FO_CLEANUP_COMPLETE) == 0)  // never had a handle (IoGetDeviceObjectPointer)
        submit_simple(file->DeviceObject, file, IRP_MJ_CLEANUP);
    if (state->created) submit_simple(file->DeviceObject, file, IRP_MJ_CLOSE);
    unclaim_device(file->DeviceObject);
}

Result<Utf16> name_file(void* body) {
    auto* file = static_cast<FILE_OBJECT*>(body);
    Utf16 name = RG_TRY(ob::query_name(file->DeviceObject));
    if (file->RelatedFileObject != nullptr) {
        name = RG_TRY(name_file(file->RelatedFileObject));
        name += u'\\';
    }
    return name + state_of(file).name;
}

}  // namespace regent::io
