// What one filter did to each operation, seen by two probes: one directly above its altitude, one directly below.
#pragma once

#include <string>

#include "nt/ntdef.h"

namespace regent::app {

// Watches the callback at `altitude` while it lives, and prints a line for each operation that the callback changed:
// refused, bypassed, answered with another status, output or object. Probes are callbacks themselves: two filters side
// by side may each have their own.
class FilterTrace {
public:
    explicit FilterTrace(const std::string& altitude);
    ~FilterTrace();
    FilterTrace(const FilterTrace&) = delete;
    FilterTrace& operator=(const FilterTrace&) = delete;
    bool watching() const { return upper_.QuadPart != 0 && lower_.QuadPart != 0; }

private:
    static NTSTATUS above(PVOID context, PVOID argument1, PVOID argument2);
    static NTSTATUS below(PVOID context, PVOID argument1, PVOID argument2);
    std::string altitude_;
    LARGE_INTEGER upper_{};
    LARGE_INTEGER lower_{};
};

// The decimals next to `altitude`, with room for none between but the altitude itself: "370010" is between
// "370009.9999999999" and "370010.0000000001".
std::string altitude_above(const std::string& altitude);
std::string altitude_below(const std::string& altitude);

}  // namespace regent::app
