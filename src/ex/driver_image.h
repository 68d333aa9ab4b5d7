// The address ranges of loaded drivers: how ex tells whose pool block, work item, timer or faulting routine it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace regent::ex {

using DriverId = std::uint32_t;  // 0: the host itself

// Registers [start, start + size) as the driver `name`; the id is never used again for another load.
DriverId add_driver_image(std::string name, const void* start, std::size_t size);
// Ends the range's claim on addresses; ids and names stay known for reports.
void remove_driver_image(DriverId id);
DriverId driver_of(const void* address);
// "regmon" for a known id, "host" for 0.
std::string driver_name(DriverId id);

}  // namespace regent::ex
