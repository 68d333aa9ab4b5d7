// A user's buffer as a watched driver's callback sees it: at another address, whose first touch is noticed. NT gives a
// driver the user's own pointer, which may be bad at any moment, so that it must be touched inside __try.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace regent::ex {

// One slot of a range of addresses. A slot belongs to one operation; only its thread uses it.
class GuardedBuffer {
public:
    static constexpr std::size_t largest = 64 * 1024;

    // Null when all are in use: then the operation goes unwatched.
    static GuardedBuffer* claim();
    void release();
    // The slot that holds the address and is armed by the calling thread. For signal handlers.
    static GuardedBuffer* find(const void* address);

    // From here on the first touch is noticed. Returns where the driver is to look. REQUIRES: size <= largest.
    void* arm(void* users, std::size_t size);
    // What the driver wrote goes to the user's buffer. Returns the instruction of the first touch outside __try, or
    // null.
    const void* disarm();

    // In the handler of the fault: makes the contents readable and writable. False: the user's memory is bad, the fault
    // is the driver's to handle.
    bool touch(const void* instruction, bool inside_try);

private:
    std::atomic<std::uint32_t> owner_{0};  // the thread that armed it; 0: not armed
    std::atomic<bool> claimed_{false};
    void* users_ = nullptr;
    std::size_t size_ = 0;
    bool open_ = false;
    const void* outside_ = nullptr;

    std::byte* memory() const;
};

}  // namespace regent::ex
