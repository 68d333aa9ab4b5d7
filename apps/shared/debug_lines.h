// What drivers and their host print to the debugger, read through its device; readable by administrators.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/device.h"
// The device's interface is plain C over the types of the header above.
#include "regent/dbgview.h"

namespace regent::app {

struct DebugLine {
    DBGVIEW_LINE head;
    std::string text;
};

// The lines not read yet, oldest first.
class DebugLines {
public:
    static Outcome<DebugLines> open();
    // What was printed before is not read.
    static Outcome<DebugLines> open_at_end();
    Outcome<std::vector<DebugLine>> read(std::uint32_t wait_ms);
    std::uint64_t lost() const { return lost_; }

private:
    explicit DebugLines(Device device) : device_(std::move(device)), buffer_(1 << 17) {}

    Device device_;
    std::vector<std::byte> buffer_;
    std::uint64_t after_ = 0;
    std::uint64_t lost_ = 0;
};

// What the host printed about the driver `name` since the last read: why it refused it. Empty: nothing.
std::string words_about_driver(DebugLines& lines, const std::string& name);

// What the verifier found in a driver since its last load, as far as the lines reach back.
class VerifierLines {
public:
    explicit VerifierLines(std::string driver) : start_("verifier: " + std::move(driver) + ": ") {}
    void read(DebugLines& lines);
    bool watched() const { return watched_; }  // loaded with verification, and not gone
    // A line for each finding, its stack below it, indented.
    const std::vector<std::string>& lines() const { return found_; }
    std::size_t findings() const;

private:
    std::string start_;
    std::vector<std::string> found_;
    bool watched_ = false;
    bool in_finding_ = false;
};

}  // namespace regent::app
