// Driver threads: PsCreateSystemThread and PsTerminateSystemThread without their handles.
#pragma once

#include "ob/process.h"
#include "wdk/wdm.h"

namespace regent::ob {

// ERRORS: INSUFFICIENT_RESOURCES.
Result<ObjectRef<Thread>> start_driver_thread(PKSTART_ROUTINE routine, PVOID context);
// Ends the calling driver thread; returns (INVALID_PARAMETER) only when it is not one.
NTSTATUS terminate_driver_thread(NTSTATUS status);

}  // namespace regent::ob
