// Unloading: when it may happen, what a driver may have left, and the list of loaded drivers.
#include <algorithm>

#include "cm/callback.h"
#include "ex/call_driver.h"
#include "ex/debug_sink.h"
#include "ex/hooks.h"
#include "ex/pool.h"
#include "ex/verifier.h"
#include "ex/work_queue.h"
#include "io/driver_life.h"
#include "io/flt.h"
#include "io/request.h"
#include "ob/apc.h"
#include "ob/notify.h"
#include "ob/system_thread.h"

namespace regent::io {

namespace {

void call_unload(void* argument) {
    auto& driver = *static_cast<DriverState*>(argument);
    DRIVER_OBJECT& object = driver.object->object;
    ex::call_driver("DriverUnload", object.DriverUnload, &object);
}

// Work items keep the image; the routine's last instructions are the driver's.
void wait_for_work(DriverState& driver) {
    LARGE_INTEGER pause;
    pause.QuadPart = -10000;  // 1 ms
    while (driver.work.load() != 0) KeDelayExecutionThread(KernelMode, FALSE, &pause);
    if (driver.id != 0) ex::drain_work_items(driver.id);
}

void add_finding(std::string& findings, const std::string& line) {
    if (!findings.empty()) findings += "\n";
    findings += line;
}

std::string describe_pool(const std::vector<ex::PoolUsage>& left) {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
    for (const ex::PoolUsage& usage : left) {
        blocks += usage.blocks;
        bytes += usage.bytes;
    }
    return std::to_string(blocks) + " pool blocks of " + std::to_string(bytes) + " bytes, first tag " +
           ex::tag_text(left.front().tag);
}

// What will run the driver's code although Unload has returned. An I/O work item is none: it keeps the image.
void report_running(ex::DriverId driver) {
    const auto report = [driver](const char* what, const std::vector<const void*>& routines) {
        for (const void* routine : routines)
            ex::verifier::report_at(driver, ex::verifier::rules::worker_running,
                                    std::string(what) + " when Unload had returned", routine);
    };
    report("a work item without a device is queued or runs", ex::work_of(driver));
    report("a system thread runs", ob::driver_threads_of(driver));
    report("an APC is queued or runs", ob::apcs_of(driver));
    for (const void* routine : ex::timers_of(driver))
        ex::verifier::report_at(driver, ex::verifier::rules::timer_left, "a timer or DPC is set", routine);
}

// A timer or an APC will run code of the image, and a thread does, so then the image stays mapped.
bool find_leftovers(DriverState& driver, std::string& findings) {
    using ex::verifier::Resource;
    const Bytes image = driver.code != nullptr ? driver.code->memory() : Bytes();
    const bool watched = ex::is_verified(driver.id);
    if (watched) {
        report_running(driver.id);
        for (const Resource kind : {Resource::callback, Resource::device, Resource::link, Resource::notify})
            ex::verifier::report_left(driver.id, kind);
    }
    if (const std::size_t callbacks = cm::filter::unregister_image(image.data(), image.size()))
        add_finding(findings, std::to_string(callbacks) + " registry callbacks left registered, unregistered now");
    if (const std::size_t filters = remove_filters(&driver.object->object))
        add_finding(findings, std::to_string(filters) + " filters left registered, unregistered now");
    if (const std::size_t routines = ob::remove_notify_routines(image.data(), image.size()))
        add_finding(findings, std::to_string(routines) + " notify routines left, removed now");
    if (const std::size_t devices = delete_devices(driver))
        add_finding(findings, std::to_string(devices) + " devices left, deleted now");
    wait_for_work(driver);
    if (driver.id == 0) return false;
    if (watched) {
        ex::verifier::report_left(driver.id, Resource::work_item);
        ex::verifier::report_pool_left(driver.id);
    }
    if (const auto pool = ex::pool_left_by(driver.id); !pool.empty())
        add_finding(findings, describe_pool(pool) + " left");
    const std::size_t timers = ex::timers_of(driver.id).size();
    if (timers != 0) add_finding(findings, std::to_string(timers) + " timers or DPCs left, the image stays mapped");
    const std::size_t threads = ob::driver_threads_of(driver.id).size();
    if (threads != 0) add_finding(findings, std::to_string(threads) + " threads left, the image stays mapped");
    const std::size_t apcs = ob::apcs_of(driver.id).size();
    if (apcs != 0) add_finding(findings, std::to_string(apcs) + " APCs left, the image stays mapped");
    return timers + threads + apcs != 0;
}

// Something may still call into the image: it stays until the process ends.
void keep_mapped(std::unique_ptr<DriverCode> code) {
    static Mutex<LockRank::leaf> lock;
    static auto& kept = *new std::vector<std::unique_ptr<DriverCode>>;  // never destroyed
    ExclusiveGuard guard(lock);
    kept.push_back(std::move(code));
}

std::string run_unload(DriverState& driver) {
    ex::run_as_system(call_unload, &driver);
    return dispose_driver(DriverList::instance().remove(driver), false);
}

void unload_later(void* argument) { run_unload(*static_cast<DriverState*>(argument)); }

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): the caller gives its reference away
std::string dispose_driver(Ref<DriverState> driver, bool entry_failed) {
    std::string findings;
    const bool keep_image = find_leftovers(*driver, findings);
    for (const DriverState::Extension& extension : driver->extensions) std::free(extension.memory);
    ob::make_temporary(driver->object.get());
    if (!findings.empty()) {
        const std::string line = "driver " + rtl::to_utf8(driver->name) +
                                 (entry_failed ? " failed to start and left behind: " : " unloaded and left behind: ");
        ex::DebugSink::instance().print(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, line + findings + "\n");
    }
    if (driver->id != 0 && !keep_image) {
        cm::filter::set_driver_profile(driver->id, cm::filter::Profile::windows7);
        ex::forget_pool_of(driver->id);
        if (ex::is_verified(driver->id)) ex::verifier::end(driver->id);
        ex::remove_driver_image(driver->id);
    }
    if (keep_image) keep_mapped(std::move(driver->code));
    driver->code.reset();
    return findings;
}

void start_pending_unload(DriverState& driver) {
    if (driver.unload_claimed.exchange(true)) return;
    ex::start_system_thread(unload_later, &driver);
}

Result<UnloadOutcome> unload_driver(Utf16View name) {
    const Ref<DriverState> driver = DriverList::instance().find(name);
    if (!driver || driver->code == nullptr) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    if (driver->object->object.DriverUnload == nullptr) return fail(STATUS_INVALID_DEVICE_REQUEST);
    if (driver->unload_pending.exchange(true)) return fail(STATUS_DELETE_PENDING);
    UnloadOutcome outcome;
    if (driver->opens.load() != 0 || driver->unload_claimed.exchange(true))
        outcome.pending = true;
    else
        outcome.message = run_unload(*driver);
    return outcome;
}

namespace {

// References that completing threads still hold are gone in a moment; handles that the program never closed are not.
bool wait_for_opens(DriverState& driver) {
    LARGE_INTEGER pause;
    pause.QuadPart = -10000;  // 1 ms
    for (int i = 0; i < 1000 && driver.opens.load() != 0; i++) KeDelayExecutionThread(KernelMode, FALSE, &pause);
    return driver.opens.load() == 0;
}

// A driver that is being unloaded elsewhere gets no more requests; another one stays while it has these.
void tell_of_shutdown(DriverState& driver) {
    if (!begin_open(driver)) return;
    {
        std::vector<ob::ObjectRef<DEVICE_OBJECT>> registered;
        {
            ExclusiveGuard guard(device_lock());
            for (auto* device = driver.object->object.DeviceObject; device != nullptr; device = device->NextDevice) {
                if (state_of(device).shutdown_registered)
                    registered.push_back(ob::ObjectRef<DEVICE_OBJECT>::retain(device));
            }
        }
        for (const auto& device : registered) submit_simple(device.get(), nullptr, IRP_MJ_SHUTDOWN);
    }
    end_open(driver);
}

}  // namespace

void unload_all_drivers() {
    for (const Ref<DriverState>& driver : DriverList::instance().all()) tell_of_shutdown(*driver);
    const auto drivers = DriverList::instance().all();
    for (auto next = drivers.rbegin(); next != drivers.rend(); ++next) {
        DriverState& driver = **next;
        if (driver.code == nullptr) {
            dispose_driver(DriverList::instance().remove(driver), false);
        } else if (driver.object->object.DriverUnload != nullptr && !driver.unload_pending.exchange(true) &&
                   wait_for_opens(driver) && !driver.unload_claimed.exchange(true)) {
            run_unload(driver);
        }
    }
}

std::vector<DriverInfo> loaded_drivers() {
    std::vector<DriverInfo> infos;
    for (const Ref<DriverState>& driver : DriverList::instance().all()) {
        DriverInfo info;
        info.name = driver->name;
        info.image = driver->image;
        info.open_handles = static_cast<ULONG>(driver->opens.load());
        info.unload_pending = driver->unload_pending.load();
        ExclusiveGuard guard(device_lock());
        for (DEVICE_OBJECT* device = driver->object->object.DeviceObject; device != nullptr;
             device = device->NextDevice)
            info.devices++;
        infos.push_back(std::move(info));
    }
    return infos;
}

DriverList& DriverList::instance() {
    static DriverList list;
    return list;
}

Result<void> DriverList::reserve(const Utf16& name) {
    ExclusiveGuard guard(lock_);
    for (const auto& driver : drivers_)
        if (rtl::equal_folded(driver->name, name)) return fail(STATUS_IMAGE_ALREADY_LOADED);
    for (const Utf16& other : reserved_)
        if (rtl::equal_folded(other, name)) return fail(STATUS_IMAGE_ALREADY_LOADED);
    reserved_.push_back(name);
    return {};
}

void DriverList::release(const Utf16& name) {
    ExclusiveGuard guard(lock_);
    std::erase(reserved_, name);
}

DriverState& DriverList::add(Ref<DriverState> driver) {
    ExclusiveGuard guard(lock_);
    drivers_.push_back(std::move(driver));
    return *drivers_.back();
}

Ref<DriverState> DriverList::remove(DriverState& driver) {
    ExclusiveGuard guard(lock_);
    auto found = std::ranges::find_if(drivers_, [&](const auto& other) { return other.get() == &driver; });
    Ref<DriverState> owned = std::move(*found);
    drivers_.erase(found);
    return owned;
}

Ref<DriverState> DriverList::find(Utf16View name) {
    ExclusiveGuard guard(lock_);
    for (const auto& driver : drivers_)
        if (rtl::equal_folded(driver->name, name)) return driver;
    return nullptr;
}

bool DriverList::has_file(const FileIdentity& file) {
    ExclusiveGuard guard(lock_);
    return std::ranges::any_of(drivers_,
                               [&](const auto& driver) { return driver->code != nullptr && driver->file == file; });
}

std::vector<Ref<DriverState>> DriverList::all() {
    ExclusiveGuard guard(lock_);
    return drivers_;
}

}  // namespace regent::io
