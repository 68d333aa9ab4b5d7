// DbgPrint and its filter. A message is shown when its level's bit is in its component's mask or in the mask of all.
#include <array>
#include <atomic>
#include <cstdarg>
#include <string>

#include "ex/debug_sink.h"
#include "ex/thread_state.h"
#include "rtl/format.h"

namespace {

constexpr std::size_t message_limit = 512;  // bytes of one call; the rest is lost, as in NT
constexpr ULONG component_count = 160;

// Unlike Windows, DEFAULT and the vendors' components show INFO from the start: DbgPrint would be silent otherwise.
struct Masks {
    std::array<std::atomic<ULONG>, component_count> by_component{};
    Masks() {
        by_component[DPFLTR_DEFAULT_ID] = 0xF;
        for (ULONG id = DPFLTR_IHVDRIVER_ID; id <= DPFLTR_IHVBUS_ID; ++id) by_component[id] = 0xF;
    }
};

Masks& masks() {
    static Masks instance;
    return instance;
}

ULONG level_bits(ULONG level) { return level < 32 ? 1u << level : level; }

bool shown(ULONG component, ULONG level) {
    constexpr ULONG all_components = 1;  // errors
    ULONG mask = all_components;
    if (component < component_count) mask |= masks().by_component[component].load(std::memory_order_relaxed);
    return (level_bits(level) & mask) != 0;
}

void print(std::string_view prefix, ULONG component, ULONG level, PCSTR format, va_list list) {
    if (format == nullptr || !shown(component, level)) return;
    regent::rtl::VaListArguments arguments(list);
    std::string text(prefix);
    text += regent::rtl::format_narrow(format, arguments);
    if (text.size() > message_limit) text.resize(message_limit);
    regent::ex::DebugSink::instance().print(component, level, text);
}

}  // namespace

extern "C" {

ULONG DbgPrint(PCSTR Format, ...) {
    va_list list;
    va_start(list, Format);
    print({}, DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, list);
    va_end(list);
    return STATUS_SUCCESS;
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...) {
    va_list list;
    va_start(list, Format);
    print({}, ComponentId, Level, Format, list);
    va_end(list);
    return STATUS_SUCCESS;
}

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list Arguments) {
    print({}, ComponentId, Level, Format, Arguments);
    return STATUS_SUCCESS;
}

ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format, va_list Arguments) {
    print(Prefix != nullptr ? Prefix : "", ComponentId, Level, Format, Arguments);
    return STATUS_SUCCESS;
}

NTSTATUS DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level) { return shown(ComponentId, Level) ? TRUE : FALSE; }

NTSTATUS DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State) {
    if (ComponentId >= component_count) return STATUS_INVALID_PARAMETER_1;
    std::atomic<ULONG>& mask = masks().by_component[ComponentId];
    if (State != FALSE) {
        mask.fetch_or(level_bits(Level));
    } else {
        mask.fetch_and(~level_bits(Level));
    }
    return STATUS_SUCCESS;
}

// Without a debugger to break into, a breakpoint is only told.
VOID DbgBreakPoint(VOID) {
    regent::ex::DebugSink::instance().print(DPFLTR_SYSTEM_ID, DPFLTR_ERROR_LEVEL, "breakpoint reached\n");
}

VOID DbgBreakPointWithStatus(ULONG) { DbgBreakPoint(); }

VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message) {
    DbgPrintEx(DPFLTR_SYSTEM_ID, DPFLTR_ERROR_LEVEL, "Assertion failed: %s%s%s, %s line %u\n",
               Message != nullptr ? Message : "", Message != nullptr ? ": " : "", FailedAssertion, FileName,
               LineNumber);
    DbgBreakPoint();
}

}  // extern "C"
