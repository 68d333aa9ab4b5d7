// IRQL, and what goes with it: where a watched driver may call what.
#include "ex/bugcheck.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"

namespace regent::ex::verifier {
namespace {

std::string level(KIRQL irql) {
    static constexpr const char* names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};
    return irql < 3 ? names[irql] : "IRQL " + std::to_string(irql);
}

}  // namespace

void check_irql(KIRQL most, const char* routine) {
    const DriverId driver = verified_caller();
    const KIRQL irql = thread_state().irql;
    if (driver == 0 || irql <= most) return;
    report(driver, rules::irql, std::string(routine) + " called at " + level(irql) + ", allowed up to " + level(most));
}

void check_service(const char* service) {
    if (!report_locks_held_in(service)) check_irql(PASSIVE_LEVEL, service);
}

void check_resource(const char* routine) {
    check_irql(APC_LEVEL, routine);
    const DriverId driver = verified_caller();
    if (driver == 0 || KeAreApcsDisabled()) return;
    report(driver, rules::apcs_enabled, std::string(routine) + " called outside a critical region");
}

void check_wait(KIRQL irql, bool poll) {
    const DriverId driver = verified_caller();
    if (driver == 0 || irql < DISPATCH_LEVEL || poll) return;
    report(driver, rules::wait_at_dispatch, "a wait at " + level(irql) + " that may last; the host stops");
}

void complain(DriverId driver, const Rule& rule, const std::string& text, const void* routine) {
    if (!is_verified(driver)) return report_violation(driver_name(driver) + ": " + text);
    const StackTrace stack = stack_in(driver);
    if (stack.empty()) return report_at(driver, rule, text, routine);
    report(driver, rule, text, stack);
}

}  // namespace regent::ex::verifier
