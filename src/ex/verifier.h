// The driver verifier: rules that a driver which is loaded with verification is watched by (docs/driver-verifier.md has
// the list and where each rule comes from). Whether a driver is watched is a bit of its id; while none is, every hook
// is one load and one branch, or nothing. Internally synchronised.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ex/driver_image.h"
#include "ex/stack_trace.h"
#include "ex/thread_state.h"
#include "wdk/wdm.h"

namespace regent::ex::verifier {

// `code` is the first parameter of bug check 0xC4 when the driver is to be stopped: Windows' where it has the rule.
struct Rule {
    const char* name;
    ULONG code;
};

namespace rules {
inline constexpr Rule pool_leak{"pool-leak", 0x62};
inline constexpr Rule pool_double_free{"pool-double-free", 0x13};
inline constexpr Rule pool_wrong_tag{"pool-wrong-tag", 0x16};
inline constexpr Rule pool_write_after_free{"pool-write-after-free", 0x52470001};
inline constexpr Rule pool_overrun{"pool-overrun", 0x51};
inline constexpr Rule pool_zero_size{"pool-zero-size", 0x00};
inline constexpr Rule callback_left{"callback-left", 0x52470010};
inline constexpr Rule device_left{"device-left", 0x52470011};
inline constexpr Rule link_left{"link-left", 0x52470012};
inline constexpr Rule work_item_left{"work-item-left", 0x52470013};
inline constexpr Rule notify_left{"notify-left", 0x52470014};
inline constexpr Rule worker_running{"worker-running", 0x52470015};
inline constexpr Rule timer_left{"timer-left", 0x52470016};
inline constexpr Rule irql{"irql", 0x52470020};
inline constexpr Rule irql_kept{"irql-kept", 0x52470021};
inline constexpr Rule region_kept{"region-kept", 0x52470022};
inline constexpr Rule region_not_entered{"region-not-entered", 0x3E};
inline constexpr Rule apcs_enabled{"apcs-enabled", 0x37};
inline constexpr Rule wait_at_dispatch{"wait-at-dispatch", 0x3B};
inline constexpr Rule lock_order{"lock-order", 0x1001};
inline constexpr Rule lock_recursion{"lock-recursion", 0x1000};
inline constexpr Rule lock_held_at_return{"lock-held-at-return", 0x52470030};
inline constexpr Rule lock_across_service{"lock-across-service", 0x52470031};
inline constexpr Rule callback_budget{"callback-budget", 0x52470040};
inline constexpr Rule callback_unregisters_itself{"callback-unregisters-itself", 0x52470041};
inline constexpr Rule post_status_written{"post-status-written", 0x52470042};
inline constexpr Rule object_resurrected{"object-resurrected", 0x52470043};
inline constexpr Rule buffer_outside_seh{"buffer-outside-seh", 0x52470050};
inline constexpr Rule captured_pointer_probed{"captured-pointer-probed", 0x52470051};
}  // namespace rules

struct Finding {
    std::string driver;
    std::string rule;
    std::string function;  // the driver's, where it happened: "Callback+0x1c (name)"
    std::string text;
    std::vector<std::string> stack;  // innermost first
    std::uint64_t count = 1;
    std::string line() const { return driver + ": " + rule + " in " + function + ": " + text; }
};

extern std::atomic<std::uint32_t> verified_drivers;  // loaded now
inline bool active() { return verified_drivers.load(std::memory_order_relaxed) != 0; }

// A verified driver is about to start; what was found in an earlier load of that name is forgotten.
void start(DriverId driver, ULONG callback_budget = usual_callback_budget);
// It is gone. REQUIRES: none of its code runs any more.
void end(DriverId driver);

// Adds a finding, prints it to the debugger's sink when it is new, and stops the host when the driver asked for that.
// Without a stack it is this thread's.
void report(DriverId driver, const Rule& rule, const std::string& text, const StackTrace& stack);
void report(DriverId driver, const Rule& rule, const std::string& text);
// In a routine of the driver that has no stack now.
void report_at(DriverId driver, const Rule& rule, const std::string& text, const void* routine);
// Milliseconds that a registry callback of the driver may take. REQUIRES: it is watched.
ULONG callback_budget(DriverId driver);
// The findings of the driver's newest load.
std::vector<Finding> findings(std::string_view driver);

// The driver whose routine this thread is in, when it is watched, else 0.
DriverId verified_caller();

// This thread's stack, from the innermost frame of the driver to the one that the host called.
StackTrace stack_in(DriverId driver);

// What a driver has to give back before it goes, pool apart.
enum class Resource : std::uint8_t { callback, device, link, work_item, notify };
// Remembers this thread's stack. Does nothing for a driver that is not watched.
void acquired(Resource kind, std::uint64_t key, DriverId driver, std::string text);
void released(Resource kind, std::uint64_t key);
// Reports what the driver still has, and forgets it.
void report_left(DriverId driver, Resource kind);
// The key of a resource that has a name only.
std::uint64_t key_of(std::string_view name);

// Pool. A freed block of a watched driver rests here before it goes back to the host.
void pool_allocated(void* block, ULONG type, SIZE_T size, ULONG tag, DriverId driver);
void pool_freed(void* block, void* base, SIZE_T size, ULONG tag, DriverId driver);
bool pool_freed_before(void* block);  // reported; nothing is left to free
void pool_wrong_tag(void* block, ULONG tag, ULONG used, DriverId driver);
void pool_overrun(void* block, ULONG tag, SIZE_T size, DriverId driver);
void report_pool_left(DriverId driver);

// IRQL. The driver is the one whose routine this thread is in.
void check_irql(KIRQL most, const char* routine);
void check_service(const char* service);   // a Zw routine: PASSIVE_LEVEL, no lock held
void check_resource(const char* routine);  // APCs are off, or another thread may wait for one that is suspended
void check_wait(KIRQL irql, bool poll);
inline void at_most(KIRQL most, const char* routine) {
    if (active()) [[unlikely]]
        check_irql(most, routine);
}
// What the host found fault with anyhow: a finding when the driver is watched, else a line in the debugger's sink.
void complain(DriverId driver, const Rule& rule, const std::string& text, const void* routine);

// Locks. wanted: before a lock is taken that may have to be waited for; taken: after one that was free. `kind` is kept.
void lock_wanted(const volatile void* lock, const char* kind, bool recursive);
void lock_taken(const volatile void* lock, const char* kind);
void lock_released(const volatile void* lock);
// The host's call of the driver ends; it has left IRQL or regions changed, as most locks do.
bool report_locks_kept(const DriverFrame& call);
// The same for any lock: those beyond the `before` ones that the thread held.
std::size_t locks_held();
bool report_locks_kept(const char* purpose, std::size_t before);
bool report_locks_held_in(const char* service);
void forget_locks_of(DriverId driver);
void forget_locks_in(const void* start, std::size_t size);
inline void wants(const volatile void* lock, const char* kind, bool recursive = false) {
    if (active()) [[unlikely]]
        lock_wanted(lock, kind, recursive);
}
inline void took(const volatile void* lock, const char* kind) {
    if (active()) [[unlikely]]
        lock_taken(lock, kind);
}
inline void gave_back(const volatile void* lock) {
    if (active()) [[unlikely]]
        lock_released(lock);
}

}  // namespace regent::ex::verifier
