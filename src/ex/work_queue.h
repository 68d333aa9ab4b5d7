// Work items, timers and DPCs run on real threads of the System process, started when first needed.
#pragma once

#include <vector>

#include "ex/driver_image.h"
#include "wdk/wdm.h"

namespace regent::ex {

// The same as ExQueueWorkItem. The item is dequeued before its routine runs, which may free or queue it again.
void queue_work(WORK_QUEUE_ITEM& item, WORK_QUEUE_TYPE type);
// The routines in the driver's image that are queued or running as work items: unload must find none or wait.
std::vector<const void*> work_of(DriverId driver);
// Waits until work_of(driver) is empty.
void drain_work_items(DriverId driver);
// The routines in the driver's image that set timers, or queued or running DPCs, will run.
std::vector<const void*> timers_of(DriverId driver);

// Starts a thread of the System process (PsCreateSystemThread); the body ends when routine returns.
void start_system_thread(void (*body)(void*), void* argument);

}  // namespace regent::ex
