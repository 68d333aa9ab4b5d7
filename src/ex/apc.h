// User APCs: what a thread of this program runs when it waits alertably or tests for alerts.
#pragma once

#include <cstdint>
#include <memory>

#include "rtl/ref.h"

namespace regent::ex {

struct ThreadState;

// One routine on its way. `run` knows what kind of function `routine` is; `drop` is called instead when the thread ends
// before, and may be null.
struct UserApc {
    void (*run)(const UserApc& apc) = nullptr;
    void (*drop)(const UserApc& apc) = nullptr;
    void (*routine)() = nullptr;
    void* arguments[3]{};
    const void* owner = nullptr;  // of whom one at a time is queued; null: of nobody
    std::unique_ptr<UserApc> next;
};

// A thread's queue; outlives the thread for those who still hold it. Guarded by the dispatcher lock.
class ApcQueue final : public rtl::RefCounted {
public:
    explicit ApcQueue(ThreadState& thread) : thread_(&thread) {}
    ~ApcQueue() override;
    // Breaks the thread's alertable wait. False: the thread has ended, nothing will run.
    bool queue(std::unique_ptr<UserApc> apc);
    // Takes back what the owner queued and the thread has not begun.
    void remove(const void* owner);
    bool empty_locked() const { return first_ == nullptr; }
    // REQUIRES: called by the thread itself.
    std::unique_ptr<UserApc> take();
    // The thread ends: nothing is queued any more, what is queued is dropped. Idempotent.
    void close();

private:
    ThreadState* thread_;  // null: it has ended
    std::unique_ptr<UserApc> first_;
    UserApc* last_ = nullptr;
};

Ref<ApcQueue> current_apc_queue();
// Of a thread of this program that has come here before; null: there is none.
Ref<ApcQueue> find_apc_queue(std::uint32_t tid);
// Runs what is queued for the calling thread, and what that queues.
void deliver_user_apcs();
// Whether the calling thread was alerted; it is no more.
bool take_alert();

}  // namespace regent::ex
