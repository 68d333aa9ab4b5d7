// Structured exceptions of drivers in PE images: found by the images' own tables, delivered to their handlers, frames
// taken down as RtlUnwindEx does. Between the frames of images lie frames of the host; what is known there:
// - a GateFrame: a driver called us. If we raise or fault, its registers are in the record and the walk goes on there;
// - an ActiveHandler: we called a filter or a __finally block. Behind it the walk goes on in the frames that this
// handler
//   was about (nested exception, collided unwind);
// - an ex::DriverFrame: a driver was called by the host. No exception leaves a driver: the host stops with a report.
#pragma once

#include <span>

#include "io/pe/gate.h"
#include "io/pe/unwind.h"

namespace regent::io::pe {

struct DispatcherContext {
    ULONG64 control_pc;
    ULONG64 image_base;
    const RuntimeFunction* function;
    ULONG64 establisher;
    ULONG64 target_ip;
    CONTEXT* context;
    const void* handler;
    const void* handler_data;
    PVOID history;
    ULONG scope_index;
    ULONG fill;
};
static_assert(sizeof(DispatcherContext) == 0x50 && offsetof(DispatcherContext, scope_index) == 0x48);

struct ActiveHandler {
    ActiveHandler* previous;
    bool unwinding;
    const CONTEXT* origin;  // where the exception that is being handled happened
    const DispatcherContext* dispatcher;
};

// A routine of the host raises; returns when no driver in a PE image called it.
void raise_from_host(EXCEPTION_RECORD& record);

// Searches, then unwinds or resumes; stops the host when nobody handles it. `context` is inside a driver's code, or
// where such code jumped to.
[[noreturn]] void raise_exception(EXCEPTION_RECORD& record, CONTEXT& context);

// Takes down the frames from `start` to `target_frame` and goes on there at `target_ip`.
struct UnwindTarget {
    std::uint64_t frame;
    std::uint64_t ip;
    std::uint64_t value;  // Rax there
};
[[noreturn]] void unwind_to(const UnwindTarget& target, EXCEPTION_RECORD& record, const CONTEXT& start);

[[noreturn]] void resume(const CONTEXT& context);

// The thread's stack up to there is given up.
void drop_frames_below(std::uint64_t stack);
// The same where no image is involved.
[[noreturn]] void resume_registers(const CONTEXT& context);

// The instruction, or a call that led to it, is inside a __try block with an __except; since the host called the
// driver.
bool in_try_block(const CONTEXT& start);
// In handler.cpp: whether such a block of this frame covers its address.
bool covered_by_try(const DispatcherContext& dispatcher);

// ex::ImageStackHook: the frames of the image whose call this thread is in, and of those above it.
std::size_t stack_in_images(std::span<const void*> frames);

CONTEXT context_of(const GateFrame& frame);
// The call into the host that a thread at `stack` is in; null when it is not directly in one (a driver that the host
// called, or a handler, comes first).
const GateFrame* innermost_gate(std::uint64_t stack);

}  // namespace regent::io::pe
