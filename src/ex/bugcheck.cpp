#include "ex/bugcheck.h"
#include "rtl/foreign_call.h"

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "ex/call_driver.h"
#include "ex/debug_sink.h"
#include "ex/driver_image.h"
#include "ex/stack_trace.h"
#include "rtl/fail_fast.h"
#include "rtl/status.h"

namespace regent::ex {
namespace {

std::atomic<BugCheckHook> bugcheck_hook{nullptr};
std::atomic<RaiseHook> raise_hook{nullptr};
std::atomic<std::uint64_t> violations{0};

struct Name {
    ULONG code;
    const char* text;
};
constexpr Name names[] = {
    {0x0A, "IRQL_NOT_LESS_OR_EQUAL"},
    {0x0C, "MAXIMUM_WAIT_OBJECTS_EXCEEDED"},
    {0x0F, "SPIN_LOCK_ALREADY_OWNED"},
    {0x10, "SPIN_LOCK_NOT_OWNED"},
    {0x18, "REFERENCE_BY_POINTER"},
    {0x1E, "KMODE_EXCEPTION_NOT_HANDLED"},
    {0x20, "KERNEL_APC_PENDING_DURING_EXIT"},
    {0x35, "NO_MORE_IRP_STACK_LOCATIONS"},
    {0x3B, "SYSTEM_SERVICE_EXCEPTION"},
    {0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS"},
    {0x48, "CANCEL_STATE_IN_COMPLETED_IRP"},
    {0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"},
    {0x93, "INVALID_KERNEL_HANDLE"},
    {0xB8, "ATTEMPTED_SWITCH_FROM_DPC"},
    {0xC2, "BAD_POOL_CALLER"},
    {0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION"},
    {0xC7, "TIMER_OR_DPC_INVALID"},
    {0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION"},
    {0xCE, "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS"},
    {0xE2, "MANUALLY_INITIATED_CRASH"},
    {0xE3, "RESOURCE_NOT_OWNED"},
    {0x135, "REGISTRY_FILTER_DRIVER_EXCEPTION"},
    {0x139, "KERNEL_SECURITY_CHECK_FAILURE"},
};

template <typename... A>
std::string print(const char* format, A... arguments) {
    char line[512];
    std::snprintf(line, sizeof line, format, arguments...);
    return line;
}

std::string report_of(const BugCheck& check) {
    std::string text = print(
        "*** STOP: 0x%08X %s (0x%016" PRIX64 ", 0x%016" PRIX64 ", 0x%016" PRIX64 ", 0x%016" PRIX64 ")\n", check.code,
        bugcheck_name(check.code), std::uint64_t{check.parameters[0]}, std::uint64_t{check.parameters[1]},
        std::uint64_t{check.parameters[2]}, std::uint64_t{check.parameters[3]});
    if (check.code == 0x1E) {
        text += print("    status %s\n", rtl::status_name(static_cast<NTSTATUS>(check.parameters[0])));
    }
    const ThreadState& thread = thread_state();
    text += print("    thread %u, IRQL %u\n", thread.tid, unsigned{thread.irql});
    for (const DriverFrame* frame = thread.frame; frame != nullptr; frame = frame->previous) {
        text += print("    in %s of driver %s (routine %p)\n", frame->purpose,
                      driver_name(driver_of(frame->routine)).c_str(), frame->routine);
    }
    return text;
}

std::string stack_of_this_thread() {
    std::string text = "    stack:\n";
    for (const void* const address : capture_stack())
        text += print("    %p  ", address) + describe_call(address) + "\n";
    return text;
}

[[noreturn]] void stop(BugCheck check, const std::string& detail) {
    if (const DriverFrame* const frame = thread_state().frame; frame != nullptr) {
        check.driver = driver_name(driver_of(frame->routine));
    }
    check.text = report_of(check) + detail + stack_of_this_thread();
    std::fputs(check.text.c_str(), stderr);
    std::fflush(stderr);
    if (const BugCheckHook hook = bugcheck_hook.exchange(nullptr)) hook(check);
    std::abort();
}

const bool fail_fast_reports = [] {
    rtl::set_fail_fast_hook([](std::uint32_t code) { KeBugCheckEx(0x139, code, 0, 0, 0); });
    return true;
}();

}  // namespace

void set_bugcheck_hook(BugCheckHook hook) { bugcheck_hook.store(hook); }
void set_raise_hook(RaiseHook hook) { raise_hook.store(hook); }

void stop_host(ULONG code, const ULONG_PTR (&parameters)[4], const std::string& detail, const EXCEPTION_RECORD* record,
               const CONTEXT* context) {
    BugCheck check;
    check.code = code;
    check.record = record;
    check.context = context;
    std::copy(std::begin(parameters), std::end(parameters), check.parameters);
    stop(std::move(check), "    " + detail + "\n");
}

const char* bugcheck_name(ULONG code) {
    for (const Name& name : names) {
        if (name.code == code) return name.text;
    }
    return "UNKNOWN_BUG_CHECK";
}

void report_violation(const std::string& text) {
    violations.fetch_add(1, std::memory_order_relaxed);
    DebugSink::instance().print(DPFLTR_SYSTEM_ID, DPFLTR_ERROR_LEVEL, "verifier: " + text + "\n");
}

std::uint64_t violation_count() {
    static_cast<void>(fail_fast_reports);
    return violations.load(std::memory_order_relaxed);
}

}  // namespace regent::ex

using namespace regent::ex;

extern "C" {

VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                  ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4) {
    BugCheck check;
    check.code = BugCheckCode;
    check.parameters[0] = BugCheckParameter1;
    check.parameters[1] = BugCheckParameter2;
    check.parameters[2] = BugCheckParameter3;
    check.parameters[3] = BugCheckParameter4;
    stop(std::move(check), "");
}

VOID KeBugCheck(ULONG BugCheckCode) { KeBugCheckEx(BugCheckCode, 0, 0, 0, 0); }

// The host's own code has no handlers: what no driver's call led to ends it.
VOID RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord) {
    ExceptionRecord->ExceptionAddress = const_cast<PVOID>(regent::rtl::driver_caller(__builtin_return_address(0)));
    const RaiseHook raise = raise_hook.load();
    if (raise != nullptr && raise(*ExceptionRecord)) return;
    KeBugCheckEx(0x1E, static_cast<ULONG>(ExceptionRecord->ExceptionCode),
                 reinterpret_cast<ULONG_PTR>(ExceptionRecord->ExceptionAddress), 0, 0);
}

VOID ExRaiseStatus(NTSTATUS Status) {
    EXCEPTION_RECORD record{};
    record.ExceptionCode = Status;
    record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    RtlRaiseException(&record);
    __builtin_unreachable();
}

VOID RtlRaiseStatus(NTSTATUS Status) { ExRaiseStatus(Status); }

VOID ExRaiseAccessViolation(VOID) { ExRaiseStatus(STATUS_ACCESS_VIOLATION); }

VOID ExRaiseDatatypeMisalignment(VOID) { ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT); }

}  // extern "C"
