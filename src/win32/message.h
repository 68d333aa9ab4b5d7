// The system's text of a Win32 code.
#pragma once

#include <optional>
#include <string>

#include "win32/windef.h"

namespace regent::win32 {

// Without a line end; nothing for a code without a text here.
std::optional<std::string> system_text(DWORD code);
// The same; "Error N." for a code without a text here.
std::string error_text(DWORD code);

}  // namespace regent::win32
