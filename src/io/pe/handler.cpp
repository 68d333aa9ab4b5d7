// __C_specific_handler, which the compilers of Windows name for functions with __try, and the kernel's routines around
// exceptions, as drivers in PE images import them.
#include "io/pe/bridge.h"
#include "io/pe/exception.h"
#include "io/pe/exports.h"
#include "rtl/foreign_call.h"

namespace regent::io::pe {

namespace {

// Its data: a count, then these; the innermost __try of nested ones comes first.
struct Scope {
    Le32 begin;
    Le32 end;
    Le32 handler;  // filter, or 1: always execute; a __finally block when `target` is 0
    Le32 target;   // the __except block
};
static_assert(sizeof(Scope) == 16);
constexpr std::uint32_t always_execute = 1;

using Filter = LONG(EXCEPTION_POINTERS*, PVOID);
using Termination = void(BOOLEAN, PVOID);

struct Scopes {
    const Scope* first;
    std::uint32_t count;
    std::uint64_t base;
    std::uint32_t control;

    explicit Scopes(const DispatcherContext& dispatcher)
        : first(reinterpret_cast<const Scope*>(static_cast<const std::byte*>(dispatcher.handler_data) + 4)),
          count(*static_cast<const Le32*>(dispatcher.handler_data)),
          base(dispatcher.image_base),
          control(static_cast<std::uint32_t>(dispatcher.control_pc - base)) {}
    static bool covers(const Scope& scope, std::uint32_t address) {
        return address >= scope.begin && address < scope.end;
    }
    template <typename Routine>
    Routine* routine(std::uint32_t offset) const {
        return reinterpret_cast<Routine*>(base + offset);
    }
};

LONG run_filter(const Scopes& scopes, const Scope& scope, EXCEPTION_POINTERS& pointers, PVOID frame) {
    if (scope.handler == always_execute) return EXCEPTION_EXECUTE_HANDLER;
    return rtl::call_routine(scopes.routine<Filter>(scope.handler), &pointers, frame);
}

EXCEPTION_DISPOSITION search(EXCEPTION_RECORD& record, PVOID frame, CONTEXT& context, DispatcherContext& dispatcher) {
    const Scopes scopes(dispatcher);
    EXCEPTION_POINTERS pointers{&record, &context};
    for (std::uint32_t i = dispatcher.scope_index; i < scopes.count; i++) {
        const Scope& scope = scopes.first[i];
        if (!Scopes::covers(scope, scopes.control) || scope.target == 0) continue;
        const LONG answer = run_filter(scopes, scope, pointers, frame);
        if (answer < 0) return ExceptionContinueExecution;
        if (answer > 0)
            unwind_to({reinterpret_cast<std::uint64_t>(frame), scopes.base + scope.target,
                       static_cast<ULONG>(record.ExceptionCode)},
                      record, context);
    }
    return ExceptionContinueSearch;
}

// Where the way out of a frame ends, when it ends in this frame: at the __except block of a scope around the control
// address, or (goto, return) at an address that the innermost scopes may share with it. An __except block may follow
// the last call of its __try block immediately; only its own scope's end counts for it then.
struct WayOut {
    bool ends_here;
    bool at_handler;
    std::uint32_t target;

    WayOut(const EXCEPTION_RECORD& record, const DispatcherContext& dispatcher, const Scopes& scopes)
        : ends_here((record.ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0),
          at_handler(false),
          target(static_cast<std::uint32_t>(dispatcher.target_ip - scopes.base)) {
        for (std::uint32_t i = 0; i < scopes.count; i++)
            at_handler |= scopes.first[i].target == target && Scopes::covers(scopes.first[i], scopes.control);
    }
    bool stops_at(const Scope& scope) const {
        return ends_here && (scope.target == target || (!at_handler && Scopes::covers(scope, target)));
    }
};

// Runs the __finally blocks that the way out of the frame passes. The index is moved on first: a block that raises is
// not run again.
EXCEPTION_DISPOSITION terminate(const EXCEPTION_RECORD& record, PVOID frame, DispatcherContext& dispatcher) {
    const Scopes scopes(dispatcher);
    const WayOut way(record, dispatcher, scopes);
    for (std::uint32_t i = dispatcher.scope_index; i < scopes.count; i++) {
        const Scope& scope = scopes.first[i];
        if (!Scopes::covers(scope, scopes.control)) continue;
        if (way.stops_at(scope)) break;
        if (scope.target != 0) continue;
        dispatcher.scope_index = i + 1;
        rtl::call_routine(scopes.routine<Termination>(scope.handler), BOOLEAN{TRUE}, frame);
    }
    return ExceptionContinueSearch;
}

EXCEPTION_DISPOSITION c_specific_handler(EXCEPTION_RECORD* record, PVOID frame, CONTEXT* context,
                                         DispatcherContext* dispatcher) {
    if ((record->ExceptionFlags & EXCEPTION_UNWIND) != 0) return terminate(*record, frame, *dispatcher);
    return search(*record, frame, *context, *dispatcher);
}

// The registers of the driver that called the export we are in.
CONTEXT caller_context() { return context_of(*processor_block()->top); }

void unwind_ex(PVOID frame, PVOID ip, EXCEPTION_RECORD* record, PVOID value, CONTEXT*, PVOID) {
    EXCEPTION_RECORD own{};
    own.ExceptionCode = STATUS_UNWIND;
    unwind_to({reinterpret_cast<std::uint64_t>(frame), reinterpret_cast<std::uint64_t>(ip),
               reinterpret_cast<std::uint64_t>(value)},
              record != nullptr ? *record : own, caller_context());
}
void unwind_plain(PVOID frame, PVOID ip, EXCEPTION_RECORD* record, PVOID value) {
    unwind_ex(frame, ip, record, value, nullptr, nullptr);
}
// goto or return out of a __try block.
void local_unwind(PVOID frame, PVOID ip) { unwind_ex(frame, ip, nullptr, nullptr, nullptr, nullptr); }

void capture_context(CONTEXT* context) { *context = caller_context(); }
void restore_context(CONTEXT* context, EXCEPTION_RECORD*) { resume(*context); }

const RuntimeFunction* lookup_function_entry(ULONG64 address, ULONG64* base, PVOID) {
    const FunctionEntry entry = find_function(address);
    if (entry.function != nullptr) *base = entry.image.base();
    return entry.function;
}

const void* virtual_unwind(ULONG kind, ULONG64, ULONG64 address, const RuntimeFunction* function, CONTEXT* context,
                           const void** data, ULONG64* establisher, PVOID) {
    const auto image = find_code_image(address);
    if (!image) return nullptr;
    context->Rip = address;
    const UnwoundFrame frame = unwind_frame({*image, function}, static_cast<std::uint8_t>(kind), *context);
    *establisher = frame.establisher;
    *data = frame.handler_data;
    return frame.handler;
}

PVOID pc_to_file_header(PVOID address, PVOID* base) {
    const auto image = find_code_image(reinterpret_cast<std::uint64_t>(address));
    *base = image ? reinterpret_cast<PVOID>(image->base()) : nullptr;
    return *base;
}

}  // namespace

bool covered_by_try(const DispatcherContext& dispatcher) {
    const Scopes scopes(dispatcher);
    for (std::uint32_t i = 0; i < scopes.count; i++)
        if (scopes.first[i].target != 0 && Scopes::covers(scopes.first[i], scopes.control)) return true;
    return false;
}

std::span<const Export> exception_functions() {
    static const Export table[] = {
        Bridge<&c_specific_handler>::make("__C_specific_handler", false),
        Bridge<&unwind_ex>::make("RtlUnwindEx", false),
        Bridge<&unwind_plain>::make("RtlUnwind", false),
        Bridge<&local_unwind>::make("_local_unwind", false),
        Bridge<&capture_context>::make("RtlCaptureContext", false),
        Bridge<&restore_context>::make("RtlRestoreContext", false),
        Bridge<&lookup_function_entry>::make("RtlLookupFunctionEntry", false),
        Bridge<&virtual_unwind>::make("RtlVirtualUnwind", false),
        Bridge<&pc_to_file_header>::make("RtlPcToFileHeader", false),
    };
    return table;
}

}  // namespace regent::io::pe
