// Privileged instructions of drivers, and KUSER_SHARED_DATA. Runs in a signal handler, on behalf of a thread that was
// in a driver's code: it holds no lock of ours.
#include <cstring>

#include "ex/thread_state.h"
#include "io/pe/machine.h"
#include "wdk/ntddk.h"

namespace regent::io::pe {

namespace {

// `mov r64, cr8`, `mov cr8, r64`, `cli`, `sti`.
bool emulate_privileged(ucontext_t& machine) {
    auto& rip = machine.uc_mcontext.gregs[REG_RIP];
    const auto* code = reinterpret_cast<const std::uint8_t*>(rip);
    if (code[0] == 0xFA || code[0] == 0xFB) {  // interrupts are not the driver's to hold back; it asks at its IRQL
        rip += 1;
        return true;
    }
    if ((code[0] & 0xF0) != 0x40 || code[1] != 0x0F || (code[2] != 0x20 && code[2] != 0x22)) return false;
    const unsigned control = (code[0] & 4u) << 1 | (code[3] >> 3 & 7u);
    const unsigned general = (code[0] & 1u) << 3 | (code[3] & 7u);
    if (control != 8) return false;
    ex::ThreadState& thread = ex::thread_state();
    if (code[2] == 0x20)
        general_register(machine, general) = thread.irql;
    else
        thread.irql = static_cast<KIRQL>(general_register(machine, general) & 15);
    rip += 4;
    return true;
}

// The page at 0xFFFFF78000000000, which inline functions of Windows' headers read: the clocks and the version.
constexpr std::uintptr_t shared_data = 0xFFFFF78000000000;
constexpr std::size_t shared_size = 0x1000;
alignas(0x1000) std::byte shared_page[shared_size];

void put_time(std::size_t offset, LONGLONG time) {
    const LONG high = static_cast<LONG>(time >> 32);
    std::memcpy(shared_page + offset, &time, sizeof time);
    std::memcpy(shared_page + offset + 8, &high, sizeof high);
}

void refresh_shared_page() {
    LARGE_INTEGER now{};
    KeQuerySystemTime(&now);
    LARGE_INTEGER ticks{};
    KeQueryTickCount(&ticks);
    put_time(0x008, static_cast<LONGLONG>(KeQueryInterruptTime()));
    put_time(0x014, now.QuadPart);
    put_time(0x320, ticks.QuadPart);
    const ULONG multiplier = KeQueryTimeIncrement() / 10000 << 24;  // milliseconds a tick, in units of 2^-24
    const ULONG version[2] = {10, 0};
    std::memcpy(shared_page + 0x004, &multiplier, sizeof multiplier);
    std::memcpy(shared_page + 0x26C, version, sizeof version);
}

// Whatever register points into the page now points into ours; the instruction runs again. A load from an absolute
// address (a0 to a3) has no register: it becomes one by hand.
bool emulate_shared_data(ucontext_t& machine, std::uintptr_t address) {
    if (address - shared_data >= shared_size) return false;
    refresh_shared_page();
    const auto ours = reinterpret_cast<std::uintptr_t>(shared_page);
    auto& rip = machine.uc_mcontext.gregs[REG_RIP];
    const auto* const code = reinterpret_cast<const std::uint8_t*>(rip);
    const bool wide = code[0] == 0x48;
    if (code[wide ? 1 : 0] == 0xA1) {
        std::uint64_t value = 0;
        std::memcpy(&value, shared_page + (address - shared_data), wide ? 8 : 4);
        general_register(machine, 0) = static_cast<greg_t>(value);
        rip += wide ? 10 : 9;
        return true;
    }
    bool moved = false;
    for (unsigned number = 0; number < 16; number++) {
        greg_t& value = general_register(machine, number);
        const std::uintptr_t offset = static_cast<std::uintptr_t>(value) - shared_data;
        if (offset >= shared_size) continue;
        value = static_cast<greg_t>(ours + offset);  // NOLINT(bugprone-misplaced-widening-cast): of one size
        moved = true;
    }
    return moved;
}

}  // namespace

bool emulate(ucontext_t& machine, std::uintptr_t fault_address) {
    return emulate_shared_data(machine, fault_address) || emulate_privileged(machine);
}

}  // namespace regent::io::pe
