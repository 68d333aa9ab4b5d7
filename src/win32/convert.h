// Text between the A forms (UTF-8, our ANSI code page) and the W forms, and the rules for registry strings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rtl/utf16.h"
#include "win32/winnt.h"

namespace regent::win32 {

// Types 1, 2 and 7: the ones whose data the A forms convert and the NUL rules concern.
bool is_string_type(DWORD type);

// An A argument as W: keeps the difference between null and empty.
class WideArgument {
public:
    explicit WideArgument(const char* text) : present_(text != nullptr) {
        if (present_) text_ = rtl::from_utf8(text);
    }
    const WCHAR* get() const { return present_ ? text_.c_str() : nullptr; }
    WCHAR* get_mutable() { return present_ ? text_.data() : nullptr; }

private:
    bool present_;
    Utf16 text_;
};

// UTF-16LE bytes (an odd last byte is dropped) to UTF-8, and back.
std::string narrow_data(const BYTE* data, std::size_t size);
std::vector<BYTE> widen_data(const BYTE* data, std::size_t size);

// Whether a caller's memory can be read. A program may pass any address; the services say ACCESS_VIOLATION for it.
bool can_read(const void* data, std::size_t size);

// An environment variable; names are compared without case. The host's spelling of its name, and its value.
std::optional<std::string> environment_name(Utf16View name);
std::optional<Utf16> environment_value(Utf16View name);

// %NAME% replaced from the environment; unknown names stay as they are. Names are compared without case.
Utf16 expand_environment(Utf16View text);

// Files of Win32 calls: \\.\Name and \\?\Name are devices (\??\Name), \??\... is an NT name, everything else is a Linux
// path, made absolute and handed to the host file device (\??\UNIX\...). Empty for an empty name.
Utf16 nt_file_name(Utf16View file);

}  // namespace regent::win32
