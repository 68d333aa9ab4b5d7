#include "io/seh.h"

#include <dlfcn.h>

#include <cinttypes>
#include <csetjmp>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/driver_image.h"
#include "ex/escape.h"
#include "ex/stack_trace.h"
#include "rtl/foreign_call.h"
#include "rtl/status.h"
#if defined(__x86_64__)
#include "io/pe/exception.h"
#include "io/pe/faults.h"
#endif

namespace regent::io {

namespace {

// What the report says about the operation that the driver was in; NT has a bug check for each.
ULONG bugcheck_for(std::string_view purpose) {
    if (purpose == "registry callback") return 0x135;
    if (purpose == "dispatch routine") return 0x3B;
    return purpose == "completion routine" || purpose == "DPC" ? 0x1E : 0x7E;
}

constexpr int deepest_nesting = 16;  // of exceptions in filters; the stack is NT's limit
thread_local int nesting = 0;

}  // namespace

void stop_unhandled(const EXCEPTION_RECORD& record, const CONTEXT& context, const ExceptionPlace& place) {
    if (ex::Escape* const escape = ex::Escape::current()) {
        nesting = 0;
#if defined(__x86_64__)
        pe::drop_frames_below(reinterpret_cast<std::uint64_t>(escape));
#endif
        escape->leave(record.ExceptionCode);
    }
    const auto where = reinterpret_cast<std::uint64_t>(record.ExceptionAddress);
    const ex::DriverFrame* const frame = ex::current_driver_frame();
    char line[512];
    const int length = std::snprintf(line, sizeof line, "driver %s, raised at %" PRIx64, place.text, where);
    if (record.ExceptionCode == STATUS_ACCESS_VIOLATION && record.NumberParameters == 2)
        std::snprintf(line + length, sizeof line - static_cast<std::size_t>(length), ", %s %llx",
                      record.ExceptionInformation[0] == 1 ? "writing" : "reading", record.ExceptionInformation[1]);
    const ULONG code = bugcheck_for(frame != nullptr ? frame->purpose : "");
    const auto context_address = reinterpret_cast<ULONG_PTR>(&context);
    const auto status = static_cast<ULONG>(record.ExceptionCode);
    if (code == 0x135)
        ex::stop_host(code, {status, context_address, reinterpret_cast<ULONG_PTR>(frame->routine), 0}, line, &record,
                      &context);
    if (code == 0x3B) ex::stop_host(code, {status, where, context_address, 0}, line, &record, &context);
    if (code == 0x7E)
        ex::stop_host(code, {status, where, reinterpret_cast<ULONG_PTR>(&record), context_address}, line, &record,
                      &context);
    ex::stop_host(code, {status, where, record.ExceptionInformation[0], record.ExceptionInformation[1]}, line, &record,
                  &context);
}

bool in_elf_driver() {
    const ex::DriverFrame* const frame = ex::current_driver_frame();
    return frame != nullptr && !rtl::is_foreign(frame->routine) && ex::driver_of(frame->routine) != 0;
}

#if defined(__x86_64__)

extern "C" {
LONG rg_seh_call(RG_SEH_FRAME* frame);                 // runs the filter or __finally block; RgSehReturn's answer
[[noreturn]] void rg_seh_resume(RG_SEH_FRAME* frame);  // the handler
void rg_seh_link(RG_SEH_FRAME* frame, int is_finally);
__attribute__((weak)) void __asan_handle_no_return();
}

// RgSehEnter keeps the registers that a function preserves. rg_seh_call goes back there with 1, on the stack below its
// caller's; outgoing arguments of the driver's function need room there. Offsets: RG_SEH_FRAME.
static_assert(offsetof(RG_SEH_FRAME, Registers) == 8 && offsetof(RG_SEH_FRAME, Caller) == 0x48);
__asm__(R"(
    .text
    .globl  RgSehEnter
    .type   RgSehEnter, @function
RgSehEnter:
    .cfi_startproc
    movq    %rbx, 0x08(%rdi)
    movq    %rbp, 0x10(%rdi)
    movq    %r12, 0x18(%rdi)
    movq    %r13, 0x20(%rdi)
    movq    %r14, 0x28(%rdi)
    movq    %r15, 0x30(%rdi)
    leaq    8(%rsp), %rax
    movq    %rax, 0x38(%rdi)
    movq    (%rsp), %rax
    movq    %rax, 0x40(%rdi)
    subq    $8, %rsp
    .cfi_def_cfa_offset 16
    call    rg_seh_link
    addq    $8, %rsp
    .cfi_def_cfa_offset 8
    xorl    %eax, %eax
    ret
    .cfi_endproc
    .size   RgSehEnter, . - RgSehEnter

    .globl  rg_seh_call
    .hidden rg_seh_call
    .type   rg_seh_call, @function
rg_seh_call:
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    pushq   0x48(%rdi)
    movq    %rsp, 0x48(%rdi)
    subq    $1024, %rsp
    movl    $1, %eax
    jmp     1f
    .size   rg_seh_call, . - rg_seh_call

    .globl  rg_seh_resume
    .hidden rg_seh_resume
    .type   rg_seh_resume, @function
rg_seh_resume:
    movq    0x38(%rdi), %rsp
    movl    $2, %eax
1:  movq    0x08(%rdi), %rbx
    movq    0x10(%rdi), %rbp
    movq    0x18(%rdi), %r12
    movq    0x20(%rdi), %r13
    movq    0x28(%rdi), %r14
    movq    0x30(%rdi), %r15
    jmp     *0x40(%rdi)
    .size   rg_seh_resume, . - rg_seh_resume

    .globl  RgSehReturn
    .type   RgSehReturn, @function
RgSehReturn:
    movq    0x48(%rdi), %rsp
    popq    0x48(%rdi)
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    movl    %esi, %eax
    ret
    .size   RgSehReturn, . - RgSehReturn
)");

namespace {

ExceptionPlace place_in_driver(const EXCEPTION_RECORD& record, const void* pc) {
    Dl_info found{};
    const bool known = dladdr(pc, &found) != 0;
    ExceptionPlace place;
    std::snprintf(
        place.text, sizeof place.text, "%s: unhandled exception %s at +0x%zx%s%s",
        ex::driver_name(ex::driver_of(ex::current_driver_frame()->routine)).c_str(),
        rtl::status_name(record.ExceptionCode),
        known ? static_cast<std::size_t>(static_cast<const char*>(pc) - static_cast<char*>(found.dli_fbase)) : 0,
        known && found.dli_sname != nullptr ? " in " : "", known && found.dli_sname != nullptr ? found.dli_sname : "");
    return place;
}

void unlink(RG_SEH_FRAME& frame) {
    ex::thread_state().exceptions = frame.Previous;
    frame.Linked = FALSE;
}

// A __finally block that raises is not run again: it is out of the list before it runs.
void take_down(RG_SEH_FRAME& inner) {
    unlink(inner);
    if (!inner.Finally) return;
    inner.Abnormal = 1;
    rg_seh_call(&inner);
}

// Takes down the blocks inside `target` and goes on in its handler.
[[noreturn]] void unwind_to(RG_SEH_FRAME& target) {
    ex::ThreadState& thread = ex::thread_state();
    while (thread.exceptions != &target) take_down(*thread.exceptions);
    unlink(target);
    nesting = 0;
    if (target.HasJump) std::longjmp(*reinterpret_cast<std::jmp_buf*>(target.Jump), 1);
    if (__asan_handle_no_return != nullptr) __asan_handle_no_return();
    rg_seh_resume(&target);
}

LONG ask_filter(RG_SEH_FRAME& frame, EXCEPTION_RECORD& record, CONTEXT& context) {
    const EXCEPTION_POINTERS outer = frame.Pointers;
    frame.Pointers = {&record, &context};
    frame.Code = record.ExceptionCode;
    const LONG answer = rg_seh_call(&frame);
    frame.Pointers = outer;
    frame.Code = record.ExceptionCode;
    return answer;
}

// A routine of the host raises on behalf of the driver that called it.
bool raise_from_host(EXCEPTION_RECORD& record) {
    pe::raise_from_host(record);  // returns when the caller is no PE image
    if (!in_elf_driver()) return false;
    CONTEXT context{};
    context.Rip = reinterpret_cast<ULONG64>(record.ExceptionAddress);
    context.Rsp = context.Rbp = reinterpret_cast<ULONG64>(__builtin_frame_address(0));
    return dispatch_exception(record, context, record.ExceptionAddress);
}

}  // namespace

bool dispatch_exception(EXCEPTION_RECORD& record, CONTEXT& context, const void* driver_pc) {
    ex::ThreadState& thread = ex::thread_state();
    ++nesting;
    for (RG_SEH_FRAME* frame = thread.exceptions;
         nesting <= deepest_nesting && frame != nullptr && frame->Owner == thread.frame; frame = frame->Previous) {
        if (frame->Finally) continue;
        const LONG answer = ask_filter(*frame, record, context);
        if (answer == EXCEPTION_CONTINUE_SEARCH) continue;
        if (answer > 0) unwind_to(*frame);
        if ((record.ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0) break;
        --nesting;
        return true;
    }
    // Who called the driver may survive this; then its blocks are taken down first.
    while (ex::Escape::current() != nullptr && thread.exceptions != nullptr &&
           thread.exceptions->Owner == thread.frame) {
        take_down(*thread.exceptions);
    }
    stop_unhandled(record, context, place_in_driver(record, driver_pc));
}

void deliver_exceptions() {
    static std::once_flag once;
    std::call_once(once, [] {
        pe::catch_faults();
        ex::set_raise_hook(raise_from_host);
        ex::set_image_stack_hook(pe::stack_in_images);
    });
}

#else

bool dispatch_exception(EXCEPTION_RECORD&, CONTEXT&, const void*) { return false; }
void deliver_exceptions() {}

#endif

}  // namespace regent::io

#if defined(__x86_64__)
using regent::ex::thread_state;

extern "C" {

void rg_seh_link(RG_SEH_FRAME* frame, int is_finally) {
    regent::ex::ThreadState& thread = thread_state();
    frame->Previous = thread.exceptions;
    frame->Owner = thread.frame;
    frame->State = 0;
    frame->Abnormal = 1;  // until the block's end is reached
    frame->Finally = is_finally != 0;
    frame->Linked = TRUE;
    frame->HasJump = FALSE;
    thread.exceptions = frame;
}

// However the block was left. Blocks inside it are gone already, each by its own cleanup.
void RgSehLeave(RG_SEH_FRAME* frame) {
    if (!frame->Linked) return;
    frame->Linked = FALSE;
    thread_state().exceptions = frame->Previous;
    if (frame->Finally) regent::io::rg_seh_call(frame);
}

}  // extern "C"
#endif
