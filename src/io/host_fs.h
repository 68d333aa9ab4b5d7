// The built-in driver of host files. Inside this floor only.
#pragma once

#include <string>

#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::io {

// "/tmp/x.hiv" for "\tmp\x.hiv". ERRORS: OBJECT_NAME_INVALID (a component the host cannot name).
Result<std::string> host_path_of_tail(Utf16View tail);
NTSTATUS status_of_errno(int error);

}  // namespace regent::io
