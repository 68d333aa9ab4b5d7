// What happens when a driver breaks a rule: a bug check stops the host after a report; a violation is only reported.
#pragma once

#include <cstdint>
#include <string>

#include "wdk/wdm.h"

namespace regent::ex {

struct BugCheck {
    ULONG code = 0;
    ULONG_PTR parameters[4] = {};
    std::string text;  // the whole report, lines ended by \n
};

// Called with the report before the process stops; may flush and must not return into the driver. Null: none.
using BugCheckHook = void (*)(const BugCheck& check);
void set_bugcheck_hook(BugCheckHook hook);
const char* bugcheck_name(ULONG code);

// A rule broken without harm to the host (IRQL not restored, pool left behind): one line to the debug sink, counted.
void report_violation(const std::string& text);
std::uint64_t violation_count();

}  // namespace regent::ex
