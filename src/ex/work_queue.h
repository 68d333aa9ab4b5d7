// Work items, timers and DPCs run on real threads of the System process, started when first needed.
#pragma once

#include <cstddef>

#include "ex/driver_image.h"
#include "wdk/wdm.h"

namespace regent::ex {

// The same as ExQueueWorkItem. The item is dequeued before its routine runs, which may free or queue it again.
void queue_work(WORK_QUEUE_ITEM& item, WORK_QUEUE_TYPE type);
// Work items whose routine lies in the driver's image, queued and running: unload must find 0 or wait.
std::size_t work_items_of(DriverId driver);
// Waits until work_items_of(driver) is 0.
void drain_work_items(DriverId driver);
// Timers whose DPC, and DPCs whose routine, lies in the driver's image and that are set or queued.
std::size_t timers_of(DriverId driver);

// Starts a thread of the System process (PsCreateSystemThread); the body ends when routine returns.
void start_system_thread(void (*body)(void*), void* argument);

}  // namespace regent::ex
