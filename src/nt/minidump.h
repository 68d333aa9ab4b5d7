// A crash in the format of Windows' small dumps ("minidumps"), for the debuggers that read them: the stopped thread's
// registers and stack, the exception, the modules with the drivers among them. Format: minidumpapiset.h's
// documentation.
#pragma once

#include "ex/bugcheck.h"

namespace regent::nt {

// Writes `file`. Calls the kernel and nothing else that could hold a lock or memory, so it may run in a signal handler.
// False: it could not be written whole, and is not there. x64 only.
bool write_minidump(const char* file, const ex::BugCheck& check);

}  // namespace regent::nt
