// Where the Rtl* routines get the buffers that their callers free with RtlFreeUnicodeString and RtlFreeAnsiString.
#pragma once

#include <cstddef>

namespace regent::rtl {

using StringAllocate = void* (*)(std::size_t size);
using StringFree = void (*)(void* buffer);

// Set once, before the first string; the heap is used without it. (In a host of drivers ex makes it the tagged pool.)
void set_string_allocator(StringAllocate allocate, StringFree release);
void* allocate_string(std::size_t size);
void free_string(void* buffer);

}  // namespace regent::rtl
