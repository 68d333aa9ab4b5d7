// User arguments, copied once. Null is an access violation here; whether the memory is there at all was asked by the
// entry (nt/probe.h). What comes through the gate was bounded by the server before it came here.
#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "ob/lookup.h"
#include "rtl/bytes.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::nt {

// A UNICODE_STRING. Short names need no heap.
class CapturedString {
public:
    // ERRORS, in this order: ACCESS_VIOLATION (null, or no buffer for a length), OBJECT_NAME_INVALID (odd length).
    Result<void> capture(PCUNICODE_STRING string);
    Utf16View view() const { return {long_.empty() ? short_ : long_.data(), size_}; }

private:
    static constexpr std::size_t short_size = 128;
    char16_t short_[short_size];
    Utf16 long_;
    std::size_t size_ = 0;
};

// OBJECT_ATTRIBUTES with everything it points to. Not movable: the attributes view the captured name.
class CapturedAttributes {
public:
    CapturedAttributes() = default;
    CapturedAttributes(const CapturedAttributes&) = delete;
    CapturedAttributes& operator=(const CapturedAttributes&) = delete;

    // Whether the security descriptor is wanted: opens ignore it (semantics AC-4).
    enum class Security { ignore, capture };
    // ERRORS, in this order: ACCESS_VIOLATION (null), INVALID_PARAMETER (length, unknown attributes), the name's,
    // the descriptor's. A null name is an empty one.
    Result<void> capture(PCOBJECT_ATTRIBUTES attributes, Security security);
    const ob::ObjectAttributes& get() const { return attributes_; }

private:
    CapturedString name_;
    std::optional<se::SecurityDescriptor> security_;
    ob::ObjectAttributes attributes_;
};

// An input buffer of `size` bytes. ERRORS: ACCESS_VIOLATION (null with a size). Not copied: see the class of the call.
Result<Bytes> input_buffer(const void* buffer, ULONG size);
Result<MutableBytes> output_buffer(void* buffer, ULONG size);

// Writes *where unless it is null.
template <typename T>
void write_optional(T* where, T value) {
    if (where != nullptr) *where = value;
}

// Kernel handles only for kernel callers: a user's OBJ_KERNEL_HANDLE is ignored, as NT does.
ULONG handle_attributes(ULONG attributes);

}  // namespace regent::nt
