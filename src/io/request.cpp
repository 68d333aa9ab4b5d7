#include "io/request.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/dispatcher.h"
#include "io/request_finish.h"
#include "ob/process.h"

namespace regent::io {

namespace {

LIST_ENTRY& all_requests() RG_REQUIRES(device_lock()) {
    static LIST_ENTRY head = {&head, &head};
    return head;
}

Request* request_of(LIST_ENTRY* entry) { return head_of(CONTAINING_RECORD(entry, IRP, ThreadListEntry)).request; }

void list_request(Request& request) {
    ExclusiveGuard guard(device_lock());
    InsertTailList(&all_requests(), &request.irp->ThreadListEntry);
    request.listed = true;
}

void unlist_request(Request& request) {
    ExclusiveGuard guard(device_lock());
    if (request.listed) RemoveEntryList(&request.irp->ThreadListEntry);
    request.listed = false;
}

// METHOD_BUFFERED and DO_BUFFERED_IO: the answer is in the system buffer.
void hand_over_output(Request& request) {
    if (request.output.empty() || request.system_buffer == nullptr || NT_ERROR(request.status)) return;
    std::size_t size = request.information;
    if (size > request.output.size()) {
        ex::report_violation("a driver completed a request with Information " + std::to_string(size) +
                             ", more than the caller's buffer of " + std::to_string(request.output.size()));
        size = request.output.size();
    }
    std::memcpy(request.output.data(), request.system_buffer.get(), size);
}

void free_descriptors(IRP* irp) {
    while (irp->MdlAddress != nullptr) {
        PMDL mdl = irp->MdlAddress;
        irp->MdlAddress = mdl->Next;
        IoFreeMdl(mdl);
    }
}

// The client of this thread may go while we wait: then the request is cancelled, and waited for all the same.
void wait_until_done(Request& request) {
    DISPATCHER_HEADER* const done = &request.done.Header;
    const KPROCESSOR_MODE mode = ob::current().previous_mode;
    if (mode == UserMode && ex::wait({&done, 1}, WaitAny, false, nullptr, UserMode) == STATUS_SUCCESS) return;
    if (mode == UserMode) IoCancelIrp(request.irp);
    ex::wait(*done);
}

}  // namespace

Request::~Request() {
    if (irp != nullptr) {
        free_descriptors(irp);
        free_packet(irp);
    }
    release_object(std::move(event));
    release_object(std::move(file));
}

void release(Request* request) {
    if (request->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete request;
}

Result<Request*> make_request(DEVICE_OBJECT* device, FILE_OBJECT* file, UCHAR major) {
    IRP* irp = allocate_packet(device->StackSize);
    if (irp == nullptr) return fail(STATUS_INSUFFICIENT_RESOURCES);
    auto* request = new Request;
    request->irp = irp;
    request->device = device;
    // CLOSE is sent while the file is being destroyed: it cannot be referenced any more.
    if (major != IRP_MJ_CLOSE) request->file = ob::ObjectRef<FILE_OBJECT>::retain(file);
    request->thread = ob::current().thread;
    KeInitializeEvent(&request->done, NotificationEvent, FALSE);
    head_of(irp).request = request;
    irp->RequestorMode = ob::current().previous_mode;
    irp->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(request->thread);
    irp->Tail.Overlay.OriginalFileObject = file;
    IO_STACK_LOCATION* location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = major;
    location->FileObject = file;
    return request;
}

IO_STACK_LOCATION& first_location(Request& request) { return *IoGetNextIrpStackLocation(request.irp); }

void finish_request(Request& request) {
    IRP* irp = request.irp;
    unlist_request(request);
    request.status = irp->IoStatus.Status;
    request.information = irp->IoStatus.Information;
    hand_over_output(request);
    free_descriptors(irp);
    // A request that failed inside the dispatch call is answered by the call alone.
    const bool tell = irp->PendingReturned || !NT_ERROR(request.status);
    if (tell && request.sink != nullptr) request.sink->completed(request.status, request.information);
    if (tell && request.event) KeSetEvent(static_cast<PKEVENT>(request.event.get()), IO_NO_INCREMENT, FALSE);
    if (tell && request.file) KeSetEvent(&request.file->Event, IO_NO_INCREMENT, FALSE);
    request.completed.store(true, std::memory_order_release);
    KeSetEvent(&request.done, IO_NO_INCREMENT, FALSE);
    release(&request);
}

Outcome submit(Request* request, bool wait) {
    list_request(*request);
    NTSTATUS status = IofCallDriver(request->device, request->irp);
    const bool completed = request->completed.load(std::memory_order_acquire);
    if (status != STATUS_PENDING && !completed) {
        ex::report_violation(std::string("a dispatch routine returned ") + rtl::status_name(status) +
                             " and neither completed the request nor returned STATUS_PENDING");
        status = STATUS_PENDING;
    } else if (status != STATUS_PENDING && status != request->status) {
        ex::report_violation(std::string("a dispatch routine returned ") + rtl::status_name(status) +
                             " but completed the request with " + rtl::status_name(request->status));
    }
    if (status == STATUS_PENDING && wait) wait_until_done(*request);
    const bool over = wait || status != STATUS_PENDING;
    const Outcome outcome = over ? Outcome{request->status, request->information} : Outcome{STATUS_PENDING, 0};
    release(request);
    return outcome;
}

Outcome submit_simple(DEVICE_OBJECT* device, FILE_OBJECT* file, UCHAR major) {
    auto request = make_request(device, file, major);
    if (!request) return {request.error().code(), 0};
    ob::CallerScope kernel(ob::kernel_mode);  // a cleanup is not broken off by a client that goes
    return submit(*request, true);
}

void cancel_requests(ob::Thread* thread, const FILE_OBJECT* file, bool wait) {
    std::vector<Request*> found;
    {
        ExclusiveGuard guard(device_lock());
        LIST_ENTRY& head = all_requests();
        for (LIST_ENTRY* entry = head.Flink; entry != &head; entry = entry->Flink) {
            Request* request = request_of(entry);
            if (thread != nullptr && request->thread != thread) continue;
            if (file != nullptr && request->irp->Tail.Overlay.OriginalFileObject != file) continue;
            request->references.fetch_add(1, std::memory_order_relaxed);
            found.push_back(request);
        }
    }
    for (Request* request : found) IoCancelIrp(request->irp);
    for (Request* request : found) {
        if (wait) ex::wait(request->done.Header);
        release(request);
    }
}

}  // namespace regent::io
