// Whether the memory that an embedded caller names can be touched, asked before the service runs: a bad pointer is
// ACCESS_VIOLATION, not the end of the program (as NT probes a user's buffers). A null pointer passes: whether it may
// be null is the service's to say. What the caller takes away while the call runs is not noticed here.
//
// Called by the generated entries of services.def, a function for each kind of argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/nttoken.h"
#include "rtl/fault_table.h"

namespace regent::nt::probe {

bool long_input(const void* buffer, std::size_t size);
bool long_output(void* buffer, std::size_t size);

// Internal linkage and inlined: see rtl/fault_table.h, and most services begin with two or three of these.
namespace {

constexpr std::size_t page = 4096;

[[maybe_unused, gnu::always_inline]] inline bool is_short(const void* buffer, std::size_t size) {
    return size <= page && reinterpret_cast<std::uintptr_t>(buffer) + size >= size;
}
[[maybe_unused, gnu::always_inline]] inline bool input(const void* buffer, std::size_t size) {
    if (buffer == nullptr || size == 0) return true;
    if (!is_short(buffer, size)) [[unlikely]]
        return long_input(buffer, size);
    // On the same page or on the next.
    return rtl::can_read_byte(buffer) && rtl::can_read_byte(static_cast<const std::byte*>(buffer) + size - 1);
}
[[maybe_unused, gnu::always_inline]] inline bool output(void* buffer, std::size_t size) {
    if (buffer == nullptr || size == 0) return true;
    if (!is_short(buffer, size)) [[unlikely]]
        return long_output(buffer, size);
    return rtl::can_write_byte(buffer) && rtl::can_write_byte(static_cast<std::byte*>(buffer) + size - 1);
}

template <typename T>
[[maybe_unused, gnu::always_inline]] inline T load(const void* base, std::size_t offset) {
    T value;
    std::memcpy(&value, static_cast<const std::byte*>(base) + offset, sizeof(value));
    return value;
}
[[maybe_unused, gnu::always_inline]] inline bool string(const UNICODE_STRING* string) {
    if (string == nullptr) return true;
    return input(string, sizeof(*string)) && input(load<const void*>(string, offsetof(UNICODE_STRING, Buffer)),
                                                   load<USHORT>(string, offsetof(UNICODE_STRING, Length)));
}
template <typename T>
[[maybe_unused, gnu::always_inline]] inline bool in(const T* pointer) {
    return input(pointer, sizeof(T));
}
template <typename T>
[[maybe_unused, gnu::always_inline]] inline bool out(T* pointer) {
    return output(pointer, sizeof(T));
}

}  // namespace

bool attributes(const OBJECT_ATTRIBUTES* attributes);  // and its name, not its descriptor
bool attributes_with_descriptor(const OBJECT_ATTRIBUTES* attributes);
bool descriptor(const void* descriptor);
// As many as a service takes; a larger count is refused by it, unread.
bool handles(const HANDLE* handles, std::size_t count);
bool value_entries(KEY_VALUE_ENTRY* entries, std::size_t count);
inline constexpr std::size_t max_object_types = 4096;  // Regent's own limit
bool object_types(const OBJECT_TYPE_LIST* types, std::size_t count);
bool sid(const void* sid);

bool attributes_with_quality(const OBJECT_ATTRIBUTES* attributes);  // of service
bool groups(const TOKEN_GROUPS* groups);
bool privileges(const TOKEN_PRIVILEGES* privileges);
bool privilege_set(PRIVILEGE_SET* privileges);
bool token_information(TOKEN_INFORMATION_CLASS kind, const void* information, std::size_t size);

// One entry for each object type.
template <typename T>
bool out_array(T* array, std::size_t count) {
    return count > max_object_types || output(array, count * sizeof(T));
}

}  // namespace regent::nt::probe
