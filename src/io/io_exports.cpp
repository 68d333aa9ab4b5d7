// Small routines of the I/O manager that drivers import.
#include <pthread.h>

#include <cstdlib>

#include "ex/call_driver.h"
#include "io/request.h"
#include "ob/handle.h"
#include "ob/process.h"
#include "wdk/ntifs.h"

using namespace regent;
using namespace regent::io;

namespace {

PKEVENT create_named_event(PUNICODE_STRING name, PHANDLE handle, EVENT_TYPE type) {
    ob::CallerScope kernel(ob::kernel_mode);
    auto object = ob::create_object(ob::types::event(), sizeof(KEVENT));
    if (!object) return nullptr;
    auto* event = static_cast<PKEVENT>(object->get());
    KeInitializeEvent(event, type, TRUE);
    ob::ObjectAttributes attributes;
    attributes.name = rtl::view(name);
    attributes.attributes = OBJ_OPENIF | OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE;
    auto access = ob::AccessState::for_current(EVENT_ALL_ACCESS);
    auto inserted = ob::insert_object(std::move(*object), attributes, access);
    if (!inserted) return nullptr;
    *handle = inserted->handle;
    auto found = ob::reference_by_handle(inserted->handle, 0, &ob::types::event(), ob::kernel_mode);
    return found ? static_cast<PKEVENT>(found->object.get()) : nullptr;  // the handle keeps it
}

thread_local PIRP top_level_irp = nullptr;

}  // namespace

extern "C" {

// The types under the names by which drivers compare them.
static POBJECT_TYPE file_type = nullptr;
static POBJECT_TYPE device_type = nullptr;
static POBJECT_TYPE driver_type = nullptr;
POBJECT_TYPE* IoFileObjectType = &file_type;
POBJECT_TYPE* IoDeviceObjectType = &device_type;
POBJECT_TYPE* IoDriverObjectType = &driver_type;

PEPROCESS IoThreadToProcess(PETHREAD thread) {
    return reinterpret_cast<PEPROCESS>(&reinterpret_cast<ob::Thread*>(thread)->process());
}

PEPROCESS IoGetRequestorProcess(PIRP irp) {
    return irp->Tail.Overlay.Thread != nullptr ? IoThreadToProcess(irp->Tail.Overlay.Thread) : nullptr;
}

ULONG IoGetRequestorProcessId(PIRP irp) {
    auto* process = reinterpret_cast<ob::Process*>(IoGetRequestorProcess(irp));
    return process != nullptr ? process->pid() : 0;
}

PIRP IoGetTopLevelIrp(VOID) { return top_level_irp; }
VOID IoSetTopLevelIrp(PIRP irp) { top_level_irp = irp; }

PKEVENT IoCreateNotificationEvent(PUNICODE_STRING name, PHANDLE handle) {
    return create_named_event(name, handle, NotificationEvent);
}
PKEVENT IoCreateSynchronizationEvent(PUNICODE_STRING name, PHANDLE handle) {
    return create_named_event(name, handle, SynchronizationEvent);
}

VOID IoRegisterDriverReinitialization(PDRIVER_OBJECT driver, PDRIVER_REINITIALIZE routine, PVOID context) {
    regent::io::body_of(driver).state->reinitializations.push_back({routine, context});
}
VOID IoRegisterBootDriverReinitialization(PDRIVER_OBJECT driver, PDRIVER_REINITIALIZE routine, PVOID context) {
    IoRegisterDriverReinitialization(driver, routine, context);
}

NTSTATUS IoAllocateDriverObjectExtension(PDRIVER_OBJECT driver, PVOID client, ULONG size, PVOID* extension) {
    *extension = nullptr;
    DriverState& state = *regent::io::body_of(driver).state;
    ExclusiveGuard guard(device_lock());
    for (const DriverState::Extension& other : state.extensions)
        if (other.client == client) return STATUS_OBJECT_NAME_COLLISION;
    void* memory = std::calloc(1, size == 0 ? 1 : size);
    if (memory == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
    state.extensions.push_back({client, memory});
    *extension = memory;
    return STATUS_SUCCESS;
}

PVOID IoGetDriverObjectExtension(PDRIVER_OBJECT driver, PVOID client) {
    DriverState& state = *regent::io::body_of(driver).state;
    ExclusiveGuard guard(device_lock());
    for (const DriverState::Extension& extension : state.extensions)
        if (extension.client == client) return extension.memory;
    return nullptr;
}

VOID IoGetStackLimits(PULONG_PTR low, PULONG_PTR high) {
    pthread_attr_t attributes;
    void* address = nullptr;
    std::size_t size = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &address, &size);
    pthread_attr_destroy(&attributes);
    *low = reinterpret_cast<ULONG_PTR>(address);
    *high = *low + size;
}

ULONG_PTR IoGetRemainingStackSize(VOID) {
    ULONG_PTR low = 0;
    ULONG_PTR high = 0;
    IoGetStackLimits(&low, &high);
    return reinterpret_cast<ULONG_PTR>(&low) - low;
}

VOID IoStartNextPacket(PDEVICE_OBJECT device, BOOLEAN) {
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    device->CurrentIrp = nullptr;
    PIRP irp = nullptr;
    if (!IsListEmpty(&device->DeviceQueue.DeviceListHead)) {
        PLIST_ENTRY entry = RemoveHeadList(&device->DeviceQueue.DeviceListHead);
        irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        device->CurrentIrp = irp;
    }
    device->DeviceQueue.Busy = irp != nullptr;
    IoReleaseCancelSpinLock(irql);
    if (irp != nullptr) ex::call_driver("StartIo routine", device->DriverObject->DriverStartIo, device, irp);
}

VOID IoStartPacket(PDEVICE_OBJECT device, PIRP irp, PULONG, PDRIVER_CANCEL cancel) {
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    if (cancel != nullptr) IoSetCancelRoutine(irp, cancel);
    const bool start = device->CurrentIrp == nullptr;
    if (start)
        device->CurrentIrp = irp;
    else
        InsertTailList(&device->DeviceQueue.DeviceListHead, &irp->Tail.Overlay.ListEntry);
    device->DeviceQueue.Busy = TRUE;
    IoReleaseCancelSpinLock(irql);
    if (start) ex::call_driver("StartIo routine", device->DriverObject->DriverStartIo, device, irp);
}

}  // extern "C"

namespace regent::io {
void publish_types() {
    file_type = reinterpret_cast<POBJECT_TYPE>(&types::file());
    device_type = reinterpret_cast<POBJECT_TYPE>(&types::device());
    driver_type = reinterpret_cast<POBJECT_TYPE>(&types::driver());
}
}  // namespace regent::io
