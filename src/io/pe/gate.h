// The gate from drivers in PE images into the host: Windows' x64 calling convention on one side, System V's on the
// other. Each import of an image is bound to a stub that loads the address of its Export and jumps to the gate. The
// gate saves every register that Windows' convention keeps, so that the caller's whole state is known while the host
// works: exceptions raised inside the host are delivered to the driver's frame from it (ADR 0011).
#pragma once

#include <cstddef>
#include <cstdint>

namespace regent::io::pe {

// A routine of the host as drivers reach it. `target` takes its arguments by System V's convention, each in one 64-bit
// slot of the integer class.
struct Export {
    const void* target;
    std::int32_t stack_arguments;  // those after the sixth; -1: target(const std::uint64_t* arguments)
    bool raises;                   // holds no lock and no memory when it faults: the fault is the caller's exception
    const char* name;
};
static_assert(offsetof(Export, stack_arguments) == 8);

struct alignas(16) Xmm {
    std::uint64_t low;
    std::uint64_t high;
};

// What the gate keeps on the stack during a call; the assembler knows the offsets.
struct GateFrame {
    GateFrame* previous;
    const Export* target;
    Xmm xmm6_to_15[10];
    std::uint64_t reserved_0xb0;
    std::uint64_t r15;
    std::uint64_t r14;
    std::uint64_t r13;
    std::uint64_t r12;
    std::uint64_t rsi;
    std::uint64_t rdi;
    std::uint64_t rbx;
    std::uint64_t rbp;
    std::uint64_t return_address;
    std::uint64_t arguments[4];  // the caller's stack from here on: these are spilled, the others follow
};
static_assert(offsetof(GateFrame, r15) == 0xB8 && offsetof(GateFrame, return_address) == 0xF8);
static_assert(offsetof(GateFrame, arguments) == 0x100);

struct ActiveHandler;

// What GS points to while a thread may run a driver's code: the processor block, as far as drivers read it, and ours.
struct alignas(64) ProcessorBlock {
    std::byte reserved_0x000[0x18];
    const ProcessorBlock* self;
    const void* current_processor;  // the block at 0x180
    std::byte reserved_0x028[0x160];
    void* current_thread;  // gs:[188h]
    std::byte reserved_0x190[0xE70];
    GateFrame* top;                     // innermost call into the host
    ActiveHandler* handlers = nullptr;  // innermost call of an exception's handler
};
static_assert(offsetof(ProcessorBlock, current_thread) == 0x188 && offsetof(ProcessorBlock, top) == 0x1000);

// The calling thread's block; null when it never ran a driver's code.
ProcessorBlock* processor_block();
// Makes the block and points GS to it, once a thread; then tells it the current thread. Before each call into an image.
void enter_foreign_code();
// foreign_code.caller: the instruction behind the gate.
const void* caller_behind_gate(const void* return_address);

extern "C" {
void rg_pe_gate();         // jumped to with r11 = the Export
void rg_pe_gate_return();  // where a routine of the host returns to
}

// Writes the stub of an export: load its address, jump to the gate.
inline constexpr std::size_t stub_size = 24;
void write_stub(std::byte* where, const Export& target);

}  // namespace regent::io::pe
