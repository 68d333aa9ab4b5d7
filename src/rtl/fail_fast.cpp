#include "rtl/fail_fast.h"

#include <cstdlib>

#include "rtl/assert.h"
#include "wdk/wdm.h"

namespace regent::rtl {
namespace {
constinit FailFastHook fail_fast_hook = nullptr;
}

void set_fail_fast_hook(FailFastHook hook) { fail_fast_hook = hook; }

}  // namespace regent::rtl

extern "C" VOID RtlFailFast(ULONG Code) {
    if (regent::rtl::fail_fast_hook != nullptr) regent::rtl::fail_fast_hook(Code);
    regent::rtl::assertion_failed("RtlFailFast", "corrupted list entry", static_cast<int>(Code));
}
