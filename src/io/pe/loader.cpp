// A driver's PE image in memory, ready to run: sections with their protections, none both writable and executable.

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/driver_code.h"
#include "io/pe/arena.h"
#include "io/pe/exports.h"
#include "io/pe/image.h"
#include "io/pe/unwind.h"

namespace regent::io::pe {

namespace {

Checked<std::vector<std::byte>> read_file(const std::string& path) {
    std::vector<std::byte> bytes;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    bool whole = file >= 0 && fstat(file, &status) == 0 && status.st_size <= off_t{max_image_size};
    if (whole) {
        bytes.resize(static_cast<std::size_t>(status.st_size));
        whole = pread(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    }
    if (file >= 0) close(file);
    if (!whole) return std::unexpected(Failure{STATUS_INVALID_IMAGE_FORMAT, "cannot be read whole"});
    return bytes;
}

std::uint64_t random_cookie() {
    std::uint64_t cookie = 0;
    while (getrandom(&cookie, sizeof cookie, 0) != sizeof cookie) {
    }
    return cookie;
}

// A section that asks to be written and executed (old linkers make INIT so) was written by us before; the driver's code
// gets to execute it.
void protect(const ImageLayout& layout, const Mapping& mapping) {
    using enum Mapping::Access;
    mapping.protect(0, mapping.memory().size(), none);
    if (layout.headers_size != 0) mapping.protect(0, layout.headers_size, read);
    for (const Section& section : layout.sections)
        mapping.protect(section.address, section.size,
                        section.execute ? read_execute
                        : section.write ? read_write
                                        : read);
}

Resolver resolver(const CodeOptions& options) {
    return [bind_missing = options.bind_missing](std::string_view module, std::string_view name) {
        const std::uint64_t value = find_export(name);
        return value == 0 && bind_missing ? missing_import(module, name) : value;
    };
}

class PeImage final : public DriverCode {
public:
    PeImage(const ImageLayout& layout, Mapping mapping) : mapping_(std::move(mapping)) {
        memory_ = mapping_.memory();
        add_code_image({memory_, layout.directory(Directory::exceptions)});
        entry_ = reinterpret_cast<PDRIVER_INITIALIZE>(mapping_.memory().data() + layout.entry_point);
    }
    ~PeImage() override { remove_code_image(memory_.data()); }

private:
    Mapping mapping_;
};

Checked<std::unique_ptr<DriverCode>> map_image(Bytes file, const CodeOptions& options) {
    const auto layout = parse_image(file);
    if (!layout) return std::unexpected(layout.error());
    auto mapping = Mapping::create(layout->image_size);
    if (!mapping) return std::unexpected(Failure{mapping.error().code(), "no room for the image"});
    const MutableBytes memory = mapping->memory();
    const auto base = reinterpret_cast<std::uint64_t>(memory.data());
    copy_sections(*layout, file, memory);
    if (auto moved = relocate(*layout, memory, base); !moved) return std::unexpected(moved.error());
    if (auto bound = bind_imports(*layout, memory, resolver(options)); !bound) return std::unexpected(bound.error());
    set_security_cookie(*layout, memory, base, random_cookie());
    protect(*layout, *mapping);
    return std::make_unique<PeImage>(*layout, std::move(*mapping));
}

}  // namespace
}  // namespace regent::io::pe

namespace regent::io {

Loaded<std::unique_ptr<DriverCode>> load_pe(const std::string& path, const CodeOptions& options) {
    const auto file = pe::read_file(path);
    if (!file) return std::unexpected(LoadFailure{file.error().status, path + ": " + file.error().reason});
    auto image = pe::map_image(*file, options);
    if (!image) return std::unexpected(LoadFailure{image.error().status, path + ": " + image.error().reason});
    return std::move(*image);
}

}  // namespace regent::io
