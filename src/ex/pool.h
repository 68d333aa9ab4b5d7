// The tagged pool's ledger: who has what. Blocks themselves come from ExAllocatePool*.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ex/driver_image.h"
#include "wdk/wdm.h"

namespace regent::ex {

struct PoolUsage {
    DriverId driver = 0;
    ULONG tag = 0;
    std::uint64_t blocks = 0;  // in use now
    std::uint64_t bytes = 0;
    std::uint64_t allocations = 0;  // ever
    std::uint64_t frees = 0;
};

// One row for each driver and tag that ever allocated, but for those forgotten.
std::vector<PoolUsage> pool_usage();
// Rows of one driver with blocks in use: what an unloading driver left behind.
std::vector<PoolUsage> pool_left_by(DriverId driver);
// The driver is gone for good: its rows without blocks in use are dropped. REQUIRES: none of its code runs any more.
void forget_pool_of(DriverId driver);
// "Cnsq" for 'qsnC'.
std::string tag_text(ULONG tag);

// ExAllocatePoolWithTag on behalf of the code at `caller`. Never raises; null when memory is out.
PVOID allocate_pool(ULONG type, SIZE_T size, ULONG tag, const void* caller);

}  // namespace regent::ex
