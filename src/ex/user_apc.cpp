#include <unordered_map>

#include "ex/apc.h"
#include "ex/dispatcher_impl.h"

namespace regent::ex {

namespace {

struct Threads {
    Mutex<LockRank::leaf> lock;
    std::unordered_map<std::uint32_t, Ref<ApcQueue>> queues RG_GUARDED_BY(lock);
};
Threads& threads() {
    static Threads* const the = new Threads;  // threads end after the destructors of statics (style: allow)
    return *the;
}

}  // namespace

// One after the other: a chain of owners would be destroyed by recursion.
ApcQueue::~ApcQueue() {
    while (first_ != nullptr) first_ = std::move(first_->next);
}

bool ApcQueue::queue(std::unique_ptr<UserApc> apc) {
    ReleaseList released;
    ExclusiveGuard guard(dispatcher_lock());
    if (thread_ == nullptr) return false;
    for (const UserApc* each = first_.get(); apc->owner != nullptr && each != nullptr; each = each->next.get()) {
        if (each->owner == apc->owner) return true;
    }
    UserApc* const added = apc.get();
    (first_ == nullptr ? first_ : last_->next) = std::move(apc);
    last_ = added;
    if (thread_->waiter != nullptr && thread_->waiter->alertable) {
        satisfy_locked(*thread_->waiter, STATUS_USER_APC, released);
    }
    return true;
}

void ApcQueue::remove(const void* owner) {
    std::unique_ptr<UserApc> doomed;
    ExclusiveGuard guard(dispatcher_lock());
    std::unique_ptr<UserApc>* link = &first_;
    UserApc* before = nullptr;
    while (*link != nullptr && (*link)->owner != owner) {
        before = link->get();
        link = &before->next;
    }
    if (*link == nullptr) return;
    if (link->get() == last_) last_ = before;
    doomed = std::move(*link);
    *link = std::move(doomed->next);
}

std::unique_ptr<UserApc> ApcQueue::take() {
    ExclusiveGuard guard(dispatcher_lock());
    std::unique_ptr<UserApc> apc = std::move(first_);
    if (apc != nullptr) first_ = std::move(apc->next);
    return apc;
}

void ApcQueue::close() {
    {
        ExclusiveGuard guard(dispatcher_lock());
        thread_ = nullptr;
    }
    while (const auto apc = take())
        if (apc->drop != nullptr) apc->drop(*apc);
}

void enter_apc_queue(ThreadState& thread) {
    thread.apcs = rtl::make_ref<ApcQueue>(thread);
    ExclusiveGuard guard(threads().lock);
    threads().queues[thread.tid] = thread.apcs;
}

void leave_apc_queue(ThreadState& thread) {
    {
        ExclusiveGuard guard(threads().lock);
        threads().queues.erase(thread.tid);
    }
    thread.apcs->close();
}

Ref<ApcQueue> current_apc_queue() { return thread_state().apcs; }

Ref<ApcQueue> find_apc_queue(std::uint32_t tid) {
    ExclusiveGuard guard(threads().lock);
    const auto found = threads().queues.find(tid);
    return found != threads().queues.end() ? found->second : nullptr;
}

void deliver_user_apcs() {
    const Ref<ApcQueue> queue = current_apc_queue();
    while (const auto apc = queue->take()) apc->run(*apc);
}

bool take_alert() {
    ThreadState& thread = thread_state();
    ExclusiveGuard guard(dispatcher_lock());
    return std::exchange(thread.alerted, false);
}

}  // namespace regent::ex
