// What the I/O manager knows about its own objects, behind the structures that drivers see. Inside this floor only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ex/driver_image.h"
#include "io/driver_code.h"
#include "io/io.h"
#include "ob/lookup.h"
#include "ob/namespace.h"
#include "rtl/lock.h"
#include "rtl/ref.h"
#include "wdk/ntddk.h"

namespace regent::io {

struct DriverState;

// A "Driver" object: what the driver sees, then its extension, then ours.
struct DriverBody {
    DRIVER_OBJECT object;
    DRIVER_EXTENSION extension;
    DriverState* state;
};
static_assert(offsetof(DriverBody, object) == 0);
inline DriverBody& body_of(DRIVER_OBJECT* driver) { return *reinterpret_cast<DriverBody*>(driver); }

// One loaded driver. `opens` counts FILE objects (with their requests) on its devices: it must be 0 before Unload is
// called. `work` counts its queued and running I/O work items: it must be 0 before the image goes.
// Counters and flags are atomic; the rest is written while loading and unloading only.
struct DriverState : rtl::RefCounted {
    Utf16 name;
    Utf16 object_name;  // \Driver\<name>
    Utf16 registry_path;
    std::string image;
    std::unique_ptr<DriverCode> code;  // null: a driver inside the host
    FileIdentity file;
    ex::DriverId id = 0;
    ob::ObjectRef<DriverBody> object;
    std::atomic<std::int64_t> opens{0};
    std::atomic<std::int64_t> work{0};
    std::atomic<bool> started{false};  // DriverEntry has succeeded
    std::atomic<bool> unload_pending{false};
    std::atomic<bool> unload_claimed{false};
    struct Extension {
        void* client;
        void* memory;
    };
    struct Reinitialization {
        PDRIVER_REINITIALIZE routine;
        void* context;
    };
    std::vector<Extension> extensions;  // by device_lock()
    std::vector<Reinitialization> reinitializations;
};

// Ours behind DEVICE_OBJECT.DeviceObjectExtension.
struct DeviceState {
    Ref<DriverState> driver;
    std::atomic<std::int64_t> files{0};
    bool exclusive = false;
    bool shutdown_registered = false;
    std::atomic<bool> deleted{false};
};
inline DeviceState& state_of(DEVICE_OBJECT* device) {
    return *reinterpret_cast<DeviceState*>(device->DeviceObjectExtension);
}

// Ours behind FILE_OBJECT.FileObjectExtension.
struct FileState {
    Utf16 name;
    ob::ObjectRef<DEVICE_OBJECT> device;
    ob::ObjectRef<FILE_OBJECT> related;
    bool created = false;  // IRP_MJ_CREATE succeeded: CLEANUP and CLOSE will be sent
};
inline FileState& state_of(FILE_OBJECT* file) {
    return *static_cast<FileState*>(const_cast<void*>(file->FileObjectExtension));
}

namespace types {
ob::ObjectType& driver();
ob::ObjectType& device();
ob::ObjectType& file();
}  // namespace types

using DeviceLock = Mutex<LockRank::device>;
DeviceLock& device_lock();  // device lists, exclusive opens, requests by thread

const IoOptions& options();

// Makes a Driver object with every dispatch slot filled with invalid_request(). Named \Driver\<name>.
Result<Ref<DriverState>> create_driver(Utf16View name);
// The slot's default: completes with INVALID_DEVICE_REQUEST.
NTSTATUS invalid_request(DEVICE_OBJECT* device, IRP* irp);

// An open file, or a work item, of the driver ends. The last open of a driver that is to be unloaded starts the unload.
bool begin_open(DriverState& driver);  // false: the driver is being unloaded
void end_open(DriverState& driver);

// Deletes the devices that `driver` still has; returns how many.
std::size_t delete_devices(DriverState& driver);

// Runs `body` soon on a worker at PASSIVE_LEVEL; for what may not be done at the caller's IRQL.
void defer(std::unique_ptr<std::move_only_function<void()>> body);
// Drops a reference now, or on a worker when the caller is above PASSIVE_LEVEL.
void release_object(ob::ObjectRef<void> object);

void publish_types();  // IoFileObjectType and its kin

// Built-in drivers.
Result<void> start_host_fs();
Result<void> start_dbgview();
Result<void> start_fltmgr();
Result<void> start_audit_device();

}  // namespace regent::io
