// What ex needs to know from the floors above it. ob installs the hooks once, before the first driver or worker runs;
// without them every caller is kernel mode in one process. Internally synchronised: an atomic pointer.
#pragma once

#include <cstdint>

#include "wdk/wdm.h"

namespace regent::ex {

struct Hooks {
    // Runs body(argument) as a thread of the System process, previous mode Kernel. Used by every thread ex makes.
    void (*run_as_system)(void (*body)(void*), void* argument) = nullptr;
    KPROCESSOR_MODE (*previous_mode)() = nullptr;
    PKTHREAD (*current_thread)() = nullptr;  // same pointer as PsGetCurrentThread
    std::uint32_t (*current_process_id)() = nullptr;
    // Makes `process` the current one for handle lookups; the answer is given back to detach_process.
    PVOID (*attach_process)(PKPROCESS process) = nullptr;
    void (*detach_process)(PVOID previous) = nullptr;
};

// `hooks` must live as long as the process.
void set_hooks(const Hooks* hooks);
const Hooks& hooks();

// Runs body(argument) through run_as_system, or plainly when there is no hook.
void run_as_system(void (*body)(void*), void* argument);

}  // namespace regent::ex
