// Whose mistake is a fault: an ELF driver's when it happened in the driver's code, where that jumped to, or in a
// routine that the driver called and that holds nothing when it faults.
#include <dlfcn.h>
#include <unwind.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "ex/driver_image.h"
#include "io/seh.h"

namespace regent::io {

bool raises_for_its_caller(std::string_view name) {
    for (const std::string_view prefix : {"Rtl", "Probe", "MmProbe"})
        if (name.starts_with(prefix)) return true;
    return false;
}

namespace {

struct Walk {
    const void* fault;
    bool reached = false;          // the frames before are the signal's
    const void* callee = nullptr;  // the frame that the driver called
    const void* driver = nullptr;
};

_Unwind_Reason_Code visit(_Unwind_Context* frame, void* argument) {
    auto& walk = *static_cast<Walk*>(argument);
    const auto* const pc = reinterpret_cast<const void*>(_Unwind_GetIP(frame));
    walk.reached |= pc == walk.fault;
    if (!walk.reached) return _URC_NO_REASON;
    if (ex::driver_of(pc) != 0) {
        walk.driver = pc;
        return _URC_END_OF_STACK;
    }
    walk.callee = pc;
    return _URC_NO_REASON;
}

// The C library and the sanitizers' part of it (copies, comparisons), or a routine of ours by its name.
bool may_fault(const void* callee) {
    Dl_info theirs{};
    Dl_info ours{};
    if (dladdr(callee, &theirs) == 0 || dladdr(reinterpret_cast<const void*>(&raises_for_its_caller), &ours) == 0)
        return false;
    if (theirs.dli_fbase != ours.dli_fbase) return true;
    return theirs.dli_sname != nullptr && raises_for_its_caller(theirs.dli_sname);
}

}  // namespace

const void* driver_of_fault(const void* pc, const void* return_address, bool jumped) {
    if (!in_elf_driver()) return nullptr;
    if (ex::driver_of(pc) != 0) return pc;
    if (jumped) return ex::driver_of(return_address) != 0 ? return_address : nullptr;
    Walk walk{pc};
    _Unwind_Backtrace(visit, &walk);
    return walk.driver != nullptr && walk.callee != nullptr && may_fault(walk.callee) ? walk.driver : nullptr;
}

}  // namespace regent::io
