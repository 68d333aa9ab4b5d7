// Ps*: processes and threads for drivers.
#include <unistd.h>

#include "ex/verifier.h"
#include "ob/exports.h"
#include "ob/handle.h"
#include "ob/namespace.h"
#include "ob/system_thread.h"
#include "wdk/wdm.h"

using namespace regent;
using regent::ob::ObjectRef;

namespace {

POBJECT_TYPE process_type;
POBJECT_TYPE thread_type;
POBJECT_TYPE event_type;

HANDLE id(std::uint32_t number) { return reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(number)); }
std::uint32_t number(HANDLE id) { return static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(id)); }
ob::Process* as_process(PEPROCESS process) { return reinterpret_cast<ob::Process*>(process); }
ob::Thread* as_thread(PETHREAD thread) { return reinterpret_cast<ob::Thread*>(thread); }
POBJECT_TYPE exported(ob::ObjectType& type) { return reinterpret_cast<POBJECT_TYPE>(&type); }

std::uint32_t current_tid() {
    ob::Thread* thread = ob::current().thread;
    return thread != nullptr ? thread->tid() : static_cast<std::uint32_t>(gettid());
}

}  // namespace

extern "C" {

POBJECT_TYPE* PsProcessType = &process_type;
POBJECT_TYPE* PsThreadType = &thread_type;
POBJECT_TYPE* ExEventObjectType = &event_type;
PEPROCESS PsInitialSystemProcess;

// The thread's own process, which attaching does not change.
HANDLE PsGetCurrentProcessId(VOID) {
    ob::Context& context = ob::current();
    return id(context.thread != nullptr ? context.thread->process().pid() : context.process->pid());
}
HANDLE PsGetCurrentThreadId(VOID) { return id(current_tid()); }
PEPROCESS PsGetCurrentProcess(VOID) { return reinterpret_cast<PEPROCESS>(ob::current().process); }
PEPROCESS IoGetCurrentProcess(VOID) { return PsGetCurrentProcess(); }
PETHREAD PsGetCurrentThread(VOID) { return reinterpret_cast<PETHREAD>(ob::current().thread); }
HANDLE PsGetProcessId(PEPROCESS Process) { return id(as_process(Process)->pid()); }
HANDLE PsGetThreadId(PETHREAD Thread) { return id(as_thread(Thread)->tid()); }
HANDLE PsGetThreadProcessId(PETHREAD Thread) { return id(as_thread(Thread)->process().pid()); }
PEPROCESS PsGetThreadProcess(PETHREAD Thread) { return reinterpret_cast<PEPROCESS>(&as_thread(Thread)->process()); }
PCHAR PsGetProcessImageFileName(PEPROCESS Process) { return const_cast<PCHAR>(as_process(Process)->image_file_name()); }
BOOLEAN PsIsSystemThread(PETHREAD Thread) { return as_thread(Thread)->process().is_system() ? TRUE : FALSE; }
NTSTATUS PsGetThreadExitStatus(PETHREAD Thread) { return as_thread(Thread)->exit_status(); }
NTSTATUS PsGetProcessExitStatus(PEPROCESS Process) {
    return as_process(Process)->terminated() ? STATUS_SUCCESS : STATUS_PENDING;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS* Process) {
    *Process = nullptr;
    auto found = ob::find_process(number(ProcessId));
    if (!found) return found.error().code();
    *Process = reinterpret_cast<PEPROCESS>(found->release());
    return STATUS_SUCCESS;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD* Thread) {
    *Thread = nullptr;
    auto found = ob::find_thread(number(ThreadId));
    if (!found) return found.error().code();
    *Thread = reinterpret_cast<PETHREAD>(found->release());
    return STATUS_SUCCESS;
}

NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                              HANDLE ProcessHandle, PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                              PVOID StartContext) {
    regent::ex::verifier::at_most(PASSIVE_LEVEL, "PsCreateSystemThread");
    // Every process but System belongs to a program elsewhere, where no driver thread can run.
    if (ProcessHandle != nullptr && ProcessHandle != NtCurrentProcess()) return STATUS_NOT_SUPPORTED;
    auto thread = ob::start_driver_thread(StartRoutine, StartContext);
    if (!thread) return thread.error().code();
    if (ClientId != nullptr) *ClientId = {id((*thread)->process().pid()), id((*thread)->tid())};
    ULONG attributes = ObjectAttributes != nullptr ? ObjectAttributes->Attributes : 0;
    ob::CallerScope kernel(ob::kernel_mode);
    auto handle = ob::open_by_pointer(std::move(*thread), DesiredAccess, attributes, KernelMode);
    // The thread runs already, so the answer is success even when the table is full; there is just no handle.
    *ThreadHandle = handle.value_or(nullptr);
    return STATUS_SUCCESS;
}

NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus) { return ob::terminate_driver_thread(ExitStatus); }

PACCESS_TOKEN PsReferencePrimaryToken(PEPROCESS Process) {
    Ref<se::Token> token = as_process(Process)->token_ref();
    return token.release();
}
VOID PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken) {
    Ref<se::Token>::adopt(static_cast<se::Token*>(PrimaryToken));
}

}  // extern "C"

namespace regent::ob {

void publish_exported_types() {
    process_type = exported(types::process());
    thread_type = exported(types::thread());
    event_type = exported(types::event());
    PsInitialSystemProcess = reinterpret_cast<PEPROCESS>(&system_process());
}

}  // namespace regent::ob
