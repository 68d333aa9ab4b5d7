// Any bytes as a driver's PE image: read, placed, moved and bound in memory; never run.
#include <vector>

#include "io/pe/image.h"

using namespace regent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes file = rtl::as_bytes(data, size);
    const auto layout = io::pe::parse_image(file);
    if (!layout || layout->image_size > (1u << 20)) return 0;  // the rest costs time, not paths
    std::vector<std::byte> memory(layout->image_size);
    io::pe::copy_sections(*layout, file, memory);
    constexpr std::uint64_t base = 0x7F0012340000;
    if (!io::pe::relocate(*layout, memory, base)) return 0;
    static_cast<void>(io::pe::bind_imports(*layout, memory, [](std::string_view module, std::string_view name) {
        return std::uint64_t{module.size() + name.size() & 1};
    }));
    io::pe::set_security_cookie(*layout, memory, base, 0x1234567890ABCDEF);
    return 0;
}
