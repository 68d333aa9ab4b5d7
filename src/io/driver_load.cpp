// Loading: from a description of the service key to a running driver.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "ex/call_driver.h"
#include "ex/debug_sink.h"
#include "ex/hooks.h"
#include "io/driver_life.h"
#include "io/file.h"

namespace regent::io {

namespace {

constexpr ULONG service_disabled = 4;
constexpr const char* entry_name = "DriverEntry";
// A C++ driver that forgot extern "C".
constexpr const char* mangled_entry_name = "_Z11DriverEntryP14_DRIVER_OBJECTP15_UNICODE_STRING";

// A failed load: the status for the caller, the line for people.
struct Failure {
    NTSTATUS status;
    std::string message;
};
template <typename T>
using Loaded = std::expected<T, Failure>;

std::string last_component(const std::string& path) { return path.substr(path.find_last_of("\\/") + 1); }

bool exists(const std::string& path) {
    struct stat file{};
    return stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode);
}

bool starts_with_folded(Utf16View text, Utf16View prefix) {
    return text.size() >= prefix.size() && rtl::equal_folded(text.substr(0, prefix.size()), prefix);
}

// ImagePath: a bare file name (in the driver directory), \??\UNIX\..., a host path, or one of Windows' forms below
// SystemRoot, whose .sys is looked up in the driver directory as .so too.
Loaded<std::string> find_image(const DriverDescription& driver) {
    const Utf16View path = driver.image_path;
    const std::string text = rtl::to_utf8(path.empty() ? driver.name + u".so" : Utf16(path));
    const Failure missing{STATUS_OBJECT_NAME_NOT_FOUND, text + ": no such file"};
    if (path.find(u'\\') == Utf16View::npos && (path.empty() || path.front() != u'/')) {
        const std::string file = options().driver_directory + "/" + text;
        return exists(file) ? Loaded<std::string>(file)
                            : std::unexpected(Failure{missing.status, file + ": no such file"});
    }
    if (!path.empty() && path.front() == u'/')
        return exists(text) ? Loaded<std::string>(text) : std::unexpected(missing);
    if (starts_with_folded(path, u"\\SystemRoot\\") || starts_with_folded(path, u"System32\\")) {
        std::string file = options().driver_directory + "/" + last_component(text);
        if (exists(file)) return file;
        if (file.ends_with(".sys")) file.replace(file.size() - 4, 4, ".so");
        return exists(file) ? Loaded<std::string>(file)
                            : std::unexpected(Failure{missing.status, file + ": no such file"});
    }
    auto host = host_path(path);
    if (!host || !exists(*host)) return std::unexpected(missing);
    return *host;
}

Loaded<void> check_image(const std::string& file) {
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
    if (!read_all || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        const bool windows = read_all && header.e_ident[0] == 'M' && header.e_ident[1] == 'Z';
        return std::unexpected(
            Failure{STATUS_INVALID_IMAGE_FORMAT, file + (windows ? ": a Windows image; this host loads ELF drivers"
                                                                 : ": not a driver image (no ELF header)")});
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != machine || header.e_type != ET_DYN)
        return std::unexpected(Failure{STATUS_INVALID_IMAGE_FORMAT, file + ": not a shared object for this machine"});
    return {};
}

struct ImageRange {
    const void* address;
    const std::byte* start = nullptr;
    std::size_t size = 0;
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
    range.start = reinterpret_cast<const std::byte*>(low);
    range.size = high - low;
    return 1;
}

// Maps the image and binds its imports to this host's exports.
Loaded<PDRIVER_INITIALIZE> map_image(DriverState& driver) {
    driver.library = dlopen(driver.image.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (driver.library == nullptr) {
        const char* error = dlerror();
        const std::string reason = error != nullptr ? error : driver.image;
        const bool import = reason.find("undefined symbol") != std::string::npos;
        return std::unexpected(
            Failure{import ? STATUS_DRIVER_ENTRYPOINT_NOT_FOUND : STATUS_INVALID_IMAGE_FORMAT, reason});
    }
    if (DriverList::instance().has_library(driver.library))
        return std::unexpected(
            Failure{STATUS_IMAGE_ALREADY_LOADED, driver.image + ": loaded already for another service"});
    void* entry = dlsym(driver.library, entry_name);
    if (entry == nullptr) entry = dlsym(driver.library, mangled_entry_name);
    if (entry == nullptr)
        return std::unexpected(Failure{STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, driver.image + ": no DriverEntry"});
    ImageRange range{entry};
    dl_iterate_phdr(find_range, &range);
    driver.image_start = range.start;
    driver.image_size = range.size;
    driver.id = ex::add_driver_image(rtl::to_utf8(driver.name), range.start, range.size);
    DRIVER_OBJECT& object = driver.object->object;
    object.DriverStart = const_cast<std::byte*>(range.start);
    object.DriverSize = static_cast<ULONG>(range.size);
    object.DriverInit = reinterpret_cast<PDRIVER_INITIALIZE>(entry);
    return object.DriverInit;
}

struct EntryCall {
    DriverState& driver;
    PDRIVER_INITIALIZE entry;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
};

// The path's buffer is gone when DriverEntry returns, as in NT: a driver that keeps it copies it.
void call_entry(void* argument) {
    auto& call = *static_cast<EntryCall*>(argument);
    Utf16 path = call.driver.registry_path;
    UNICODE_STRING string = rtl::unicode_string(path);
    call.status = ex::call_driver("DriverEntry", call.entry, &call.driver.object->object, &string);
}

void run_reinitializations(void* argument) {
    auto& driver = *static_cast<DriverState*>(argument);
    ULONG count = 0;
    while (!driver.reinitializations.empty()) {
        const auto next = driver.reinitializations.front();
        driver.reinitializations.erase(driver.reinitializations.begin());
        ex::call_driver("reinitialization routine", next.routine, &driver.object->object, next.context, ++count);
    }
}

void finish_initializing(DriverState& driver) {
    ExclusiveGuard guard(device_lock());
    for (DEVICE_OBJECT* device = driver.object->object.DeviceObject; device != nullptr; device = device->NextDevice)
        device->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
}

Loaded<void> load_reserved(const DriverDescription& description) {
    auto image = find_image(description);
    if (!image) return std::unexpected(image.error());
    if (auto sound = check_image(*image); !sound) return sound;
    auto created = create_driver(description.name);
    if (!created) return std::unexpected(Failure{created.error().code(), "cannot make the driver object"});
    Ref<DriverState> driver = std::move(*created);
    driver->image = *image;
    driver->registry_path = description.registry_path;
    auto entry = map_image(*driver);
    if (!entry) {
        dispose_driver(std::move(driver), true);
        return std::unexpected(entry.error());
    }
    EntryCall call{*driver, *entry};
    ex::run_as_system(call_entry, &call);
    if (!NT_SUCCESS(call.status)) {
        std::string message = *image + ": DriverEntry failed with " + rtl::status_name(call.status);
        const std::string left = dispose_driver(std::move(driver), true);
        return std::unexpected(Failure{call.status, left.empty() ? message : message + "; " + left});
    }
    finish_initializing(*driver);
    driver->started.store(true);
    DriverState& running = DriverList::instance().add(std::move(driver));
    ex::run_as_system(run_reinitializations, &running);
    return {};
}

}  // namespace

Result<void> load_driver(const DriverDescription& description, std::string* message) {
    const auto report = [&](const Failure& failure) -> Result<void> {
        const std::string line = "driver " + rtl::to_utf8(description.name) + ": " + failure.message;
        ex::DebugSink::instance().print(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, line + "\n");
        if (message != nullptr) *message = line;
        return fail(NT_SUCCESS(failure.status) ? STATUS_UNSUCCESSFUL : failure.status);
    };
    if (description.name.empty() || (description.type != 1 && description.type != 2))
        return report({STATUS_INVALID_PARAMETER, "not a kernel driver's service key"});
    if (description.start >= service_disabled) return report({STATUS_ACCESS_DENIED, "the service is disabled"});
    if (!DriverList::instance().reserve(description.name))
        return report({STATUS_IMAGE_ALREADY_LOADED, "already loaded"});
    auto loaded = load_reserved(description);
    DriverList::instance().release(description.name);
    if (!loaded) return report(loaded.error());
    return {};
}

}  // namespace regent::io
