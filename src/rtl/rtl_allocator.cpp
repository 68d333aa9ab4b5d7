#include "rtl/rtl_allocator.h"

#include <cstdlib>

namespace regent::rtl {
namespace {
constinit StringAllocate allocate_hook = std::malloc;
constinit StringFree free_hook = std::free;
}  // namespace

void set_string_allocator(StringAllocate allocate, StringFree release) {
    allocate_hook = allocate;
    free_hook = release;
}

void* allocate_string(std::size_t size) { return allocate_hook(size); }
void free_string(void* buffer) { free_hook(buffer); }

}  // namespace regent::rtl
