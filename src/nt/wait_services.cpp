// Events, mutants, semaphores and waits. The bodies of the objects are KEVENT, KMUTANT and KSEMAPHORE.
#include <array>

#include "ex/dispatcher.h"
#include "ex/user_timer.h"
#include "nt/apc.h"
#include "nt/object_services.h"
#include "nt/service.h"
#include "wdk/wdm.h"

namespace regent::nt {

NTSTATUS name_object(ob::ObjectRef<void> object, PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes) {
    CapturedAttributes captured;
    if (attributes != nullptr) {
        const auto ok = captured.capture(attributes, CapturedAttributes::Security::capture);
        if (!ok) return ok.error().code();
    }
    ob::AccessState access = ob::AccessState::for_current(desired, captured.get().attributes);
    const auto inserted = ob::insert_object(std::move(object), captured.get(), access);
    if (!inserted) return inserted.error().code();
    *handle = inserted->handle;
    return inserted->existed ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

NTSTATUS open_object(const ob::ObjectType& type, PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes) {
    if (handle == nullptr) return STATUS_ACCESS_VIOLATION;
    CapturedAttributes captured;
    const auto ok = captured.capture(attributes, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    ob::AccessState access = ob::AccessState::for_current(desired, captured.get().attributes);
    const auto opened = ob::open_by_name(captured.get(), type, access);
    if (!opened) return opened.error().code();
    *handle = *opened;
    return STATUS_SUCCESS;
}

namespace service {
namespace {

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

Result<ob::ObjectRef<KEVENT>> reference_event(HANDLE handle) {
    return ob::reference_as<KEVENT>(handle, EVENT_MODIFY_STATE, ob::types::event(), mode());
}

// What a wait on an object looks at: events, mutants, semaphores and timers themselves, of a file its own event.
// ERRORS: OBJECT_TYPE_MISMATCH.
Result<DISPATCHER_HEADER*> dispatcher_of(void* object) {
    const ob::ObjectType& type = ob::type_of(object);
    if (&type == &ob::types::mutant()) return &static_cast<KMUTANT*>(object)->Header;
    if (&type == &ob::types::semaphore()) return &static_cast<KSEMAPHORE*>(object)->Header;
    if (&type == &ob::types::event()) return &static_cast<KEVENT*>(object)->Header;
    if (&type == &ob::types::timer()) return &static_cast<ex::UserTimer*>(object)->header();
    if (type.name == u"File") return &static_cast<FILE_OBJECT*>(object)->Event.Header;
    return fail(STATUS_OBJECT_TYPE_MISMATCH);
}

// A new object; `initialize` makes its body.
template <typename Body, typename Initialize>
NTSTATUS create(ob::ObjectType& type, PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes,
                Initialize initialize) {
    auto object = ob::create_object(type, sizeof(Body));
    if (!object) return object.error().code();
    initialize(static_cast<Body*>(object->get()));
    return name_object(std::move(*object), handle, desired, attributes);
}

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (type), the attributes', OBJECT_NAME_COLLISION.
// OBJECT_NAME_EXISTS is a success: OBJ_OPENIF found one.
NTSTATUS NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       EVENT_TYPE EventType, BOOLEAN InitialState) {
    if (EventHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (EventType != NotificationEvent && EventType != SynchronizationEvent) return STATUS_INVALID_PARAMETER;
    return create<KEVENT>(ob::types::event(), EventHandle, DesiredAccess, ObjectAttributes,
                          [&](KEVENT* event) { KeInitializeEvent(event, EventType, InitialState); });
}

NTSTATUS NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(ob::types::event(), EventHandle, DesiredAccess, ObjectAttributes);
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

NTSTATUS NtPulseEvent(HANDLE EventHandle, PLONG PreviousState) {
    const auto event = reference_event(EventHandle);
    if (!event) return event.error().code();
    write_optional(PreviousState, KePulseEvent(event->get(), 0, FALSE));
    return STATUS_SUCCESS;
}

// As NtCreateEvent. Of one that was there already nobody becomes the owner.
NTSTATUS NtCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                        BOOLEAN InitialOwner) {
    if (MutantHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    return create<KMUTANT>(ob::types::mutant(), MutantHandle, DesiredAccess, ObjectAttributes,
                           [&](KMUTANT* mutant) { KeInitializeMutant(mutant, InitialOwner); });
}

NTSTATUS NtOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(ob::types::mutant(), MutantHandle, DesiredAccess, ObjectAttributes);
}

// No right is asked for: who holds it may release it. ERRORS: the handle's, MUTANT_NOT_OWNED.
NTSTATUS NtReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount) {
    const auto mutant = ob::reference_as<KMUTANT>(MutantHandle, 0, ob::types::mutant(), mode());
    if (!mutant) return mutant.error().code();
    LONG previous = 0;
    const NTSTATUS status = ex::release_mutant(**mutant, &previous);
    if (NT_SUCCESS(status)) write_optional(PreviousCount, previous);
    return status;
}

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (a limit below 1, a count outside 0..limit), as above.
NTSTATUS NtCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           LONG InitialCount, LONG MaximumCount) {
    if (SemaphoreHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (MaximumCount <= 0 || InitialCount < 0 || InitialCount > MaximumCount) return STATUS_INVALID_PARAMETER;
    return create<KSEMAPHORE>(
        ob::types::semaphore(), SemaphoreHandle, DesiredAccess, ObjectAttributes,
        [&](KSEMAPHORE* semaphore) { KeInitializeSemaphore(semaphore, InitialCount, MaximumCount); });
}

NTSTATUS NtOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(ob::types::semaphore(), SemaphoreHandle, DesiredAccess, ObjectAttributes);
}

// ERRORS, in this order: INVALID_PARAMETER (count), the handle's, SEMAPHORE_LIMIT_EXCEEDED.
NTSTATUS NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount) {
    if (ReleaseCount <= 0) return STATUS_INVALID_PARAMETER;
    const auto semaphore =
        ob::reference_as<KSEMAPHORE>(SemaphoreHandle, SEMAPHORE_MODIFY_STATE, ob::types::semaphore(), mode());
    if (!semaphore) return semaphore.error().code();
    LONG previous = 0;
    const NTSTATUS status = ex::release_semaphore(**semaphore, ReleaseCount, &previous);
    if (NT_SUCCESS(status)) write_optional(PreviousCount, previous);
    return status;
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

}  // namespace service
}  // namespace regent::nt
