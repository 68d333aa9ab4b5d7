// What stands between an Nt* or Zw* entry and a service: the gate chosen for this process, the guard against
// exceptions, the scope of kernel mode.
#pragma once

#include <atomic>
#include <new>

#include "ex/verifier.h"
#include "nt/ntstatus.h"
#include "nt/service.h"
#include "ob/process.h"
#include "ob/token_object.h"

namespace regent::nt {

// Where Nt* calls of this process go: a table, or the reason why there is none.
struct Gate {
    const ServiceTable* table;
    NTSTATUS failure;
};

// Chooses the gate at the first Nt* call of a process that has not chosen one itself. The floor above installs it.
using GateResolver = Gate (*)();
void set_gate_resolver(GateResolver resolver);

// Sends the Nt* calls of this process to `table` from now on; null forgets the choice.
void set_gate(const ServiceTable* table);

namespace detail {
extern std::atomic<const ServiceTable*> gate_table;
Gate resolve_gate();
}  // namespace detail

inline Gate current_gate() {
    const ServiceTable* table = detail::gate_table.load(std::memory_order_acquire);
    if (table != nullptr) [[likely]]
        return {table, 0};
    return detail::resolve_gate();
}

// Runs `service`; no memory becomes a status here and nowhere else. The token it begins with stays until it ends.
template <typename Service>
NTSTATUS guarded(ServiceNumber, Service service) {
    try {
        const Ref<se::Token> held = ob::hold_impersonation();
        return service();
    } catch (const std::bad_alloc&) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
}

// Zw*: previous mode Kernel until the end of the scope, then what it was.
class KernelModeScope {
public:
    explicit KernelModeScope(const char* service) : scope_(ob::kernel_mode) {
        if (ex::verifier::active()) [[unlikely]]
            ex::verifier::check_service(service);
    }

private:
    ob::CallerScope scope_;
};

}  // namespace regent::nt
