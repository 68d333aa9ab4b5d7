// NtLoadDriver and NtUnloadDriver: the service key is read here, by Zw services; io does the rest.
#include <algorithm>

#include "io/driver.h"
#include "nt/capture.h"
#include "nt/service.h"
#include "nt/zw_key.h"

namespace regent::nt::service {
namespace {

// The registry path of a service key and its last component. ERRORS: the privilege, the string's, INVALID_PARAMETER.
struct ServiceKey {
    Utf16 path;
    Utf16 name;
};
Result<ServiceKey> capture_service_key(PUNICODE_STRING string) {
    const auto& context = ob::current();
    if (!context.kernel() && !context.token().enabled(SE_LOAD_DRIVER_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    CapturedString captured;
    RG_TRY(captured.capture(string));
    ServiceKey key;
    key.path = captured.view();
    while (!key.path.empty() && key.path.back() == u'\\') key.path.pop_back();
    const std::size_t slash = key.path.rfind(u'\\');
    if (slash == Utf16::npos || slash + 1 == key.path.size()) return fail(STATUS_INVALID_PARAMETER);
    key.name = key.path.substr(slash + 1);
    return key;
}

}  // namespace

// ERRORS, in this order: PRIVILEGE_NOT_HELD, the string's, INVALID_PARAMETER (no path), OBJECT_NAME_NOT_FOUND (no such
// key), io::load_driver's.
NTSTATUS NtLoadDriver(PUNICODE_STRING DriverServiceName) {
    auto service = capture_service_key(DriverServiceName);
    if (!service) return service.error().code();
    io::DriverDescription description;
    {
        const auto key = ZwKey::open(service->path);
        if (!key) return key.error().code();
        description.image_path = key->string(u"ImagePath").value_or(Utf16());
        description.type = key->dword(u"Type").value_or(description.type);
        description.start = key->dword(u"Start").value_or(description.start);
        if (const auto parameters = ZwKey::open(u"Parameters", KEY_READ, key->handle()))
            description.callback_profile = parameters->string(u"RegistryCallbackProfile").value_or(Utf16());
        description.verify =
            static_cast<ex::Verify>(std::min(key->dword(u"Verify").value_or(0), static_cast<ULONG>(ex::Verify::stop)));
        if (const ULONG budget = key->dword(u"VerifyBudget").value_or(0); budget != 0)
            description.verify_budget = budget;
        description.bind_missing_imports = key->dword(u"BindMissingImports").value_or(0) != 0;
    }
    description.name = std::move(service->name);
    description.registry_path = std::move(service->path);
    return rtl::to_ntstatus(io::load_driver(description));
}

// ERRORS, in this order: PRIVILEGE_NOT_HELD, the string's, io::unload_driver's. A deferred unload is a success.
NTSTATUS NtUnloadDriver(PUNICODE_STRING DriverServiceName) {
    const auto service = capture_service_key(DriverServiceName);
    if (!service) return service.error().code();
    return rtl::to_ntstatus(io::unload_driver(service->name));
}

}  // namespace regent::nt::service
