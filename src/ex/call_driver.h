// The one way from host code into driver code. It records where the thread is for reports and checks what the driver
// must leave as it was: IRQL and regions.
#pragma once

#include "ex/thread_state.h"
#include "rtl/foreign_call.h"

namespace regent::ex {

// Enters a driver frame for a scope; the destructor checks and repairs IRQL and region counts.
class DriverCall {
public:
    DriverCall(const void* routine, const char* purpose)
        : thread_(thread_state()),
          frame_{routine, purpose, thread_.frame},
          irql_(thread_.irql),
          critical_regions_(thread_.critical_regions),
          guarded_regions_(thread_.guarded_regions) {
        thread_.frame = &frame_;
    }
    ~DriverCall() {
        thread_.frame = frame_.previous;
        // Each by itself: a comparison of all in one word, which compilers make of plain ones, waits for the three
        // stores that the word was written by.
        const auto changed = static_cast<std::uint32_t>(thread_.irql ^ irql_) |
                             static_cast<std::uint32_t>(thread_.critical_regions ^ critical_regions_) |
                             static_cast<std::uint32_t>(thread_.guarded_regions ^ guarded_regions_);
        if (changed != 0) [[unlikely]]
            repair();
    }
    DriverCall(const DriverCall&) = delete;
    DriverCall& operator=(const DriverCall&) = delete;

private:
    void repair();

    ThreadState& thread_;
    DriverFrame frame_;
    KIRQL irql_;
    std::int32_t critical_regions_;
    std::int32_t guarded_regions_;
};

// call_driver("IRP_MJ_READ", routine, device, irp) is routine(device, irp) inside a DriverCall, in the calling
// convention of the routine's image.
template <typename R, typename... P, typename... A>
[[gnu::always_inline]] inline R call_driver(const char* purpose, R (*routine)(P...), A... arguments) {
    DriverCall call(reinterpret_cast<const void*>(routine), purpose);
    return rtl::call_routine(routine, arguments...);
}

// The innermost driver routine this thread is in; null outside drivers.
inline const DriverFrame* current_driver_frame() { return thread_state().frame; }

}  // namespace regent::ex
