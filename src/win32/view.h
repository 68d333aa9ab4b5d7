// The two views of the registry that 64-bit Windows has (AC-8, AC-9). The services know one tree: which key a call
// means is settled here, in the client's library, and a handle of the 32-bit view remembers it in its tags.
#pragma once

#include "rtl/utf16.h"
#include "win32/winreg.h"

namespace regent::win32 {

inline constexpr REGSAM view_flags = KEY_WOW64_32KEY | KEY_WOW64_64KEY;

// Where a path of the 64-bit tree lies in the 32-bit view; the same path for what both share.
Utf16 in_32_bit_view(Utf16View path);

// A key named below a handle, in the view that the call asks for or the handle belongs to.
class ViewedName {
public:
    // `name` must outlive this. ERRORS: those of asking the handle for its name.
    NTSTATUS resolve(HANDLE root, Utf16View name, REGSAM access);
    HANDLE root() const { return root_; }
    Utf16View name() const { return redirected_.empty() ? name_ : Utf16View(redirected_); }
    // What was opened by this name belongs to the same view.
    void mark(HANDLE key) const;

private:
    HANDLE root_ = nullptr;
    Utf16View name_;
    Utf16 redirected_;
    bool is_32_bit_ = false;
};

}  // namespace regent::win32
