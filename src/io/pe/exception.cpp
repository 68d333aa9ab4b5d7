#include "io/pe/exception.h"

#include <cinttypes>
#include <cstdio>
#include <string>

#include "ex/call_driver.h"
#include "ex/driver_image.h"
#include "ex/escape.h"
#include "io/seh.h"
#include "rtl/foreign_call.h"
#include "rtl/status.h"

extern "C" {
[[noreturn]] void rg_pe_restore(const CONTEXT* context);
__attribute__((weak)) void __asan_handle_no_return();  // frames of ours are left without returning
}

// All registers from the context; the return address is put below its stack pointer, which no convention of Windows
// uses.
__asm__(R"(
    .text
    .globl  rg_pe_restore
    .hidden rg_pe_restore
    .type   rg_pe_restore, @function
rg_pe_restore:
    movups  0x1A0(%rdi), %xmm0
    movups  0x1B0(%rdi), %xmm1
    movups  0x1C0(%rdi), %xmm2
    movups  0x1D0(%rdi), %xmm3
    movups  0x1E0(%rdi), %xmm4
    movups  0x1F0(%rdi), %xmm5
    movups  0x200(%rdi), %xmm6
    movups  0x210(%rdi), %xmm7
    movups  0x220(%rdi), %xmm8
    movups  0x230(%rdi), %xmm9
    movups  0x240(%rdi), %xmm10
    movups  0x250(%rdi), %xmm11
    movups  0x260(%rdi), %xmm12
    movups  0x270(%rdi), %xmm13
    movups  0x280(%rdi), %xmm14
    movups  0x290(%rdi), %xmm15
    ldmxcsr 0x34(%rdi)
    movq    0x98(%rdi), %rax
    movq    0xF8(%rdi), %rcx
    movq    %rcx, -8(%rax)
    movl    0x44(%rdi), %ecx
    pushq   %rcx
    popfq
    movq    0x78(%rdi), %rax
    movq    0x80(%rdi), %rcx
    movq    0x88(%rdi), %rdx
    movq    0x90(%rdi), %rbx
    movq    0xA0(%rdi), %rbp
    movq    0xA8(%rdi), %rsi
    movq    0xB8(%rdi), %r8
    movq    0xC0(%rdi), %r9
    movq    0xC8(%rdi), %r10
    movq    0xD0(%rdi), %r11
    movq    0xD8(%rdi), %r12
    movq    0xE0(%rdi), %r13
    movq    0xE8(%rdi), %r14
    movq    0xF0(%rdi), %r15
    movq    0x98(%rdi), %rsp
    leaq    -8(%rsp), %rsp
    movq    0xB0(%rdi), %rdi
    ret
    .size   rg_pe_restore, . - rg_pe_restore
)");

namespace regent::io::pe {

namespace {

constexpr ULONG interrupts_enabled = 0x202;  // EFLAGS of code that nothing special is known about
constexpr int deepest_nesting = 16;

using LanguageHandler = EXCEPTION_DISPOSITION(EXCEPTION_RECORD*, PVOID, CONTEXT*, DispatcherContext*);

template <typename T>
std::uint64_t address_of(const T* object) {
    return reinterpret_cast<std::uint64_t>(object);
}

// The innermost record of a list on this thread's stack that lies above `stack`; lists go from low to high addresses.
template <typename T>
T* first_above(T* record, std::uint64_t stack) {
    while (record != nullptr && address_of(record) < stack) record = record->previous;
    return record;
}

// Frame by frame from a place inside a driver to the host's call of that driver.
class Walk {
public:
    explicit Walk(const CONTEXT& start) : caller_(start) {}

    // False: the host called what was left. Afterwards `inside` are the registers inside the frame.
    bool next(std::uint8_t handler_kind) {
        inside = caller_;
        scope_index_ = 0;
        while (!find_code_image(inside.Rip))
            if (!cross_host()) return false;
        first_ = false;
        entry_ = find_function(inside.Rip);
        caller_ = inside;
        frame_ = unwind_frame(entry_, handler_kind, caller_);
        return true;
    }
    bool has_handler() const { return frame_.handler != nullptr; }
    std::uint64_t establisher() const { return frame_.establisher; }
    DispatcherContext dispatcher(std::uint64_t target_ip) {
        return {inside.Rip,     entry_.image.base(), entry_.function, frame_.establisher, target_ip, &inside,
                frame_.handler, frame_.handler_data, nullptr,         scope_index_,       0};
    }

    CONTEXT inside{};

private:
    bool cross_host() {
        // A call to an address without code: the call's own frame is all that happened there.
        if (first_) {
            first_ = false;
            const auto* const top = reinterpret_cast<const std::uint64_t*>(inside.Rsp);
            if (find_code_image(*top)) {
                inside.Rip = *top;
                inside.Rsp += 8;
                return true;
            }
        }
        const ProcessorBlock& block = *processor_block();
        const GateFrame* const gate = first_above(block.top, inside.Rsp);
        const ActiveHandler* const handler = first_above(block.handlers, inside.Rsp);
        const ex::DriverFrame* const driver = first_above(ex::thread_state().frame, inside.Rsp);
        const auto nearest = [driver](const void* record, const void* other) {
            return record != nullptr && (other == nullptr || record < other) && (driver == nullptr || record < driver);
        };
        if (nearest(gate, handler)) {
            inside = context_of(*gate);
            return true;
        }
        if (!nearest(handler, gate)) return false;
        inside = handler->unwinding ? *handler->dispatcher->context : *handler->origin;
        scope_index_ = handler->unwinding ? handler->dispatcher->scope_index : 0;
        return true;
    }

    CONTEXT caller_;
    FunctionEntry entry_;
    UnwoundFrame frame_;
    ULONG scope_index_ = 0;
    bool first_ = true;
};

EXCEPTION_DISPOSITION call_handler(EXCEPTION_RECORD& record, CONTEXT& origin, DispatcherContext& dispatcher) {
    ProcessorBlock& block = *processor_block();
    ActiveHandler active{block.handlers, (record.ExceptionFlags & EXCEPTION_UNWINDING) != 0, &origin, &dispatcher};
    block.handlers = &active;
    auto* const handler = reinterpret_cast<LanguageHandler*>(const_cast<void*>(dispatcher.handler));
    const auto answer =
        rtl::call_routine(handler, &record, reinterpret_cast<PVOID>(dispatcher.establisher), &origin, &dispatcher);
    block.handlers = active.previous;
    return answer;
}

ExceptionPlace place_in_image(const EXCEPTION_RECORD& record, const CONTEXT& context) {
    const auto image = find_code_image(context.Rip);
    const FunctionEntry entry = find_function(context.Rip);
    ExceptionPlace place;
    std::snprintf(place.text, sizeof place.text, "%s: unhandled exception %s at +0x%" PRIx64 " (function at +0x%x)",
                  ex::driver_name(ex::driver_of(reinterpret_cast<const void*>(context.Rip))).c_str(),
                  rtl::status_name(record.ExceptionCode), std::uint64_t{context.Rip - (image ? image->base() : 0)},
                  entry.function != nullptr ? static_cast<unsigned>(entry.function->begin) : 0u);
    return place;
}

// Handlers that raise again are asked again, as in NT, where the stack is the limit.
int nesting() {
    int depth = 0;
    for (const ActiveHandler* handler = processor_block()->handlers; handler != nullptr; handler = handler->previous)
        depth++;
    return depth;
}

}  // namespace

void raise_from_host(EXCEPTION_RECORD& record) {
    const GateFrame* const gate = innermost_gate(address_of(__builtin_frame_address(0)));
    if (gate == nullptr) return;
    CONTEXT context = context_of(*gate);
    record.ExceptionAddress = reinterpret_cast<PVOID>(context.Rip);
    raise_exception(record, context);
}

bool in_try_block(const CONTEXT& start) {
    Walk walk(start);
    while (walk.next(unwind_exception_handler))
        if (walk.has_handler() && covered_by_try(walk.dispatcher(0))) return true;
    return false;
}

std::size_t stack_in_images(std::span<const void*> frames) {
    const GateFrame* const gate = innermost_gate(address_of(__builtin_frame_address(0)));
    if (gate == nullptr) return 0;
    Walk walk(context_of(*gate));
    std::size_t count = 0;
    while (count < frames.size() && walk.next(unwind_termination_handler))
        frames[count++] = reinterpret_cast<const void*>(walk.inside.Rip);
    return count;
}

CONTEXT context_of(const GateFrame& frame) {
    CONTEXT context{};
    context.MxCsr = __builtin_ia32_stmxcsr();
    context.EFlags = interrupts_enabled;
    context.Rip = frame.return_address;
    context.Rsp = address_of(frame.arguments);
    context.Rbx = frame.rbx;
    context.Rbp = frame.rbp;
    context.Rsi = frame.rsi;
    context.Rdi = frame.rdi;
    context.R12 = frame.r12;
    context.R13 = frame.r13;
    context.R14 = frame.r14;
    context.R15 = frame.r15;
    for (int i = 0; i < 10; i++) {
        M128A& xmm = context.FltSave.XmmRegisters[6 + i];
        xmm.Low = frame.xmm6_to_15[i].low;
        xmm.High = static_cast<LONGLONG>(frame.xmm6_to_15[i].high);
    }
    return context;
}

const GateFrame* innermost_gate(std::uint64_t stack) {
    const ProcessorBlock* const block = processor_block();
    if (block == nullptr) return nullptr;
    const GateFrame* const gate = first_above(block->top, stack);
    const ActiveHandler* const handler = first_above(block->handlers, stack);
    const ex::DriverFrame* const driver = first_above(ex::thread_state().frame, stack);
    const bool hidden = (handler != nullptr && address_of(handler) < address_of(gate)) ||
                        (driver != nullptr && address_of(driver) < address_of(gate));
    return gate != nullptr && !hidden ? gate : nullptr;
}

void resume(const CONTEXT& context) {
    ProcessorBlock& block = *processor_block();
    block.top = first_above(block.top, context.Rsp);
    block.handlers = first_above(block.handlers, context.Rsp);
    resume_registers(context);
}

void resume_registers(const CONTEXT& context) {
    if (__asan_handle_no_return != nullptr) __asan_handle_no_return();
    rg_pe_restore(&context);
}

void raise_exception(EXCEPTION_RECORD& record, CONTEXT& context) {
    Walk walk(context);
    while (nesting() < deepest_nesting && walk.next(unwind_exception_handler)) {
        if (!walk.has_handler()) continue;
        DispatcherContext dispatcher = walk.dispatcher(0);
        const EXCEPTION_DISPOSITION answer = call_handler(record, context, dispatcher);
        if (answer == ExceptionContinueSearch) continue;
        if (answer != ExceptionContinueExecution || (record.ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0) break;
        resume(context);
    }
    // Who called the driver may survive this: then all its frames are taken down first.
    if (ex::Escape::current() != nullptr) unwind_to({}, record, context);
    stop_unhandled(record, context, place_in_image(record, context));
}

void drop_frames_below(std::uint64_t stack) {
    ProcessorBlock* const block = processor_block();
    if (block == nullptr) return;
    block->top = first_above(block->top, stack);
    block->handlers = first_above(block->handlers, stack);
}

void unwind_to(const UnwindTarget& target, EXCEPTION_RECORD& record, const CONTEXT& start) {
    CONTEXT origin = start;
    record.ExceptionFlags |= EXCEPTION_UNWINDING;
    Walk walk(start);
    while (walk.next(unwind_termination_handler)) {
        const bool last = walk.establisher() == target.frame;
        if (last) record.ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
        if (walk.has_handler()) {
            DispatcherContext dispatcher = walk.dispatcher(target.ip);
            call_handler(record, origin, dispatcher);
        }
        if (!last) continue;
        CONTEXT there = walk.inside;
        there.Rip = target.ip;
        there.Rax = target.value;
        resume(there);
    }
    stop_unhandled(record, start, place_in_image(record, start));  // the frame is not on this stack
}

}  // namespace regent::io::pe
