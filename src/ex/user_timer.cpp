#include "ex/user_timer.h"

#include "rtl/time.h"

namespace regent::ex {

namespace {

void run_timer_routine(const UserApc& apc) {
    const auto routine = reinterpret_cast<PTIMER_APC_ROUTINE>(apc.routine);
    const auto time = reinterpret_cast<ULONG_PTR>(apc.arguments[1]);
    routine(apc.arguments[0], static_cast<ULONG>(time), static_cast<LONG>(time >> 32));
}

}  // namespace

UserTimer::UserTimer(TIMER_TYPE type) {
    KeInitializeTimerEx(&timer_, type);
    KeInitializeDpc(&dpc_, &expired, this);
}

UserTimer::~UserTimer() { cancel(); }

// Nothing of it is on its way afterwards, but for a routine that its thread has begun.
void UserTimer::stop_locked() {
    KeCancelTimer(&timer_);
    if (!queue_) return;
    KeRemoveQueueDpc(&dpc_);
    KeFlushQueuedDpcs();
    queue_->remove(this);
    queue_ = nullptr;
}

bool UserTimer::set(const Setting& setting) {
    ExclusiveGuard guard(lock_);
    const bool signaled = KeReadStateTimer(&timer_) != 0;
    stop_locked();
    setting_ = setting;
    if (setting.routine != nullptr) queue_ = current_apc_queue();
    KeSetTimerEx(&timer_, setting.due, setting.period, queue_ ? &dpc_ : nullptr);
    return signaled;
}

bool UserTimer::cancel() {
    ExclusiveGuard guard(lock_);
    const bool signaled = KeReadStateTimer(&timer_) != 0;
    stop_locked();
    return signaled;
}

// One at a time: what the thread has not come to yet is not queued again.
VOID UserTimer::expired(PKDPC, PVOID self, PVOID, PVOID) {
    const auto& timer = *static_cast<UserTimer*>(self);
    auto apc = std::make_unique<UserApc>();
    apc->run = run_timer_routine;
    apc->routine = reinterpret_cast<void (*)()>(timer.setting_.routine);
    apc->arguments[0] = timer.setting_.context;
    apc->arguments[1] = reinterpret_cast<void*>(static_cast<ULONG_PTR>(rtl::nt_time_now()));
    apc->owner = self;
    static_cast<void>(timer.queue_->queue(std::move(apc)));
}

}  // namespace regent::ex
