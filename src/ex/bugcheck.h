// What happens when a driver breaks a rule: a bug check stops the host after a report; a violation is only reported.
#pragma once

#include <cstdint>
#include <string>

#include "wdk/wdm.h"

namespace regent::ex {

struct BugCheck {
    ULONG code = 0;
    ULONG_PTR parameters[4] = {};
    std::string driver;  // in whose routine it happened; empty: in none
    std::string text;    // the whole report, lines ended by \n
    // The exception that nobody handled and where it happened; null when it is no exception.
    const EXCEPTION_RECORD* record = nullptr;
    const CONTEXT* context = nullptr;
};

// Called with the report before the process stops; may flush and must not return into the driver. Null: none.
using BugCheckHook = void (*)(const BugCheck& check);
void set_bugcheck_hook(BugCheckHook hook);
const char* bugcheck_name(ULONG code);

// KeBugCheckEx with a line that says what happened, and the exception if it is one.
[[noreturn]] void stop_host(ULONG code, const ULONG_PTR (&parameters)[4], const std::string& detail,
                            const EXCEPTION_RECORD* record = nullptr, const CONTEXT* context = nullptr);

// Delivers an exception that a routine of the host raises to the driver that called it. Returns true when a filter said
// to continue, false when no driver called. Installed by io.
using RaiseHook = bool (*)(EXCEPTION_RECORD& record);
void set_raise_hook(RaiseHook hook);

// A rule broken without harm to the host (IRQL not restored, pool left behind): one line to the debug sink, counted.
void report_violation(const std::string& text);
std::uint64_t violation_count();

}  // namespace regent::ex
