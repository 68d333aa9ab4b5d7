// A page of a mapped file that cannot be read (the disk fails, or another program cut the file) arrives as SIGBUS,
// which ends the process. In a guarded range the page reads as zeros instead, and a flag says that this happened.
//
// The first guard installs a SIGBUS handler for the process; faults outside guarded ranges go on to the handler that
// was there before. A program that installs its own afterwards takes the protection away.
#pragma once

#include <atomic>
#include <cstddef>

namespace regent::rtl {

class PageGuard {
public:
    PageGuard() = default;
    ~PageGuard() { stop(); }
    PageGuard(const PageGuard&) = delete;
    PageGuard& operator=(const PageGuard&) = delete;

    // REQUIRES: not called before; the range stays mapped as long as this lives. Beyond 4096 guards at once there is no
    // protection.
    void watch(std::byte* begin, std::size_t size);
    void stop();  // before the range is unmapped
    bool lost() const { return lost_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> lost_ = false;
    int slot_ = -1;
};

}  // namespace regent::rtl
