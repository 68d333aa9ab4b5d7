#include "io/pe/faults.h"

#include <signal.h>

#include <cstring>
#include <iterator>
#include <new>
#include <optional>

#include "ex/driver_image.h"
#include "ex/guarded_buffer.h"
#include "ex/thread_state.h"
#include "io/pe/exception.h"
#include "io/pe/machine.h"
#include "io/seh.h"
#include "wdk/ntddk.h"

namespace regent::io::pe {

namespace {

constexpr int caught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
struct sigaction before[std::size(caught)];

constexpr greg_t general_protection = 13;  // no address: a privileged instruction or one that is not canonical
constexpr greg_t page_fault_write = 2;
constexpr greg_t page_fault_execute = 16;

// Whoever was there before us gets it; nobody: the instruction runs again and ends the process.
void pass_on(int signal, siginfo_t* info, void* context) {
    for (std::size_t i = 0; i < std::size(caught); i++) {
        if (caught[i] != signal) continue;
        const struct sigaction& old = before[i];
        if ((old.sa_flags & SA_SIGINFO) != 0) return old.sa_sigaction(signal, info, context);
        if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) return old.sa_handler(signal);
        sigaction(signal, &old, nullptr);
    }
}

CONTEXT context_of(const ucontext_t& machine) {
    const greg_t* const registers = machine.uc_mcontext.gregs;
    CONTEXT context{};
    for (unsigned number = 0; number < 16; number++)
        general_register(context, number) = static_cast<ULONG64>(registers[register_order[number]]);
    context.Rip = static_cast<ULONG64>(registers[REG_RIP]);
    context.EFlags = static_cast<ULONG>(registers[REG_EFL]);
    context.MxCsr = machine.uc_mcontext.fpregs->mxcsr;
    std::memcpy(context.FltSave.XmmRegisters, machine.uc_mcontext.fpregs->_xmm, sizeof context.FltSave.XmmRegisters);
    return context;
}

// The driver's registers, when the fault is the driver's: in its code, in the nothing it jumped to, or in a routine of
// ours that keeps nothing (a copy from a bad address is the caller's mistake). Reads the stack of the code that failed,
// whatever a sanitizer thinks of the place; so does the next.
[[gnu::no_sanitize_address]] std::optional<CONTEXT> driver_context(const ucontext_t& machine, const siginfo_t& info) {
    if (processor_block() == nullptr) return std::nullopt;
    const auto instruction = static_cast<std::uint64_t>(machine.uc_mcontext.gregs[REG_RIP]);
    const auto stack = static_cast<std::uint64_t>(machine.uc_mcontext.gregs[REG_RSP]);
    if (find_code_image(instruction)) return context_of(machine);
    const bool jumped = reinterpret_cast<std::uint64_t>(info.si_addr) == instruction;
    if (jumped && find_code_image(*reinterpret_cast<const std::uint64_t*>(stack))) return context_of(machine);
    const GateFrame* const gate = innermost_gate(stack);
    if (gate != nullptr && gate->target->raises) return context_of(*gate);
    return std::nullopt;
}

[[gnu::no_sanitize_address]] const void* elf_driver(const ucontext_t& machine, const siginfo_t& info) {
    const auto* const pc = reinterpret_cast<const void*>(machine.uc_mcontext.gregs[REG_RIP]);
    const auto* const stack = reinterpret_cast<const void* const*>(machine.uc_mcontext.gregs[REG_RSP]);
    return driver_of_fault(pc, *stack, info.si_addr == pc);
}

// An __except block of the routine that the host called last.
bool in_elf_try_block() {
    const ex::ThreadState& thread = ex::thread_state();
    for (const RG_SEH_FRAME* frame = thread.exceptions; frame != nullptr && frame->Owner == thread.frame;
         frame = frame->Previous)
        if (frame->Finally == FALSE) return true;
    return false;
}

// The first touch of its caller's buffer by the callback of a watched driver. Others (a service that the driver gave
// the pointer to) are let through without a word.
bool open_guarded_buffer(const ucontext_t& machine, const siginfo_t& info) {
    ex::GuardedBuffer* const buffer = ex::GuardedBuffer::find(info.si_addr);
    if (buffer == nullptr) return false;
    if (const auto context = driver_context(machine, info))
        return buffer->touch(reinterpret_cast<const void*>(context->Rip), in_try_block(*context));
    const void* const elf = elf_driver(machine, info);
    return buffer->touch(elf, in_elf_try_block());
}

bool is_privileged(const std::uint8_t* code) {
    if (code[0] == 0xF4 || (code[0] & 0xF4) == 0xE4) return true;  // hlt, in, out
    return code[0] == 0x0F && (code[1] == 0x30 || code[1] == 0x32 || code[1] == 0x20 || code[1] == 0x22 ||
                               code[1] == 0x01 || code[1] == 0x09);  // msrs, control registers, descriptor tables
}

EXCEPTION_RECORD record_of(int signal, const ucontext_t& machine) {
    const greg_t* const registers = machine.uc_mcontext.gregs;
    EXCEPTION_RECORD record{};
    record.ExceptionAddress = reinterpret_cast<PVOID>(registers[REG_RIP]);
    const auto* const code = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);
    switch (signal) {
        case SIGFPE:
            record.ExceptionCode = STATUS_INTEGER_DIVIDE_BY_ZERO;
            return record;
        case SIGILL:
            record.ExceptionCode = STATUS_ILLEGAL_INSTRUCTION;
            return record;
        case SIGBUS:
            record.ExceptionCode = STATUS_IN_PAGE_ERROR;
            break;
        default:
            record.ExceptionCode = STATUS_ACCESS_VIOLATION;
            break;
    }
    const greg_t error = registers[REG_ERR];
    record.NumberParameters = 2;
    record.ExceptionInformation[0] = (error & page_fault_execute) != 0 ? 8 : (error & page_fault_write) != 0 ? 1 : 0;
    record.ExceptionInformation[1] = static_cast<ULONG_PTR>(registers[REG_CR2]);
    if (registers[REG_TRAPNO] != general_protection) return record;
    record.ExceptionInformation[0] = 0;
    record.ExceptionInformation[1] = ~ULONG_PTR{0};
    if (ex::driver_of(code) != 0 && is_privileged(code)) {
        record.ExceptionCode = STATUS_PRIVILEGED_INSTRUCTION;
        record.NumberParameters = 0;
    }
    return record;
}

struct alignas(64) Capture {
    EXCEPTION_RECORD record;
    CONTEXT context;
    const void* elf_driver;  // null: a PE image's exception
};

extern "C" {
void rg_fault_frame();

[[noreturn]] void rg_deliver_fault(Capture* capture) {
    if (capture->elf_driver == nullptr) raise_exception(capture->record, capture->context);
    dispatch_exception(capture->record, capture->context, capture->elf_driver);
    resume_registers(capture->context);
}
}

// Where the thread goes on after a fault. To who unwinds the stack (a bug check's report does) it is a frame whose
// caller is the failed instruction, with the registers that it had: rbx points to its CONTEXT.
static_assert(offsetof(CONTEXT, Rbx) == 0x90 && offsetof(CONTEXT, Rsp) == 0x98 && offsetof(CONTEXT, Rbp) == 0xA0 &&
              offsetof(CONTEXT, R12) == 0xD8 && offsetof(CONTEXT, R15) == 0xF0 && offsetof(CONTEXT, Rip) == 0xF8);
__asm__(R"(
    .text
    .globl  rg_fault_frame
    .hidden rg_fault_frame
    .type   rg_fault_frame, @function
    .cfi_startproc
    .cfi_signal_frame
    .cfi_escape 0x0F, 4, 0x73, 0x98, 0x01, 0x06
    .cfi_escape 0x10, 16, 3, 0x73, 0xF8, 0x01
    .cfi_escape 0x10, 3, 3, 0x73, 0x90, 0x01
    .cfi_escape 0x10, 6, 3, 0x73, 0xA0, 0x01
    .cfi_escape 0x10, 12, 3, 0x73, 0xD8, 0x01
    .cfi_escape 0x10, 13, 3, 0x73, 0xE0, 0x01
    .cfi_escape 0x10, 14, 3, 0x73, 0xE8, 0x01
    .cfi_escape 0x10, 15, 3, 0x73, 0xF0, 0x01
    nop
rg_fault_frame:
    call    rg_deliver_fault
    ud2
    .cfi_endproc
    .size   rg_fault_frame, . - rg_fault_frame
)");

// The handlers of drivers run as ordinary code, not in a signal handler: the thread goes on in rg_deliver_fault(),
// below what it had on its stack.
void redirect(ucontext_t& machine, const Capture& capture) {
    greg_t* const registers = machine.uc_mcontext.gregs;
    constexpr greg_t below = 512;  // our own code's red zone, and what rg_pe_restore writes
    constexpr greg_t direction_flag = 0x400;
    const greg_t place = (registers[REG_RSP] - below - greg_t{sizeof(Capture)}) & ~greg_t{63};
    auto* const captured = new (reinterpret_cast<void*>(place)) Capture{capture};
    registers[REG_RDI] = reinterpret_cast<greg_t>(captured);
    registers[REG_RBX] = reinterpret_cast<greg_t>(&captured->context);
    registers[REG_RSP] = place;
    registers[REG_RIP] = reinterpret_cast<greg_t>(&rg_fault_frame);
    registers[REG_EFL] &= ~direction_flag;
}

// Breakpoints and assertions of drivers are told; without a debugger the driver goes on. __fastfail ends the host.
bool handle_software_interrupt(int signal, ucontext_t& machine) {
    auto& instruction = machine.uc_mcontext.gregs[REG_RIP];
    const bool image = find_code_image(static_cast<std::uint64_t>(instruction)).has_value();
    const bool driver = image || ex::driver_of(reinterpret_cast<const void*>(instruction)) != 0;
    if (signal == SIGTRAP && driver) {
        DbgBreakPoint();
        return true;
    }
    if (!image) return false;
    const auto* const code = reinterpret_cast<const std::uint8_t*>(instruction);
    if (signal != SIGSEGV || code[0] != 0xCD) return false;
    if (code[1] == 0x29) KeBugCheckEx(0x139, static_cast<ULONG_PTR>(machine.uc_mcontext.gregs[REG_RCX]), 0, 0, 0);
    if (code[1] != 0x2C) return false;
    DbgPrintEx(DPFLTR_SYSTEM_ID, DPFLTR_ERROR_LEVEL, "assertion failed at %p\n", code);
    instruction += 2;
    return true;
}

void on_fault(int signal, siginfo_t* info, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    const auto instruction = static_cast<std::uint64_t>(machine.uc_mcontext.gregs[REG_RIP]);
    if (handle_software_interrupt(signal, machine)) return;
    if (signal == SIGSEGV && open_guarded_buffer(machine, *info)) return;
    if (signal == SIGSEGV && find_code_image(instruction) &&
        emulate(machine, reinterpret_cast<std::uintptr_t>(info->si_addr)))
        return;
    const auto driver = signal != SIGTRAP ? driver_context(machine, *info) : std::nullopt;
    if (driver) return redirect(machine, {record_of(signal, machine), *driver, nullptr});
    const void* const elf = signal != SIGTRAP ? elf_driver(machine, *info) : nullptr;
    if (elf == nullptr) return pass_on(signal, info, context);
    redirect(machine, {record_of(signal, machine), context_of(machine), elf});
}

}  // namespace

void catch_faults() {
    find_code_image(0);  // its table is made here, not in a signal handler
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (std::size_t i = 0; i < std::size(caught); i++) sigaction(caught[i], &action, &before[i]);
}

}  // namespace regent::io::pe
