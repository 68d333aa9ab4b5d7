// Drivers' user APCs (KeInsertQueueApc) as far as others need to know of them.
#pragma once

#include <vector>

#include "ex/driver_image.h"

namespace regent::ob {

// The kernel routines in the driver's image of APCs that are queued or being delivered.
std::vector<const void*> apcs_of(ex::DriverId driver);

}  // namespace regent::ob
