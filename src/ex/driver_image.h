// The address ranges of loaded drivers: how ex tells whose pool block, work item, timer or faulting routine it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace regent::ex {

using DriverId = std::uint32_t;  // 0: the host itself

// How the verifier (verifier.h) watches a driver. It is a part of the driver's id, so that whoever has the id knows.
enum class Verify : std::uint8_t { off, report, stop };
inline constexpr DriverId verified_bit = 0x80000000;
inline constexpr DriverId stop_bit = 0x40000000;
inline constexpr std::uint32_t usual_callback_budget = 100;  // milliseconds that the verifier lets a callback take
inline bool is_verified(DriverId id) { return (id & verified_bit) != 0; }

// Registers [start, start + size) as the driver `name`; the id is never used again for another load.
DriverId add_driver_image(std::string name, const void* start, std::size_t size, Verify verify = Verify::off);
// Ends the range's claim on addresses; ids and names stay known for reports.
void remove_driver_image(DriverId id);
DriverId driver_of(const void* address);
// Where a driver's image starts; 0 when it is gone.
std::uintptr_t driver_start(DriverId id);
// "regmon" for a known id, "host" for 0.
std::string driver_name(DriverId id);

struct DriverImage {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    char name[32] = {};  // cut when it is longer
};
// Takes no lock and no memory: for reports of crashes.
void for_each_driver_image(void (*visit)(void* argument, const DriverImage& image), void* argument);

}  // namespace regent::ex
