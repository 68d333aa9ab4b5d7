// What the security functions share.
#pragma once

#include <cstring>
#include <optional>

#include "rtl/bytes.h"
#include "rtl/utf16.h"
#include "se/sid.h"
#include "win32/securitybaseapi.h"
#include "win32/winbase.h"
#include "win32/winerror.h"

namespace regent::win32 {

inline BOOL refuse(DWORD error) {
    SetLastError(error);
    return FALSE;
}
// TRUE, or FALSE with the status's error as the last one.
inline BOOL answer(NTSTATUS status) { return NT_SUCCESS(status) ? TRUE : refuse(RtlNtStatusToDosError(status)); }

// A copy of the SID at `sid`; nothing when it is none.
std::optional<se::Sid> sid_at(const void* sid);
// In memory for LocalFree; null when there is none left.
void* local_copy(Bytes bytes);
BOOL give_text(Utf16View text, LPWSTR* out, ULONG* length);
BOOL give_text(const std::string& text, LPSTR* out, ULONG* length);

}  // namespace regent::win32
