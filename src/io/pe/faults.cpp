#include "io/pe/faults.h"

#include <signal.h>

#include <iterator>

#include "io/pe/machine.h"
#include "rtl/foreign_call.h"

namespace regent::io::pe {

namespace {

constexpr int caught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
struct sigaction before[std::size(caught)];

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

void on_fault(int signal, siginfo_t* info, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    const auto* const instruction = reinterpret_cast<const void*>(machine.uc_mcontext.gregs[REG_RIP]);
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (signal == SIGSEGV && rtl::is_foreign(instruction) && instruction != info->si_addr && emulate(machine, address))
        return;
    pass_on(signal, info, context);
}

}  // namespace

void catch_faults() {
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (std::size_t i = 0; i < std::size(caught); i++) sigaction(caught[i], &action, &before[i]);
}

}  // namespace regent::io::pe
