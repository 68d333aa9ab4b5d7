// What happens to a thread's requests when the thread ends or its client is gone.
#pragma once

#include "ob/process.h"

namespace regent::nt {

// Asks for the end of the requests that `thread` has issued. Does not wait for it.
void cancel_thread_requests(ob::Thread& thread);

}  // namespace regent::nt
