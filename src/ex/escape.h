// A call of a driver's routine that the host survives when an exception leaves the routine: what Windows before 7 did
// for registry callbacks. Without one the host stops (io/seh.h).
#pragma once

#include <csetjmp>

#include "ex/thread_state.h"

namespace regent::ex {

// Lives on the stack of whoever makes the call:
//
//     Escape escape;
//     if (setjmp(escape.back) == 0) return call(...);     // a function of its own: its frame is left without
//     destructors return escape.status;
class Escape {
public:
    Escape();
    ~Escape();
    Escape(const Escape&) = delete;
    Escape& operator=(const Escape&) = delete;

    // The calling thread's, when the routine that it is in was called inside one; else null.
    static Escape* current();
    // The thread is as it was when the call was made.
    [[noreturn]] void leave(NTSTATUS code);

    std::jmp_buf back;
    NTSTATUS status = 0;

private:
    ThreadState& thread_;
    Escape* const outer_;
    DriverFrame* const frame_;
    _RG_SEH_FRAME* const exceptions_;
    const KIRQL irql_;
    const std::int32_t critical_regions_;
    const std::int32_t guarded_regions_;
};

}  // namespace regent::ex
