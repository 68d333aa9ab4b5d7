#include "ex/rundown.h"

#include "ex/futex.h"

namespace {
constexpr ULONG_PTR active = 1;
constexpr ULONG_PTR one_holder = 2;
}  // namespace

extern "C" {

VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) { __atomic_store_n(&RunRef->Count, 0, __ATOMIC_RELEASE); }

VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) { ExInitializeRundownProtection(RunRef); }

BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
    ULONG_PTR value = __atomic_load_n(&RunRef->Count, __ATOMIC_RELAXED);
    do {
        if ((value & active) != 0) return FALSE;
    } while (!__atomic_compare_exchange_n(&RunRef->Count, &value, value + one_holder * Count, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return TRUE;
}

BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef) { return ExAcquireRundownProtectionEx(RunRef, 1); }

VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
    const ULONG_PTR left = __atomic_sub_fetch(&RunRef->Count, one_holder * Count, __ATOMIC_ACQ_REL);
    if (left == active) regent::ex::futex_wake(regent::ex::low_half(&RunRef->Count));
}

VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef) { ExReleaseRundownProtectionEx(RunRef, 1); }

VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef) { __atomic_store_n(&RunRef->Count, active, __ATOMIC_RELEASE); }

VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef) {
    ULONG_PTR value = __atomic_or_fetch(&RunRef->Count, active, __ATOMIC_ACQ_REL);
    while (value != active) {
        regent::ex::futex_wait(regent::ex::low_half(&RunRef->Count), static_cast<std::uint32_t>(value));
        value = __atomic_load_n(&RunRef->Count, __ATOMIC_ACQUIRE);
    }
}

}  // extern "C"
