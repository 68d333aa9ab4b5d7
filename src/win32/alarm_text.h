// What the audit alarms' functions share: a program's strings and flags as the services take them.
#pragma once

#include "win32/convert.h"
#include "win32/security.h"

namespace regent::win32 {

// A counted string over a program's own; null stays null.
class Counted {
public:
    explicit Counted(LPCWSTR text) {
        if (text == nullptr) return;
        string_ = rtl::unicode_string(Utf16View(text).substr(0, longest));
        pointer_ = &string_;
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    PUNICODE_STRING get() { return pointer_; }

private:
    static constexpr std::size_t longest = 0x7FFE;  // as RtlInitUnicodeString cuts it
    UNICODE_STRING string_{};
    PUNICODE_STRING pointer_ = nullptr;
};

inline BOOLEAN boolean(BOOL value) { return value != FALSE ? TRUE : FALSE; }

}  // namespace regent::win32
