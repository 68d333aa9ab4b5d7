// Drivers as ELF shared objects: the system's loader maps them and binds their imports to this library's exports.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "io/driver.h"
#include "io/driver_code.h"

namespace regent::io {

namespace {

constexpr const char* entry_name = "DriverEntry";
// A C++ driver that forgot extern "C".
constexpr const char* mangled_entry_name = "_Z11DriverEntryP14_DRIVER_OBJECTP15_UNICODE_STRING";

bool is_for_this_machine(const std::string& file) {
    Elf64_Ehdr header{};
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool read_all =
        descriptor >= 0 && pread(descriptor, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header);
    if (descriptor >= 0) close(descriptor);
#if defined(__x86_64__)
    constexpr Elf64_Half machine = EM_X86_64;
#else
    constexpr Elf64_Half machine = EM_AARCH64;
#endif
    return read_all && header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == machine && header.e_type == ET_DYN;
}

struct ImageRange {
    const void* address;
    Bytes bytes;
};

int find_range(dl_phdr_info* info, std::size_t, void* argument) {
    auto& range = *static_cast<ImageRange*>(argument);
    std::uintptr_t low = UINTPTR_MAX;
    std::uintptr_t high = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        low = std::min(low, info->dlpi_addr + segment.p_vaddr);
        high = std::max(high, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
    }
    const auto address = reinterpret_cast<std::uintptr_t>(range.address);
    if (address < low || address >= high) return 0;
    range.bytes = {reinterpret_cast<const std::byte*>(low), high - low};
    return 1;
}

class ElfImage final : public DriverCode {
public:
    ElfImage(void* library, void* entry) : library_(library) {
        ImageRange range{entry, {}};
        dl_iterate_phdr(find_range, &range);
        memory_ = range.bytes;
        entry_ = reinterpret_cast<PDRIVER_INITIALIZE>(entry);
    }
    ~ElfImage() override { dlclose(library_); }

private:
    void* library_;
};

}  // namespace

Loaded<std::unique_ptr<DriverCode>> load_elf(const std::string& file) {
    if (!is_for_this_machine(file))
        return std::unexpected(
            LoadFailure{STATUS_INVALID_IMAGE_FORMAT, file + ": not a shared object for this machine"});
    void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* error = dlerror();
        const std::string reason = error != nullptr ? error : file;
        const bool import = reason.find("undefined symbol") != std::string::npos;
        return std::unexpected(
            LoadFailure{import ? STATUS_DRIVER_ENTRYPOINT_NOT_FOUND : STATUS_INVALID_IMAGE_FORMAT, reason});
    }
    void* entry = dlsym(library, entry_name);
    if (entry == nullptr) entry = dlsym(library, mangled_entry_name);
    if (entry == nullptr) {
        dlclose(library);
        return std::unexpected(LoadFailure{STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, file + ": no DriverEntry"});
    }
    return std::make_unique<ElfImage>(library, entry);
}

#if !defined(__x86_64__)
Loaded<std::unique_ptr<DriverCode>> load_pe(const std::string& file, const CodeOptions&) {
    return std::unexpected(
        LoadFailure{STATUS_INVALID_IMAGE_FORMAT, file + ": a Windows image for another machine than this"});
}
std::vector<DriverExport> driver_exports() { return {}; }
#endif

}  // namespace regent::io
