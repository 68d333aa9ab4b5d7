// What differs in meaning between two hives: keys, values (type, data), spelling of names, classes, flags, descriptors.
// How a hive lays its content out, the order of values, the root's name and its flags of being a root are no
// difference.
#pragma once

#include <optional>
#include <vector>

#include "hive/hive.h"

namespace regent::hive {

enum class Change : std::uint8_t { removed, added, changed };
enum class Aspect : std::uint8_t { key, value, name, class_name, flags, security, time };
const char* to_string(Change change);
const char* to_string(Aspect aspect);

// One difference. A key that is only in one hive stands for all below it.
struct Difference {
    Change change;
    Aspect aspect;
    const std::vector<Utf16>* path;  // names from the root down to the key
    // aspect value: the value in either hive (absent when added, removed).
    std::optional<ValueRef> before, after;
    // other aspects: the key in either hive.
    CellIndex key_before, key_after;
};

class DiffSink {
public:
    virtual ~DiffSink() = default;
    virtual void report(const Difference& difference) = 0;
};

struct DiffOptions {
    bool times = false;  // last-write times too
};

// Reads both hives; values that share a name (loaders accept that) are compared in their order.
void compare(const Hive& before, const Hive& after, const DiffOptions& options, DiffSink& sink);

}  // namespace regent::hive
