// What a PE image says about itself, checked; and the parts of loading that are pure transformations of memory. Any
// bytes may come: every offset is checked, nothing here maps, executes or prints.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "io/pe/image_format.h"
#include "rtl/status.h"

namespace regent::io::pe {

// A failed step: the status for the caller, the words for people.
struct Failure {
    NTSTATUS status;
    std::string reason;
};
template <typename T>
using Checked = std::expected<T, Failure>;

struct Section {
    std::string name;
    std::uint32_t address;  // relative to the image, as all addresses here; page aligned
    std::uint32_t size;     // in memory
    std::uint32_t raw_offset;
    std::uint32_t raw_size;  // at most `size`
    bool write;
    bool execute;
};

// Invariants: sections ascend without overlap inside [headers_size, image_size); image_size is a multiple of the page
// and at most max_image_size; entry_point lies inside an executable section.
struct ImageLayout {
    std::uint64_t preferred_base = 0;
    std::uint32_t image_size = 0;
    std::uint32_t headers_size = 0;
    std::uint32_t entry_point = 0;
    bool relocations_stripped = false;
    std::vector<Section> sections;
    DataDirectory directories[max_directories] = {};

    const DataDirectory& directory(Directory which) const { return directories[static_cast<std::uint32_t>(which)]; }
};
inline constexpr std::uint32_t max_image_size = 64u << 20;

// ERRORS: INVALID_IMAGE_FORMAT (not PE32+ for x64, not a native image, or inconsistent), DRIVER_ENTRYPOINT_NOT_FOUND
// (no entry point).
Checked<ImageLayout> parse_image(Bytes file);

// REQUIRES, here and below: `memory` is zeroed and image_size long.
void copy_sections(const ImageLayout& layout, Bytes file, MutableBytes memory);

// ERRORS: CONFLICTING_ADDRESSES (must move and cannot), INVALID_IMAGE_FORMAT.
Checked<void> relocate(const ImageLayout& layout, MutableBytes memory, std::uint64_t base);

// The value of the import-table slot for a name of a module; 0 when there is none.
using Resolver = std::function<std::uint64_t(std::string_view module, std::string_view name)>;
// ERRORS: DRIVER_ENTRYPOINT_NOT_FOUND (every import that resolved to 0, named), DRIVER_ORDINAL_NOT_FOUND,
// INVALID_IMAGE_FORMAT.
Checked<void> bind_imports(const ImageLayout& layout, MutableBytes memory, const Resolver& resolve);

// Gives the image's stack-check cookie its own value, if it has one and nobody did yet. `base` is where it will run.
void set_security_cookie(const ImageLayout& layout, MutableBytes memory, std::uint64_t base, std::uint64_t cookie);

}  // namespace regent::io::pe
