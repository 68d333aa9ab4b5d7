// Driver threads: PsCreateSystemThread and PsTerminateSystemThread without their handles.
#pragma once

#include <vector>

#include "ex/driver_image.h"
#include "ob/process.h"
#include "wdk/wdm.h"

namespace regent::ob {

// ERRORS: INSUFFICIENT_RESOURCES.
Result<ObjectRef<Thread>> start_driver_thread(PKSTART_ROUTINE routine, PVOID context);
// Ends the calling driver thread; returns (INVALID_PARAMETER) only when it is not one.
NTSTATUS terminate_driver_thread(NTSTATUS status);
// The start routines in the driver's image that its threads have not returned from.
std::vector<const void*> driver_threads_of(ex::DriverId driver);

}  // namespace regent::ob
