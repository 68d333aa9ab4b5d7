// The regmon driver: loaded, told what to record, read.
#pragma once

#include <vector>

#include "event.h"
#include "shared/device.h"

namespace regent::regmon {

using app::Device;
using app::Outcome;

// Whether the driver was there already.
enum class Loaded { before, now };
// Loads the regmon driver, after making its service key if there is none.
Outcome<Loaded> load_driver();
Outcome<void> unload_driver();

struct RecordOptions {
    std::uint32_t data_bytes = 256;
    bool include_self = false;
};

// One recording: configured and started on construction.
class Recording {
public:
    static Outcome<Recording> start(const RecordOptions& options);

    // Hands what there is to the decoder; waits up to `wait_ms` for the first record. False: all is delivered.
    Outcome<bool> read(std::uint32_t wait_ms, Decoder& decoder);
    Outcome<void> stop();
    Outcome<REGMON_STATS> stats() const;

private:
    explicit Recording(Device device) : device_(std::move(device)), buffer_(1 << 18) {}

    Device device_;
    std::vector<std::byte> buffer_;
};

Outcome<REGMON_STATS> query_stats();

}  // namespace regent::regmon
