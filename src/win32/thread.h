// What CloseHandle has to tell the table of threads.
#pragma once

#include "win32/windef.h"

namespace regent::win32 {

// The handle is about to be closed: if it is a thread's, its exit code is forgotten with it.
void forget_thread(HANDLE handle);

}  // namespace regent::win32
