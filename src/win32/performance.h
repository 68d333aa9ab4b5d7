// HKEY_PERFORMANCE_DATA, -TEXT and -NLSTEXT: values without a key (conformance rows 243 to 245). Nobody gives counters
// here, so the data has no objects and the lists of their names are empty.
#pragma once

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

// One of the two texts, of which each is closed, enumerated and set to no effect.
bool is_performance_text(HKEY key);
// That, or the data while no key stands in for it.
bool is_performance(HKEY key);

// As RegQueryValueEx; `unit` is the size of a character of a text. ERRORS: MORE_DATA (no buffer, or too small; the size
// stays as it is).
LSTATUS query_performance(Utf16View name, DWORD unit, DWORD* type, BYTE* data, DWORD* size);

}  // namespace regent::win32
