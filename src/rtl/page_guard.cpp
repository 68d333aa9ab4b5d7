#include "rtl/page_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace regent::rtl {

namespace {

// Read by the handler: a slot's range is published by `end`, and a thread faults only in a range that is in use.
struct Slot {
    std::atomic<bool> taken = false;
    std::atomic<std::uintptr_t> begin = 0;
    std::atomic<std::uintptr_t> end = 0;
    std::atomic<std::atomic<bool>*> lost = nullptr;
};
std::array<Slot, 4096> slots;
struct sigaction before;
std::uintptr_t system_page = 4096;

bool replace_page(std::uintptr_t address) {
    for (Slot& slot : slots) {
        if (address >= slot.end.load(std::memory_order_acquire) || address < slot.begin.load()) continue;
        void* const page = reinterpret_cast<void*>(address / system_page * system_page);
        constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        if (::mmap(page, system_page, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) return false;
        slot.lost.load()->store(true);
        return true;
    }
    return false;
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
    const int saved = errno;
    const bool replaced = replace_page(reinterpret_cast<std::uintptr_t>(info->si_addr));
    errno = saved;
    if (replaced) return;
    if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
        before.sa_sigaction(signal, info, context);
    } else {
        ::sigaction(SIGBUS, &before, nullptr);  // the fault comes again, to where it would have gone
    }
}

void install() {
    system_page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGBUS, &action, &before);
}

}  // namespace

void PageGuard::watch(std::byte* begin, std::size_t size) {
    static std::once_flag installed;
    std::call_once(installed, install);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        Slot& slot = slots[i];
        if (slot.taken.exchange(true)) continue;
        slot.lost.store(&lost_);
        slot.begin.store(reinterpret_cast<std::uintptr_t>(begin));
        slot.end.store(reinterpret_cast<std::uintptr_t>(begin) + size, std::memory_order_release);
        slot_ = static_cast<int>(i);
        return;
    }
}

void PageGuard::stop() {
    if (slot_ < 0) return;
    Slot& slot = slots[static_cast<std::size_t>(slot_)];
    slot.end.store(0, std::memory_order_release);
    slot.taken.store(false);
    slot_ = -1;
}

}  // namespace regent::rtl
