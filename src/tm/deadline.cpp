#include "tm/deadline.h"

#include "tm/transaction.h"

namespace regent::tm {

Ref<Deadline> Deadline::start(const GUID& transaction, LARGE_INTEGER due) {
    auto made = rtl::make_ref<Deadline>(transaction);
    KeInitializeTimer(&made->timer_);
    KeInitializeDpc(&made->dpc_, &expired, made.get());
    ExInitializeWorkItem(&made->work_, &roll_back, Ref<Deadline>(made).release());
    KeSetTimer(&made->timer_, due, &made->dpc_);
    return made;
}

void Deadline::cancel() {
    if (KeCancelTimer(&timer_) != 0) static_cast<void>(Ref<Deadline>::adopt(this));
}

// Resource managers are told at PASSIVE_LEVEL.
VOID Deadline::expired(PKDPC, PVOID self, PVOID, PVOID) {
    ExQueueWorkItem(&static_cast<Deadline*>(self)->work_, DelayedWorkQueue);
}

VOID Deadline::roll_back(PVOID self) {
    const auto deadline = Ref<Deadline>::adopt(static_cast<Deadline*>(self));
    if (const auto found = Transaction::find(deadline->transaction_)) static_cast<void>(found->rollback(false));
}

}  // namespace regent::tm
