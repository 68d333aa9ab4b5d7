// NtTestAlert, NtDelayExecution, NtQueueApcThread. What runs, runs in threads of this program: behind the gate only
// what breaks a client's wait is queued, for a routine is an address of the client's.
#include "ex/apc.h"

#include "ex/dispatcher.h"
#include "nt/apc.h"
#include "nt/service.h"
#include "ob/handle.h"
#include "ob/namespace.h"

namespace regent::nt {

namespace {

constexpr ACCESS_MASK thread_set_context = 0x0010;

void run_io_routine(const ex::UserApc& apc) {
    const auto routine = reinterpret_cast<PIO_APC_ROUTINE>(apc.routine);
    routine(apc.arguments[0], static_cast<PIO_STATUS_BLOCK>(apc.arguments[1]), 0);
}

void run_plain_routine(const ex::UserApc& apc) {
    const auto routine = reinterpret_cast<PPS_APC_ROUTINE>(apc.routine);
    routine(apc.arguments[0], apc.arguments[1], apc.arguments[2]);
}

}  // namespace

std::unique_ptr<ex::UserApc> make_io_apc(PIO_APC_ROUTINE routine, PVOID context, PIO_STATUS_BLOCK block) {
    auto apc = std::make_unique<ex::UserApc>();
    apc->run = run_io_routine;
    apc->routine = reinterpret_cast<void (*)()>(routine);
    apc->arguments[0] = context;
    apc->arguments[1] = block;
    return apc;
}

NTSTATUS after_alertable_wait(NTSTATUS status) {
    if (status == STATUS_USER_APC && !ob::current().kernel()) ex::deliver_user_apcs();
    return status;
}

namespace service {

// ALERTED: the thread had been. Else what is queued runs.
NTSTATUS NtTestAlert() {
    if (ex::take_alert()) return STATUS_ALERTED;
    after_alertable_wait(STATUS_USER_APC);
    return STATUS_SUCCESS;
}

// ERRORS: ACCESS_VIOLATION. SUCCESS: the time is over; ALERTED and USER_APC as a wait.
NTSTATUS NtDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER DelayInterval) {
    if (DelayInterval == nullptr) return STATUS_ACCESS_VIOLATION;
    const LARGE_INTEGER interval = *DelayInterval;
    return after_alertable_wait(ex::delay(Alertable != 0, &interval, ob::current().previous_mode));
}

// ERRORS, in this order: the handle's, INVALID_PARAMETER (no routine; inferred), NOT_SUPPORTED (another process's
// thread), UNSUCCESSFUL (the thread has ended, or has not come here yet).
NTSTATUS NtQueueApcThread(HANDLE ThreadHandle, PPS_APC_ROUTINE ApcRoutine, PVOID ApcArgument1, PVOID ApcArgument2,
                          PVOID ApcArgument3) {
    const auto& context = ob::current();
    const auto thread =
        ob::reference_as<ob::Thread>(ThreadHandle, thread_set_context, ob::types::thread(), context.previous_mode);
    if (!thread) return thread.error().code();
    if (ApcRoutine == nullptr) return STATUS_INVALID_PARAMETER;
    const bool own = &(*thread)->process() == context.process && context.process == &ob::host_process();
    if (!own) return STATUS_NOT_SUPPORTED;
    const auto queue = thread->get() == context.thread ? ex::current_apc_queue() : ex::find_apc_queue((*thread)->tid());
    if (!queue) return STATUS_UNSUCCESSFUL;
    auto apc = std::make_unique<ex::UserApc>();
    apc->run = run_plain_routine;
    apc->routine = reinterpret_cast<void (*)()>(ApcRoutine);
    apc->arguments[0] = ApcArgument1;
    apc->arguments[1] = ApcArgument2;
    apc->arguments[2] = ApcArgument3;
    return queue->queue(std::move(apc)) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

}  // namespace service
}  // namespace regent::nt
