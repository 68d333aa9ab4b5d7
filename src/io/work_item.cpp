// I/O work items: executive work items that keep the device, and with it the driver's image, until the routine
// returned.
#include <cstdlib>
#include <new>

#include "ex/call_driver.h"
#include "ex/verifier.h"
#include "ex/work_queue.h"
#include "io/io_state.h"

using namespace regent;
using namespace regent::io;

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM item;
    PVOID object;  // a device or a driver
    PIO_WORKITEM_ROUTINE routine;
    PIO_WORKITEM_ROUTINE_EX routine_ex;
    PVOID context;
};

namespace {

DriverState& driver_of(PVOID object) {
    if (*static_cast<CSHORT*>(object) == IO_TYPE_DRIVER)
        return *regent::io::body_of(static_cast<PDRIVER_OBJECT>(object)).state;
    return *state_of(static_cast<PDEVICE_OBJECT>(object)).driver;
}

// The routine may free its item; nothing of it is touched afterwards.
void run_item(PVOID parameter) {
    const _IO_WORKITEM item = *static_cast<PIO_WORKITEM>(parameter);
    const Ref<DriverState> driver = Ref<DriverState>::retain(&driver_of(item.object));
    if (item.routine_ex != nullptr)
        ex::call_driver("work item", item.routine_ex, item.object, item.context, static_cast<PIO_WORKITEM>(parameter));
    else
        ex::call_driver("work item", item.routine, static_cast<PDEVICE_OBJECT>(item.object), item.context);
    ob::dereference(item.object);
    driver->work.fetch_sub(1);
}

void remember(PIO_WORKITEM item) {
    if (!ex::verifier::active()) return;
    ex::verifier::acquired(ex::verifier::Resource::work_item, reinterpret_cast<std::uint64_t>(item),
                           driver_of(item->object).id, "a work item, not freed");
}

void forget(PIO_WORKITEM item) {
    if (!ex::verifier::active()) return;
    ex::verifier::released(ex::verifier::Resource::work_item, reinterpret_cast<std::uint64_t>(item));
}

void queue(PIO_WORKITEM item, WORK_QUEUE_TYPE type) {
    driver_of(item->object).work.fetch_add(1);
    ob::reference(item->object);
    ex::queue_work(item->item, type);
}

}  // namespace

extern "C" {

ULONG IoSizeofWorkItem(VOID) { return sizeof(_IO_WORKITEM); }

VOID IoInitializeWorkItem(PVOID object, PIO_WORKITEM item) {
    new (item) _IO_WORKITEM{};
    item->object = object;
    ExInitializeWorkItem(&item->item, run_item, item);
    remember(item);
}

VOID IoUninitializeWorkItem(PIO_WORKITEM item) { forget(item); }

PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT device) {
    void* memory = std::malloc(sizeof(_IO_WORKITEM));
    if (memory == nullptr) return nullptr;
    auto* const item = static_cast<PIO_WORKITEM>(memory);
    IoInitializeWorkItem(device, item);
    return item;
}

VOID IoFreeWorkItem(PIO_WORKITEM item) {
    forget(item);
    std::free(item);
}

VOID IoQueueWorkItem(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine, WORK_QUEUE_TYPE type, PVOID context) {
    item->routine = routine;
    item->routine_ex = nullptr;
    item->context = context;
    queue(item, type);
}

VOID IoQueueWorkItemEx(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE_EX routine, WORK_QUEUE_TYPE type, PVOID context) {
    item->routine = nullptr;
    item->routine_ex = routine;
    item->context = context;
    queue(item, type);
}

}  // extern "C"
