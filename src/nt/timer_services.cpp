// Timers, and the wait that signals first.
#include "ex/user_timer.h"

#include "nt/apc.h"
#include "nt/capture.h"
#include "nt/object_services.h"
#include "nt/service.h"
#include "wdk/wdm.h"

namespace regent::nt::service {
namespace {

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

Result<ob::ObjectRef<ex::UserTimer>> reference_timer(HANDLE handle) {
    return ob::reference_as<ex::UserTimer>(handle, TIMER_MODIFY_STATE, ob::types::timer(), mode());
}

}  // namespace

// As NtCreateEvent.
NTSTATUS NtCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       TIMER_TYPE TimerType) {
    if (TimerHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (TimerType != NotificationTimer && TimerType != SynchronizationTimer) return STATUS_INVALID_PARAMETER;
    auto made = ob::create_body<ex::UserTimer>(ob::types::timer(), TimerType);
    if (!made) return made.error().code();
    return name_object(std::move(*made), TimerHandle, DesiredAccess, ObjectAttributes);
}

NTSTATUS NtOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
    return open_object(ob::types::timer(), TimerHandle, DesiredAccess, ObjectAttributes);
}

// TIMER_RESUME_IGNORED is a success: no machine is woken here. ERRORS, in this order (inferred): ACCESS_VIOLATION,
// INVALID_PARAMETER_6 (a negative period), the handle's.
NTSTATUS NtSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext,
                    BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState) {
    if (DueTime == nullptr) return STATUS_ACCESS_VIOLATION;
    if (Period < 0) return STATUS_INVALID_PARAMETER_6;
    const ex::UserTimer::Setting setting{*DueTime, Period, TimerApcRoutine, TimerContext};
    const auto timer = reference_timer(TimerHandle);
    if (!timer) return timer.error().code();
    const bool signaled = (*timer)->set(setting);
    write_optional(PreviousState, static_cast<BOOLEAN>(signaled ? TRUE : FALSE));
    return ResumeTimer != 0 ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

NTSTATUS NtCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState) {
    const auto timer = reference_timer(TimerHandle);
    if (!timer) return timer.error().code();
    const bool signaled = (*timer)->cancel();
    write_optional(CurrentState, static_cast<BOOLEAN>(signaled ? TRUE : FALSE));
    return STATUS_SUCCESS;
}

// ERRORS, in this order (inferred): the handles', OBJECT_TYPE_MISMATCH (nothing that can be signaled so), those of
// NtSetEvent, NtReleaseMutant and NtReleaseSemaphore; then those of the wait. What was signaled stays so.
NTSTATUS NtSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout) {
    NTSTATUS status = STATUS_SUCCESS;
    {
        const auto found = ob::reference_by_handle(SignalHandle, 0, nullptr, mode());
        if (!found) return found.error().code();
        const auto waited = ob::reference_by_handle(WaitHandle, SYNCHRONIZE, nullptr, mode());
        if (!waited) return waited.error().code();
        const ob::ObjectType& type = ob::type_of(found->object.get());
        if (&type == &ob::types::event())
            status = service::NtSetEvent(SignalHandle, nullptr);
        else if (&type == &ob::types::mutant())
            status = service::NtReleaseMutant(SignalHandle, nullptr);
        else if (&type == &ob::types::semaphore())
            status = service::NtReleaseSemaphore(SignalHandle, 1, nullptr);
        else
            status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    return NT_SUCCESS(status) ? service::NtWaitForSingleObject(WaitHandle, Alertable, Timeout) : status;
}

}  // namespace regent::nt::service
