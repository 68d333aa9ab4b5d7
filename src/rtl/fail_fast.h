// A corrupted list stops the process (RtlFailFast). A floor above may take the report over.
#pragma once

#include <cstdint>

namespace regent::rtl {

using FailFastHook = void (*)(std::uint32_t code);
// Called instead of the plain assertion; must not return.
void set_fail_fast_hook(FailFastHook hook);

}  // namespace regent::rtl
