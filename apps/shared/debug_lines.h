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

}  // namespace regent::app
