// KeInitializeApc, KeInsertQueueApc: a driver's user APCs, for threads of this program. Kernel APCs interrupt a thread
// wherever it is, which a process cannot do to its threads: queuing one fails, as for a thread that ends.
#include <algorithm>
#include <cstring>
#include <vector>

#include "ob/apc.h"

#include "ex/apc.h"
#include "ex/call_driver.h"
#include "ex/driver_image.h"
#include "ex/verifier.h"
#include "ob/process.h"
#include "rtl/lock.h"

using namespace regent;

namespace {

// The kernel routines of the APCs that are queued or being delivered.
struct Queued {
    Mutex<LockRank::leaf> lock;
    std::vector<const void*> routines RG_GUARDED_BY(lock);
    void add(const void* routine) {
        ExclusiveGuard guard(lock);
        routines.push_back(routine);
    }
    void remove(const void* routine) {
        ExclusiveGuard guard(lock);
        routines.erase(std::ranges::find(routines, routine));
    }
};
Queued& queued() {
    static Queued* const the = new Queued;  // threads end after the destructors of statics (style: allow)
    return *the;
}

PKKERNEL_ROUTINE kernel_routine(const KAPC& apc) { return reinterpret_cast<PKKERNEL_ROUTINE>(apc.Reserved[0]); }
PKRUNDOWN_ROUTINE rundown_routine(const KAPC& apc) { return reinterpret_cast<PKRUNDOWN_ROUTINE>(apc.Reserved[1]); }

// The kernel routine at APC_LEVEL, which may free the object and change what follows; then the program's routine.
void deliver(const ex::UserApc& queued_apc) {
    auto* const apc = static_cast<KAPC*>(queued_apc.arguments[0]);
    const PKKERNEL_ROUTINE kernel = kernel_routine(*apc);
    auto normal = reinterpret_cast<PKNORMAL_ROUTINE>(apc->Reserved[2]);
    PVOID context = apc->NormalContext;
    PVOID first = apc->SystemArgument1;
    PVOID second = apc->SystemArgument2;
    apc->Inserted = FALSE;
    KIRQL irql;
    KeRaiseIrql(APC_LEVEL, &irql);
    ex::call_driver("APC's kernel routine", kernel, apc, &normal, &context, &first, &second);
    KeLowerIrql(irql);
    queued().remove(reinterpret_cast<const void*>(kernel));
    if (normal != nullptr) normal(context, first, second);
}

void drop(const ex::UserApc& queued_apc) {
    auto* const apc = static_cast<KAPC*>(queued_apc.arguments[0]);
    const PKKERNEL_ROUTINE kernel = kernel_routine(*apc);
    apc->Inserted = FALSE;
    if (rundown_routine(*apc) != nullptr) ex::call_driver("APC's rundown routine", rundown_routine(*apc), apc);
    queued().remove(reinterpret_cast<const void*>(kernel));
}

Ref<ex::ApcQueue> queue_of(const KAPC& apc) {
    auto* const thread = reinterpret_cast<ob::Thread*>(apc.Thread);
    if (&thread->process() != &ob::host_process() || thread->exit_status() != STATUS_PENDING) return nullptr;
    return thread == ob::current().thread ? ex::current_apc_queue() : ex::find_apc_queue(thread->tid());
}

}  // namespace

std::vector<const void*> ob::apcs_of(ex::DriverId driver) {
    std::vector<const void*> routines;
    {
        ExclusiveGuard guard(queued().lock);
        routines = queued().routines;
    }
    std::erase_if(routines, [driver](const void* routine) { return ex::driver_of(routine) != driver; });
    return routines;
}

extern "C" {

VOID KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment, PKKERNEL_ROUTINE KernelRoutine,
                     PKRUNDOWN_ROUTINE RundownRoutine, PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                     PVOID NormalContext) {
    std::memset(Apc, 0, sizeof *Apc);
    Apc->Type = ApcObject;
    Apc->Size = sizeof *Apc;
    Apc->Thread = Thread;
    Apc->Reserved[0] = reinterpret_cast<PVOID>(KernelRoutine);
    Apc->Reserved[1] = reinterpret_cast<PVOID>(RundownRoutine);
    Apc->Reserved[2] = reinterpret_cast<PVOID>(NormalRoutine);
    // Without a normal routine it is a special kernel APC, whatever the mode.
    Apc->ApcMode = NormalRoutine == nullptr ? static_cast<KPROCESSOR_MODE>(KernelMode) : ApcMode;
    Apc->NormalContext = NormalRoutine == nullptr ? nullptr : NormalContext;
    Apc->ApcStateIndex = static_cast<CCHAR>(Environment);
}

// FALSE, in this order: it is queued already; a kernel APC; no kernel routine; the thread has ended or is no thread of
// this program (a client's of the daemon).
BOOLEAN KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY) {
    ex::verifier::at_most(DISPATCH_LEVEL, "KeInsertQueueApc");
    if (Apc->Inserted || Apc->ApcMode != UserMode || kernel_routine(*Apc) == nullptr) return FALSE;
    const Ref<ex::ApcQueue> queue = queue_of(*Apc);
    if (!queue) return FALSE;
    auto apc = std::make_unique<ex::UserApc>();
    apc->run = deliver;
    apc->drop = drop;
    apc->arguments[0] = Apc;
    Apc->SystemArgument1 = SystemArgument1;
    Apc->SystemArgument2 = SystemArgument2;
    Apc->Inserted = TRUE;
    const auto* const routine = reinterpret_cast<const void*>(kernel_routine(*Apc));
    queued().add(routine);
    if (queue->queue(std::move(apc))) return TRUE;
    queued().remove(routine);
    Apc->Inserted = FALSE;
    return FALSE;
}

}  // extern "C"
