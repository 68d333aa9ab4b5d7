// What the experiments share: a temporary store, a driver loaded by its service key, a workload that counts for itself.
// All calls are Zw*: the executive is in this process, and the lab works for every user of this machine.
#pragma once

#include <cstdint>
#include <string>

#include "nt/ntdef.h"
#include "rtl/utf16.h"

// The contract's C header uses these words of ntdef.h.
#include "regent/experiments.h"

namespace regent::app {

// An executive on a store of its own, removed at the end.
class LabStore {
public:
    LabStore() = default;
    ~LabStore();
    LabStore(const LabStore&) = delete;
    LabStore& operator=(const LabStore&) = delete;
    bool boot();  // false: said why

private:
    std::string directory_;
};

// One driver of drivers/, from load to unload.
class LabDriver {
public:
    LabDriver(std::string name, std::string device) : name_(std::move(name)), device_(std::move(device)) {}
    ~LabDriver();
    LabDriver(const LabDriver&) = delete;
    LabDriver& operator=(const LabDriver&) = delete;

    // Parameters are written before load(). Each returns false after saying why.
    bool set_parameter(const std::string& value, const std::string& text);
    bool set_parameter(const std::string& value, ULONG number);
    bool load();
    bool unload();
    bool query(EXPERIMENT_COUNTS& counts) const;
    HANDLE open_device() const;

private:
    bool set(const std::string& key, const std::string& value, ULONG type, const void* data, std::size_t size);
    std::string key() const;

    std::string name_;
    std::string device_;
    bool loaded_ = false;
};

// What the workload's threads did, counted by them.
struct WorkloadCounts {
    std::uint64_t operations = 0;  // registry calls that reach a filter: creates, sets, closes
    std::uint64_t values_written = 0;
    std::uint64_t creates = 0;
    std::uint64_t failed_creates = 0;
    std::uint64_t failed_in_classes = 0;  // below \Registry\Machine\Software\Classes
    std::uint64_t unexpected = 0;         // calls that did not end as planned
};
// `threads` threads at once create keys and set values below Software and Software\Classes; some creates fail.
WorkloadCounts run_workload(int threads, int rounds);
// One failing create; false when it did not fail as planned.
bool failing_create(const Utf16& path);

HANDLE create_key(const std::string& path);

}  // namespace regent::app
