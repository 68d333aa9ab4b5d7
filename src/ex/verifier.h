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
void start(DriverId driver);
// It is gone. REQUIRES: none of its code runs any more.
void end(DriverId driver);

// Adds a finding, prints it to the debugger's sink when it is new, and stops the host when the driver asked for that.
// Without a stack it is this thread's.
void report(DriverId driver, const Rule& rule, const std::string& text, const StackTrace& stack);
void report(DriverId driver, const Rule& rule, const std::string& text);
// In a routine of the driver that has no stack now.
void report_at(DriverId driver, const Rule& rule, const std::string& text, const void* routine);
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

}  // namespace regent::ex::verifier
