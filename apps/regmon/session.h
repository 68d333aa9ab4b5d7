// The devices that regmon reads: the regmon driver's and the debugger's lines.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "event.h"
#include "regent/dbgview.h"

namespace regent::regmon {

// What went wrong, in one line.
template <typename T>
using Outcome = std::expected<T, std::string>;

// An open device handle.
class Device {
public:
    Device() = default;
    ~Device();
    Device(Device&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    Device& operator=(Device&&) = delete;

    static Outcome<Device> open(const char16_t* name);
    // The bytes answered.
    Outcome<std::size_t> control(std::uint32_t code, rtl::Bytes input, rtl::MutableBytes output) const;

private:
    void* handle_ = nullptr;
};

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

// Debugger lines after `after`; moves it on. Waits up to `wait_ms` for the first.
struct DebugLine {
    DBGVIEW_LINE head;
    std::string text;
};
class DebugLines {
public:
    static Outcome<DebugLines> open();
    Outcome<std::vector<DebugLine>> read(std::uint32_t wait_ms);
    std::uint64_t lost() const { return lost_; }

private:
    explicit DebugLines(Device device) : device_(std::move(device)), buffer_(1 << 17) {}

    Device device_;
    std::vector<std::byte> buffer_;
    std::uint64_t after_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace regent::regmon
