// Stacks for reports: this thread's return addresses, through drivers of both formats, and what stands at an address.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace regent::ex {

using StackTrace = std::vector<const void*>;  // innermost first

// At most 48 frames, without this function's own. Takes locks of the C library: not in a signal handler.
StackTrace capture_stack();

// "Callback+0x1c (regmon)" for code of a driver, "libregent.so KeSetEvent+0x10" for other code. The names of an ELF
// driver's static functions come from its file; a PE image carries none, there it is "regmon+0x1a40".
std::string describe_code(const void* address);
// The same for a return address, whose call is the instruction before it.
std::string describe_call(const void* return_address);

// Continues a stack that has reached the code of a PE image: writes the image's frames, innermost first, and returns
// how many. Installed by io; null: none.
using ImageStackHook = std::size_t (*)(std::span<const void*> frames);
void set_image_stack_hook(ImageStackHook hook);

}  // namespace regent::ex
