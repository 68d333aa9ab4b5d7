// Loading and unloading drivers: the back ends of NtLoadDriver and NtUnloadDriver. The nt floor reads the service key
// (that is a registry operation like any other) and passes what it holds as a DriverDescription.
#pragma once

#include <string>
#include <vector>

#include "ex/driver_image.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::io {

// The values of \Registry\Machine\System\CurrentControlSet\Services\<name>.
struct DriverDescription {
    Utf16 name;           // last component of the service key
    Utf16 registry_path;  // the service key's path: DriverEntry's second argument
    Utf16 image_path;     // ImagePath; empty: <name>.so
    ULONG type = 1;       // SERVICE_KERNEL_DRIVER (1) or SERVICE_FILE_SYSTEM_DRIVER (2); others are INVALID_PARAMETER
    ULONG start = 3;      // 4 (disabled) is refused
    bool bind_missing_imports = false;    // BindMissingImports, ours: a PE image loads although an import is missing
    ex::Verify verify = ex::Verify::off;  // Verify, ours: 1 watched by the verifier, 2 stopped by its first finding
    // VerifyBudget, ours: milliseconds that a callback may take while the driver is watched.
    ULONG verify_budget = ex::usual_callback_budget;
    // Parameters\RegistryCallbackProfile, ours: the Windows whose registry callbacks the driver was written for.
    Utf16 callback_profile;
};

// Loads the image and calls DriverEntry in a System thread's context.
// ERRORS, in this order: INVALID_PARAMETER (type, profile), ACCESS_DENIED (disabled), IMAGE_ALREADY_LOADED,
// OBJECT_NAME_NOT_FOUND (no such image), INVALID_IMAGE_FORMAT (neither an ELF object nor a PE driver for this machine),
// CONFLICTING_ADDRESSES (a PE image without relocations), DRIVER_ORDINAL_NOT_FOUND (an import without a name),
// DRIVER_ENTRYPOINT_NOT_FOUND (an import that the host lacks, named in the message; or no DriverEntry),
// INSUFFICIENT_RESOURCES, then DriverEntry's own failure. `message`, when given, gets one line that names file and
// reason. The same line goes to the debugger's sink.
Result<void> load_driver(const DriverDescription& description, std::string* message = nullptr);

// Calls the driver's Unload routine, or marks the driver so that the last reference does: then `pending` is true.
// ERRORS: OBJECT_NAME_NOT_FOUND (not loaded), INVALID_DEVICE_REQUEST (no Unload routine), DELETE_PENDING (asked
// before).
struct UnloadOutcome {
    bool pending = false;  // handles, requests or work items are open: the driver goes when the last one does
    std::string message;   // what the driver left behind, one finding a line; empty when it left clean
};
Result<UnloadOutcome> unload_driver(Utf16View name);

struct DriverInfo {
    Utf16 name;
    std::string image;  // host path of the file
    ULONG devices = 0;
    ULONG open_handles = 0;
    bool unload_pending = false;
};
std::vector<DriverInfo> loaded_drivers();

// What a driver in a PE image may import.
struct DriverExport {
    const char* name;
    bool data = false;
    bool pointer = false;  // data: the import's slot holds the pointer that the headers declare, not its address
};
std::vector<DriverExport> driver_exports();

}  // namespace regent::io
