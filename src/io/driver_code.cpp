#include "io/driver_code.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "io/seh.h"

namespace regent::io {

Loaded<FileIdentity> identify(const std::string& file) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::unexpected(LoadFailure{STATUS_OBJECT_NAME_NOT_FOUND, file + ": no such file"});
    return FileIdentity{status.st_dev, status.st_ino};
}

Loaded<std::unique_ptr<DriverCode>> DriverCode::load(const std::string& file, const CodeOptions& options) {
    deliver_exceptions();
    std::array<char, SELFMAG> magic{};
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        if (pread(descriptor, magic.data(), magic.size(), 0) < 0) magic = {};
        close(descriptor);
    }
    if (std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0) return load_elf(file);
    if (std::memcmp(magic.data(), "MZ", 2) == 0) return load_pe(file, options);
    return std::unexpected(
        LoadFailure{STATUS_INVALID_IMAGE_FORMAT, file + ": not a driver image (no ELF header, no MZ header)"});
}

}  // namespace regent::io
