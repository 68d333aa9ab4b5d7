// Calls into machine code that follows Windows' x64 calling convention: the routines of drivers loaded as PE images.
// All such code lies in one range of addresses, so one comparison tells it from ours. The PE loader (io) owns the
// range.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace regent::rtl {

// `size` is written last and read first: while it is 0, no PE image was ever loaded and the rest means nothing.
struct ForeignCode {
    std::atomic<std::size_t> size{0};
    std::atomic<std::uintptr_t> start{0};
    void (*enter)() = nullptr;  // readies the calling thread; called before each call into the range
    // Who called the routine of ours whose return address is `address`: `address` itself, or, when that is the gate
    // between the conventions, the driver's instruction behind it.
    const void* (*caller)(const void* address) = nullptr;
};
extern constinit ForeignCode foreign_code;

inline bool is_foreign(const void* address) {
    const std::size_t size = foreign_code.size.load(std::memory_order_acquire);
    return reinterpret_cast<std::uintptr_t>(address) - foreign_code.start.load(std::memory_order_relaxed) < size;
}

inline const void* driver_caller(const void* return_address) {
    if (foreign_code.size.load(std::memory_order_acquire) == 0) return return_address;
    return foreign_code.caller(return_address);
}

// routine(arguments...), in the convention of the image that holds it.
template <typename R, typename... P, typename... A>
R call_routine(R (*routine)(P...), A... arguments) {
#if defined(__x86_64__)
    if (is_foreign(reinterpret_cast<const void*>(routine))) [[unlikely]] {
        using MsRoutine = R(__attribute__((ms_abi))*)(P...);
        foreign_code.enter();
        return reinterpret_cast<MsRoutine>(routine)(arguments...);
    }
#endif
    return routine(arguments...);
}

}  // namespace regent::rtl
