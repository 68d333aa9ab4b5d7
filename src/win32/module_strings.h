// The string tables (RT_STRING resources) of PE images, 32 and 64 bit. Any bytes may come: every offset is checked, and
// what is read is bounded by the size of what is there.
#pragma once

#include <cstdint>

#include "rtl/bytes.h"
#include "rtl/utf16.h"
#include "win32/winnt.h"

namespace regent::win32 {

// Where an image keeps its resources: the section of the file, and the directory in it.
struct ResourceSection {
    std::uint32_t file_offset = 0;
    std::uint32_t size = 0;
    std::uint32_t address = 0;    // of the section, relative to the image
    std::uint32_t directory = 0;  // where in the section the root directory is
};

// How much of a file's beginning find_resources() wants to see, where there is so much.
inline constexpr std::size_t image_head_size = 64 << 10;

// ERRORS: BAD_EXE_FORMAT (no PE image, or damaged), NOT_FOUND (no resources).
LSTATUS find_resources(Bytes head, ResourceSection* section);

// The text of string `id`; of several languages the neutral one's, else the one in American English, else the first.
// `bytes` is the section's content. ERRORS: BAD_EXE_FORMAT (damaged), NOT_FOUND (no string table),
// RESOURCE_NAME_NOT_FOUND (not in it; an empty one is not told from one that is not there).
LSTATUS find_string(Bytes bytes, const ResourceSection& section, std::uint32_t id, Utf16* text);

}  // namespace regent::win32
