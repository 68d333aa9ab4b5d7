// Any bytes as a PE image whose string table is read.
#include <algorithm>

#include "win32/module_strings.h"

using namespace regent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes file = rtl::as_bytes(data, size);
    win32::ResourceSection section;
    if (win32::find_resources(file.first(std::min(size, win32::image_head_size)), &section) != 0) return 0;
    const auto bytes = rtl::slice(file, section.file_offset, section.size);
    if (!bytes) return 0;
    Utf16 text;
    for (const std::uint32_t id : {0u, 1u, 15u, 16u, 0xFFFFu}) {
        static_cast<void>(win32::find_string(*bytes, section, id, &text));
    }
    return 0;
}
