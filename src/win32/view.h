// The two views of the registry that 64-bit Windows has (AC-8, AC-9). The services know one tree: which key a call
// means is settled here, in the client's library.
#pragma once

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

inline constexpr REGSAM view_flags = KEY_WOW64_32KEY | KEY_WOW64_64KEY;

// Where a path of the 64-bit tree lies in the 32-bit view; the same path for what both share.
Utf16 in_32_bit_view(Utf16View path);

// What a handle remembers of its opening, in its tags.
struct HandleOrigin {
    bool is_32_bit = false;   // of that view
    bool transacted = false;  // what is opened by names below it joins its transaction
};
HandleOrigin origin_of(HANDLE key);
void remember_origin(HANDLE key, HandleOrigin origin);

}  // namespace regent::win32
