// Frames of PE images, walked by their own tables (.pdata, .xdata): what RtlLookupFunctionEntry and RtlVirtualUnwind
// do.
#pragma once

#include <optional>

#include "io/pe/image_format.h"
#include "wdk/ntddk.h"

namespace regent::io::pe {

// A loaded image as the walk needs it.
struct CodeImage {
    Bytes memory;
    DataDirectory functions;  // .pdata
    std::uint64_t base() const { return reinterpret_cast<std::uint64_t>(memory.data()); }
};
void add_code_image(const CodeImage& image);
void remove_code_image(const std::byte* start);
std::optional<CodeImage> find_code_image(std::uint64_t address);

// One function's description; null for a leaf (it keeps no register and no stack).
struct FunctionEntry {
    CodeImage image;
    const RuntimeFunction* function = nullptr;
};
FunctionEntry find_function(std::uint64_t address);

// Turns the registers inside a function into those of its caller at the call.
struct UnwoundFrame {
    std::uint64_t establisher = 0;  // names the frame: its lowest fixed stack address
    const void* handler = nullptr;  // of the kind asked for, when the address is in the function's body
    const void* handler_data = nullptr;
};
UnwoundFrame unwind_frame(const FunctionEntry& entry, std::uint8_t handler_kind, CONTEXT& context);

// Number as in instructions: 0 Rax, 1 Rcx, ... 15 R15.
inline ULONG64& general_register(CONTEXT& context, unsigned number) { return (&context.Rax)[number & 15]; }

}  // namespace regent::io::pe
