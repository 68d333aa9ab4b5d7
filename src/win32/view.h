// The two views of the registry that 64-bit Windows has (AC-8, AC-9). The services know one tree: which key a call
// means is settled here, in the client's library, and a handle of the 32-bit view remembers it in its tags.
#pragma once

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

inline constexpr REGSAM view_flags = KEY_WOW64_32KEY | KEY_WOW64_64KEY;

// Where a path of the 64-bit tree lies in the 32-bit view; the same path for what both share.
Utf16 in_32_bit_view(Utf16View path);

// Whether a handle belongs to the 32-bit view, and making it so.
bool is_32_bit_handle(HANDLE key);
void mark_32_bit_handle(HANDLE key);

}  // namespace regent::win32
