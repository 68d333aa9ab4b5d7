#include "io/io_state.h"

#include <new>

#include "ex/work_queue.h"
#include "io/driver_life.h"
#include "io/file_object.h"
#include "io/request.h"

namespace regent::io {

namespace {

IoOptions current_options;

constexpr GENERIC_MAPPING file_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

void destroy_device(void* body) {
    auto* device = static_cast<DEVICE_OBJECT*>(body);
    state_of(device).~DeviceState();
}

struct DeferredBody {
    WORK_QUEUE_ITEM item{};
    std::unique_ptr<std::move_only_function<void()>> body;
};

void run_deferred(PVOID parameter) {
    const std::unique_ptr<DeferredBody> deferred(static_cast<DeferredBody*>(parameter));
    (*deferred->body)();
}

}  // namespace

namespace types {
ob::ObjectType& driver() {
    static ob::ObjectType& type = ob::register_type(u"Driver", file_mapping, FILE_ALL_ACCESS, {});
    return type;
}
ob::ObjectType& device() {
    static ob::ObjectType& type =
        ob::register_type(u"Device", file_mapping, FILE_ALL_ACCESS, {.destroy = destroy_device, .parse = parse_device});
    return type;
}
ob::ObjectType& file() {
    static ob::ObjectType& type =
        ob::register_type(u"File", file_mapping, FILE_ALL_ACCESS,
                          {.close = close_file, .destroy = destroy_file, .parse = parse_file, .query_name = name_file});
    return type;
}
}  // namespace types

DeviceLock& device_lock() {
    static DeviceLock lock;
    return lock;
}

const IoOptions& options() { return current_options; }

NTSTATUS invalid_request(DEVICE_OBJECT*, IRP* irp) {
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

Result<Ref<DriverState>> create_driver(Utf16View name) {
    auto driver = rtl::make_ref<DriverState>();
    driver->name = name;
    driver->object_name = u"\\Driver\\" + driver->name;
    auto object = RG_TRY(ob::create_object(types::driver(), sizeof(DriverBody)));
    driver->object = std::move(object).as<DriverBody>();
    DriverBody& body = *driver->object;
    body.object.Type = IO_TYPE_DRIVER;
    body.object.Size = sizeof(DRIVER_OBJECT);
    body.object.DriverExtension = &body.extension;
    body.object.DriverName = rtl::unicode_string(driver->object_name);
    for (PDRIVER_DISPATCH& slot : body.object.MajorFunction) slot = invalid_request;
    body.extension.DriverObject = &body.object;
    body.extension.ServiceKeyName = rtl::unicode_string(driver->name);
    body.state = driver.get();
    RG_TRY(ob::insert_named(driver->object_name, driver->object.get(), true));
    return driver;
}

bool begin_open(DriverState& driver) {
    driver.opens.fetch_add(1);
    if (!driver.unload_pending.load()) return true;
    end_open(driver);
    return false;
}

void end_open(DriverState& driver) {
    if (driver.opens.fetch_sub(1) == 1 && driver.unload_pending.load()) start_pending_unload(driver);
}

void defer(std::unique_ptr<std::move_only_function<void()>> body) {
    auto* deferred = new DeferredBody;
    deferred->body = std::move(body);
    ExInitializeWorkItem(&deferred->item, run_deferred, deferred);
    ex::queue_work(deferred->item, CriticalWorkQueue);
}

void release_object(ob::ObjectRef<void> object) {
    if (!object || KeGetCurrentIrql() == PASSIVE_LEVEL) return;
    // The last reference may send IRP_MJ_CLOSE, which a driver expects at PASSIVE_LEVEL.
    defer(std::make_unique<std::move_only_function<void()>>([held = std::move(object)] {}));
}

Result<void> initialize(const IoOptions& wanted) {
    current_options = wanted;
    types::driver();
    types::device();
    types::file();
    publish_types();
    RG_TRY(start_host_fs());
    RG_TRY(start_dbgview());
    RG_TRY(start_fltmgr());
    RG_TRY(start_audit_device());
    return {};
}

Result<void> add_built_in(Ref<DriverState> driver, Utf16View name, Utf16View link, DEVICE_TYPE type,
                          ULONG characteristics) {
    UNICODE_STRING device_name = rtl::unicode_string(name);
    PDEVICE_OBJECT device = nullptr;
    const NTSTATUS status =
        IoCreateDevice(&driver->object->object, 0, &device_name, type, characteristics, FALSE, &device);
    if (!NT_SUCCESS(status)) return fail(status);
    device->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
    driver->started.store(true);
    if (auto made = ob::create_symbolic_link(link, name); !made) return std::unexpected(made.error());
    DriverList::instance().add(std::move(driver));
    return {};
}

void shutdown() { unload_all_drivers(); }

}  // namespace regent::io
