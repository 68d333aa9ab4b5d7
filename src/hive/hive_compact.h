// Compaction in place: a compact copy of the whole hive beside its file, in short steps as a save makes it, takes the
// file's place; then memory follows. Every cell moves, no key, value or descriptor changes. Crash-safe: until the
// rename the old file and its logs are the hive, from then on the new file, which is clean and has all of it.
//
// The caller's part (cm/key_files.cpp), with the hive's lock:
//     shared, repeatedly:            step()       until it says true
//     none:                          finish()
//     writers kept out, readers not: publish()    false: the hive has changed since, begin again with step()
//     exclusive:                     adopt()      and moved() for every cell index that the caller keeps
// Two compactions of one hive at once: the second answers SHARING_VIOLATION.
#pragma once

#include <memory>

#include "hive/hive.h"

namespace regent::hive {

class HiveCompaction {
public:
    explicit HiveCompaction(rtl::Env& env);
    ~HiveCompaction();  // takes the copy away unless it became the hive's file
    HiveCompaction(const HiveCompaction&) = delete;
    HiveCompaction& operator=(const HiveCompaction&) = delete;

    // ERRORS: MEDIA_WRITE_PROTECTED, NOT_SUPPORTED (a hive without a file), REGISTRY_CORRUPT, SHARING_VIOLATION, those
    // of Env and File.
    Result<bool> step(const Hive& hive);
    // The hive has changed too often: keep writers out from the first step() to publish(), else this never ends.
    bool impatient() const;
    Result<void> finish();
    // ERRORS: as step; REGISTRY_IO_FAILED when it is not known which file a crash would leave: the hive is read-only
    // from then on.
    Result<bool> publish(Hive& hive);
    void adopt(Hive& hive);                // never fails. REQUIRES: publish() said true, no change since
    CellIndex moved(CellIndex key) const;  // where a key is after adopt()

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace regent::hive
