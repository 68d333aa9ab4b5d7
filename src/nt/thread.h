// What happens to a thread's requests when the thread ends or its client is gone.
#pragma once

#include "ob/process.h"

namespace regent::nt {

// Asks for the end of the requests that `thread` has issued. Does not wait for it. For threads whose status blocks
// outlive them, as those of a client's calls do here.
void cancel_thread_requests(ob::Thread& thread);

enum class StatusBlocks { write, leave };
// Ends the change notifications that `thread` waits for asynchronously: CLEANUP, and their events are set.
void end_thread_notifications(ob::Thread& thread, StatusBlocks blocks);
// The same when a thread of this program ends, from now on. Its status blocks may be on the stack that goes with it, so
// they are left alone.
void watch_thread_ends();

}  // namespace regent::nt
