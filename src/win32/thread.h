// The table of threads: a program's handle to one is an event.
#pragma once

#include "win32/windef.h"

namespace regent::win32 {

// The handle is about to be closed: if it is a thread's, its exit code is forgotten with it.
void forget_thread(HANDLE handle);
// The executive's thread behind a thread's handle; any other handle is its own. REQUIRES: the handle stays open
// meanwhile. ERRORS: UNSUCCESSFUL (the thread has ended).
NTSTATUS thread_object(HANDLE handle, HANDLE* object);

}  // namespace regent::win32
