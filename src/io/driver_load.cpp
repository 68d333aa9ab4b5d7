// Loading: from a description of the service key to a running driver.
#include <sys/stat.h>

#include "cm/callback.h"
#include "ex/call_driver.h"
#include "ex/debug_sink.h"
#include "ex/hooks.h"
#include "ex/verifier.h"
#include "io/driver_life.h"
#include "io/file.h"
#include "ob/notify.h"

namespace regent::io {

namespace {

constexpr ULONG service_disabled = 4;
std::string last_component(const std::string& path) { return path.substr(path.find_last_of("\\/") + 1); }

bool exists(const std::string& path) {
    struct stat file{};
    return stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode);
}

bool starts_with_folded(Utf16View text, Utf16View prefix) {
    return text.size() >= prefix.size() && rtl::equal_folded(text.substr(0, prefix.size()), prefix);
}

// A file of the driver directory. A driver that is there in the other format than asked for is that driver: `x.sys` may
// be an ELF object called x.so, and the other way round.
Loaded<std::string> find_in_directory(const std::string& name) {
    std::string file = options().driver_directory + "/" + name;
    if (exists(file)) return file;
    const std::size_t dot = file.rfind('.');
    const std::string extension = dot != std::string::npos ? file.substr(dot) : "";
    std::string other = file.substr(0, dot) + (extension == ".so" ? ".sys" : ".so");
    if ((extension == ".so" || extension == ".sys") && exists(other)) return other;
    return std::unexpected(LoadFailure{STATUS_OBJECT_NAME_NOT_FOUND, file + ": no such file"});
}

// ImagePath: a bare file name (in the driver directory), \??\UNIX\..., a host path, or one of Windows' forms below
// SystemRoot, which are looked up in the driver directory too.
Loaded<std::string> find_image(const DriverDescription& driver) {
    const Utf16View path = driver.image_path;
    const std::string text = rtl::to_utf8(path.empty() ? driver.name + u".so" : Utf16(path));
    const LoadFailure missing{STATUS_OBJECT_NAME_NOT_FOUND, text + ": no such file"};
    if (path.find(u'\\') == Utf16View::npos && (path.empty() || path.front() != u'/')) return find_in_directory(text);
    if (!path.empty() && path.front() == u'/')
        return exists(text) ? Loaded<std::string>(text) : std::unexpected(missing);
    if (starts_with_folded(path, u"\\SystemRoot\\") || starts_with_folded(path, u"System32\\"))
        return find_in_directory(last_component(text));
    auto host = host_path(path);
    if (!host || !exists(*host)) return std::unexpected(missing);
    return *host;
}

// Maps the image and binds its imports to this host's exports.
Loaded<void> map_image(DriverState& driver, const DriverDescription& description, cm::filter::Profile profile) {
    const auto identity = identify(driver.image);
    if (!identity) return std::unexpected(identity.error());
    if (DriverList::instance().has_file(*identity))
        return std::unexpected(
            LoadFailure{STATUS_IMAGE_ALREADY_LOADED, driver.image + ": loaded already for another service"});
    auto code = DriverCode::load(driver.image, {.bind_missing = description.bind_missing_imports});
    if (!code) return std::unexpected(code.error());
    driver.code = std::move(*code);
    driver.file = *identity;
    const Bytes memory = driver.code->memory();
    driver.id = ex::add_driver_image(rtl::to_utf8(driver.name), memory.data(), memory.size(), description.verify);
    if (ex::is_verified(driver.id)) ex::verifier::start(driver.id, description.verify_budget);
    cm::filter::set_driver_profile(driver.id, profile);
    DRIVER_OBJECT& object = driver.object->object;
    object.DriverStart = const_cast<std::byte*>(memory.data());
    object.DriverSize = static_cast<ULONG>(memory.size());
    object.DriverInit = driver.code->entry();
    ob::announce_image(nullptr, rtl::from_utf8(driver.image), object.DriverStart, memory.size());
    return {};
}

struct EntryCall {
    DriverState& driver;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
};

// The path's buffer is gone when DriverEntry returns, as in NT: a driver that keeps it copies it.
void call_entry(void* argument) {
    auto& call = *static_cast<EntryCall*>(argument);
    Utf16 path = call.driver.registry_path;
    UNICODE_STRING string = rtl::unicode_string(path);
    call.status = ex::call_driver("DriverEntry", call.driver.code->entry(), &call.driver.object->object, &string);
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

Loaded<void> load_reserved(const DriverDescription& description, cm::filter::Profile profile) {
    auto image = find_image(description);
    if (!image) return std::unexpected(image.error());
    auto created = create_driver(description.name);
    if (!created) return std::unexpected(LoadFailure{created.error().code(), "cannot make the driver object"});
    Ref<DriverState> driver = std::move(*created);
    driver->image = *image;
    driver->registry_path = description.registry_path;
    if (auto mapped = map_image(*driver, description, profile); !mapped) {
        dispose_driver(std::move(driver), true);
        return mapped;
    }
    EntryCall call{*driver};
    ex::run_as_system(call_entry, &call);
    if (!NT_SUCCESS(call.status)) {
        std::string message = *image + ": DriverEntry failed with " + rtl::status_name(call.status);
        const std::string left = dispose_driver(std::move(driver), true);
        return std::unexpected(LoadFailure{call.status, left.empty() ? message : message + "; " + left});
    }
    finish_initializing(*driver);
    driver->started.store(true);
    DriverState& running = DriverList::instance().add(std::move(driver));
    ex::run_as_system(run_reinitializations, &running);
    return {};
}

}  // namespace

Result<void> load_driver(const DriverDescription& description, std::string* message) {
    const auto report = [&](const LoadFailure& failure) -> Result<void> {
        const std::string line = "driver " + rtl::to_utf8(description.name) + ": " + failure.message;
        ex::DebugSink::instance().print(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, line + "\n");
        if (message != nullptr) *message = line;
        return fail(NT_SUCCESS(failure.status) ? STATUS_UNSUCCESSFUL : failure.status);
    };
    if (description.name.empty() || (description.type != 1 && description.type != 2))
        return report({STATUS_INVALID_PARAMETER, "not a kernel driver's service key"});
    if (description.start >= service_disabled) return report({STATUS_ACCESS_DENIED, "the service is disabled"});
    std::optional profile = cm::filter::Profile::windows7;
    if (!description.callback_profile.empty()) profile = cm::filter::profile_named(description.callback_profile);
    if (!profile)
        return report({STATUS_INVALID_PARAMETER,
                       "no RegistryCallbackProfile is called " + rtl::to_utf8(description.callback_profile)});
    if (!DriverList::instance().reserve(description.name))
        return report({STATUS_IMAGE_ALREADY_LOADED, "already loaded"});
    auto loaded = load_reserved(description, *profile);
    DriverList::instance().release(description.name);
    if (!loaded) return report(loaded.error());
    return {};
}

}  // namespace regent::io
