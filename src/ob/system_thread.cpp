#include "ob/system_thread.h"

#include <unistd.h>

#include <algorithm>
#include <csetjmp>
#include <memory>
#include <system_error>
#include <thread>

#include "ex/call_driver.h"
#include "ob/notify.h"
#include "rtl/lock.h"

namespace regent::ob {
namespace {

// Shared by the starting thread, which waits for the object, and the new one, which makes it (it alone knows its tid).
struct StartBlock final : rtl::RefCounted {
    void (*body)(void*) = nullptr;
    void* argument = nullptr;
    Result<ObjectRef<Thread>> thread = fail(STATUS_INSUFFICIENT_RESOURCES);
    std::atomic<bool> started{false};
};

void run_started(const Ref<StartBlock>& block) {
    block->thread = Thread::create(ObjectRef<Process>::retain(&system_process()), static_cast<std::uint32_t>(gettid()));
    bool made = block->thread.has_value();
    ObjectRef<Thread> thread = made ? *block->thread : nullptr;
    block->started.store(true, std::memory_order_release);
    block->started.notify_one();
    if (!made) return;
    CallerScope scope(system_process(), thread.get(), kernel_mode);
    announce_thread(*thread);
    block->body(block->argument);
    thread->exited(STATUS_SUCCESS);
}

// What PsTerminateSystemThread needs to leave the driver's start routine from any depth. A long jump, not an exception:
// the frames between are a driver's, which need not know how to unwind.
struct DriverThread {
    PKSTART_ROUTINE routine;
    PVOID context;
    NTSTATUS status = STATUS_SUCCESS;
    std::jmp_buf exit;
};
thread_local DriverThread* driver_thread = nullptr;

// The start routines of the driver threads that have not returned from them.
struct Running {
    Mutex<LockRank::leaf> lock;
    std::vector<const void*> routines RG_GUARDED_BY(lock);
    void add(PKSTART_ROUTINE routine) {
        ExclusiveGuard guard(lock);
        routines.push_back(reinterpret_cast<const void*>(routine));
    }
    void remove(PKSTART_ROUTINE routine) {
        ExclusiveGuard guard(lock);
        routines.erase(std::ranges::find(routines, reinterpret_cast<const void*>(routine)));
    }
};
Running& running() {
    static Running* instance = new Running;
    return *instance;
}

void run_driver_thread(void* argument) {
    std::unique_ptr<DriverThread> self(static_cast<DriverThread*>(argument));
    driver_thread = self.get();
    {
        ex::DriverCall call(reinterpret_cast<const void*>(self->routine), "system thread");
        if (setjmp(driver_thread->exit) == 0) rtl::call_routine(driver_thread->routine, driver_thread->context);
    }
    running().remove(self->routine);
    current().thread->exited(driver_thread->status);
    driver_thread = nullptr;
}

}  // namespace

void run_as_system(void (*body)(void*), void* argument) {
    auto made = Thread::create(ObjectRef<Process>::retain(&system_process()), static_cast<std::uint32_t>(gettid()));
    ObjectRef<Thread> thread = made ? std::move(*made) : nullptr;
    CallerScope scope(system_process(), thread.get(), kernel_mode);
    body(argument);
    if (thread) thread->exited(STATUS_SUCCESS);
}

Result<ObjectRef<Thread>> start_system_thread(void (*body)(void*), void* argument) {
    auto block = rtl::make_ref<StartBlock>();
    block->body = body;
    block->argument = argument;
    try {
        std::thread([block] { run_started(block); }).detach();
    } catch (const std::system_error&) {
        return fail(STATUS_INSUFFICIENT_RESOURCES);
    }
    block->started.wait(false, std::memory_order_acquire);
    return std::move(block->thread);
}

Result<ObjectRef<Thread>> start_driver_thread(PKSTART_ROUTINE routine, PVOID context) {
    auto self = std::make_unique<DriverThread>();
    self->routine = routine;
    self->context = context;
    running().add(routine);
    auto started = start_system_thread(run_driver_thread, self.get());
    if (started)
        (void)self.release();  // the thread frees it
    else
        running().remove(routine);
    return started;
}

std::vector<const void*> driver_threads_of(ex::DriverId driver) {
    std::vector<const void*> routines;
    {
        Running& all = running();
        ExclusiveGuard guard(all.lock);
        routines = all.routines;
    }
    std::erase_if(routines, [driver](const void* routine) { return ex::driver_of(routine) != driver; });
    return routines;
}

NTSTATUS terminate_driver_thread(NTSTATUS status) {
    if (driver_thread == nullptr) return STATUS_INVALID_PARAMETER;
    driver_thread->status = status;
    std::longjmp(driver_thread->exit, 1);
}

}  // namespace regent::ob
