// A save in short steps, so that the hive's lock is never held for long: a waiting writer gets in between two steps,
// and the save begins anew, until it is impatient. Externally synchronised; the hive's lock is held (shared, or as a
// lock that keeps writers out and readers not) for step() only.
#pragma once

#include <cstdint>
#include <memory>

#include "hive/hive.h"

namespace regent::hive {

class HiveSave {
public:
    HiveSave(rtl::File& out, Format format);
    ~HiveSave();
    HiveSave(const HiveSave&) = delete;
    HiveSave& operator=(const HiveSave&) = delete;

    // Writes a part of the subtree at `key`; true when that was all. When the hive has changed since the step before,
    // the save begins anew; the third time it goes through in one step. ERRORS: as Hive::save_subtree.
    Result<bool> step(const Hive& hive, CellIndex key);
    // The hive has changed too often: keep writers out, and readers not, from the next step() to the last.
    bool impatient() const;
    // After step() said true: makes what was written durable, and a hive.
    Result<void> finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace regent::hive
