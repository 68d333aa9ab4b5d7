// The registers of a stopped thread, by the numbers that instructions and unwind codes use.
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace regent::io::pe {

inline constexpr int register_order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

inline greg_t& general_register(ucontext_t& machine, unsigned number) {
    return machine.uc_mcontext.gregs[register_order[number & 15]];
}

// An instruction that only the kernel may execute (CR8 is the IRQL), or a look at the page that Windows shares with
// every process: done here, and the thread goes on. False: something else stopped it.
bool emulate(ucontext_t& machine, std::uintptr_t fault_address);

}  // namespace regent::io::pe
