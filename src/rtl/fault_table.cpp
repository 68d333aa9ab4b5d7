#include "rtl/fault_table.h"

#include <ucontext.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <span>

namespace {

// Each address is relative to the field that holds it.
struct Entry {
    std::int32_t instruction;
    std::int32_t exit;
};

}  // namespace

// Made by the linker around the section, where there is one; hidden, so that each library sees its own.
extern "C" __attribute__((weak, visibility("hidden")))
const Entry __start_rg_fault_table[];  // NOLINT: the linker's names
extern "C" __attribute__((weak, visibility("hidden"))) const Entry __stop_rg_fault_table[];  // NOLINT

namespace regent::rtl {
namespace {

constexpr std::array<int, 2> caught{SIGSEGV, SIGBUS};
std::array<struct sigaction, caught.size()> before;

std::uintptr_t target(const std::int32_t& field) {
    return reinterpret_cast<std::uintptr_t>(&field) + static_cast<std::uintptr_t>(std::intptr_t{field});
}

bool leave_by_exit(ucontext_t& machine) {
#if defined(__x86_64__)
    auto& at = machine.uc_mcontext.gregs[REG_RIP];
#else
    auto& at = machine.uc_mcontext.pc;
#endif
    for (const Entry& entry : std::span(__start_rg_fault_table, __stop_rg_fault_table)) {
        if (target(entry.instruction) != static_cast<std::uintptr_t>(at)) continue;
        at = static_cast<std::remove_reference_t<decltype(at)>>(target(entry.exit));
        return true;
    }
    return false;
}

void on_fault(int signal, siginfo_t* info, void* context) {
    if (leave_by_exit(*static_cast<ucontext_t*>(context))) return;
    const struct sigaction& old = before[signal == caught[0] ? 0 : 1];
    if ((old.sa_flags & SA_SIGINFO) != 0) {
        old.sa_sigaction(signal, info, context);
    } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
        old.sa_handler(signal);
    } else {
        ::sigaction(signal, &old, nullptr);  // the fault comes again and ends the process
    }
}

}  // namespace

void catch_table_faults() {
    static std::once_flag installed;
    std::call_once(installed, [] {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        for (std::size_t i = 0; i < caught.size(); ++i) ::sigaction(caught[i], &action, &before[i]);
    });
}

}  // namespace regent::rtl
