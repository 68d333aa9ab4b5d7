// Events and waits. The body of an Event object is a KEVENT.
#include <array>

#include "ex/dispatcher.h"
#include "nt/apc.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "ob/handle.h"
#include "ob/namespace.h"
#include "wdk/wdm.h"

namespace regent::nt::service {
namespace {

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

Result<ob::ObjectRef<KEVENT>> reference_event(HANDLE handle) {
    return ob::reference_as<KEVENT>(handle, EVENT_MODIFY_STATE, ob::types::event(), mode());
}

// What a wait on an object looks at: events themselves, of a file its own event. ERRORS: OBJECT_TYPE_MISMATCH.
Result<DISPATCHER_HEADER*> dispatcher_of(void* object) {
    const ob::ObjectType& type = ob::type_of(object);
    if (&type == &ob::types::event()) return &static_cast<KEVENT*>(object)->Header;
    if (type.name == u"File") return &static_cast<FILE_OBJECT*>(object)->Event.Header;
    return fail(STATUS_OBJECT_TYPE_MISMATCH);
}

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (type), the attributes', OBJECT_NAME_COLLISION.
// OBJECT_NAME_EXISTS is a success: OBJ_OPENIF found one.
NTSTATUS NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       EVENT_TYPE EventType, BOOLEAN InitialState) {
    if (EventHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (EventType != NotificationEvent && EventType != SynchronizationEvent) return STATUS_INVALID_PARAMETER;
    CapturedAttributes captured;
    if (ObjectAttributes != nullptr) {
        const auto ok = captured.capture(ObjectAttributes, CapturedAttributes::Security::capture);
        if (!ok) return ok.error().code();
    }
    auto object = ob::create_object(ob::types::event(), sizeof(KEVENT));
    if (!object) return object.error().code();
    KeInitializeEvent(static_cast<KEVENT*>(object->get()), EventType, InitialState);
    ob::AccessState access = ob::AccessState::for_current(DesiredAccess, captured.get().attributes);
    const auto inserted = ob::insert_object(std::move(*object), captured.get(), access);
    if (!inserted) return inserted.error().code();
    *EventHandle = inserted->handle;
    return inserted->existed ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

NTSTATUS NtSetEvent(HANDLE EventHandle, PLONG PreviousState) {
    const auto event = reference_event(EventHandle);
    if (!event) return event.error().code();
    write_optional(PreviousState, KeSetEvent(event->get(), 0, FALSE));
    return STATUS_SUCCESS;
}

NTSTATUS NtResetEvent(HANDLE EventHandle, PLONG PreviousState) {
    const auto event = reference_event(EventHandle);
    if (!event) return event.error().code();
    write_optional(PreviousState, KeResetEvent(event->get()));
    return STATUS_SUCCESS;
}

NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout) {
    const HANDLE handles[] = {Handle};
    return service::NtWaitForMultipleObjects(1, handles, WaitAny, Alertable, Timeout);
}

// ERRORS, in this order: INVALID_PARAMETER_1 (count), ACCESS_VIOLATION, INVALID_PARAMETER_3 (type), each handle's in
// turn, OBJECT_TYPE_MISMATCH, INVALID_PARAMETER_MIX (WaitAll, one object twice).
NTSTATUS NtWaitForMultipleObjects(ULONG Count, const HANDLE* Handles, WAIT_TYPE WaitType, BOOLEAN Alertable,
                                  PLARGE_INTEGER Timeout) {
    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS) return STATUS_INVALID_PARAMETER_1;
    if (Handles == nullptr) return STATUS_ACCESS_VIOLATION;
    if (WaitType != WaitAll && WaitType != WaitAny) return STATUS_INVALID_PARAMETER_3;
    std::array<ob::ObjectRef<void>, MAXIMUM_WAIT_OBJECTS> objects;
    std::array<DISPATCHER_HEADER*, MAXIMUM_WAIT_OBJECTS> headers{};
    for (ULONG i = 0; i < Count; ++i) {
        auto found = ob::reference_by_handle(Handles[i], SYNCHRONIZE, nullptr, mode());
        if (!found) return found.error().code();
        const auto header = dispatcher_of(found->object.get());
        if (!header) return header.error().code();
        objects[i] = std::move(found->object);
        headers[i] = *header;
    }
    LARGE_INTEGER timeout{};
    if (Timeout != nullptr) timeout = *Timeout;
    const NTSTATUS status = ex::wait(std::span<DISPATCHER_HEADER* const>(headers.data(), Count), WaitType,
                                     Alertable != 0, Timeout != nullptr ? &timeout : nullptr, mode());
    for (auto& object : objects) object = nullptr;  // an APC may run for long
    return after_alertable_wait(status);
}

}  // namespace regent::nt::service
