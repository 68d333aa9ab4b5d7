// Names as users write them, turned into NT's paths; and the failures of calls.
#pragma once

#include <string>

#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "regent/client/error.h"
#include "rtl/utf16.h"

namespace regent::client {

// "HKLM\Software" as "\Registry\Machine\Software"; a path that begins with a backslash as it is. Empty when it names
// no place.
Utf16 nt_path(Utf16View path);

// REQUIRES: !NT_SUCCESS(status).
std::unexpected<Error> failed(NTSTATUS status, const char* verb, Utf16View subject);

// OBJECT_ATTRIBUTES over a name that stays where it is.
class Attributes {
public:
    Attributes(HANDLE root, Utf16View name) : string_(rtl::unicode_string(name)) {
        InitializeObjectAttributes(&object_, &string_, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    OBJECT_ATTRIBUTES* get() { return &object_; }

private:
    UNICODE_STRING string_;
    OBJECT_ATTRIBUTES object_;
};

// The longest name that a UNICODE_STRING holds.
inline constexpr std::size_t max_name_units = 32767;

}  // namespace regent::client
