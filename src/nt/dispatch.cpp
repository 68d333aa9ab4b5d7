#include "nt/dispatch.h"

#include "rtl/fault_table.h"

namespace regent::nt {

namespace detail {
std::atomic<const ServiceTable*> gate_table;
}

namespace {
std::atomic<GateResolver> gate_resolver;
}

void set_gate_resolver(GateResolver resolver) { gate_resolver.store(resolver, std::memory_order_release); }

void set_gate(const ServiceTable* table) {
    rtl::catch_table_faults();  // the entries probe their callers' pointers
    detail::gate_table.store(table, std::memory_order_release);
}

Gate detail::resolve_gate() {
    const GateResolver resolver = gate_resolver.load(std::memory_order_acquire);
    // A program without the upper floors (a test of this one) talks to its own executive.
    if (resolver == nullptr) {
        rtl::catch_table_faults();
        return {&local_table(), STATUS_SUCCESS};
    }
    return resolver();
}

}  // namespace regent::nt
