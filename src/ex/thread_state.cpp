#include "ex/thread_state.h"

#include <unistd.h>
#include "ex/bugcheck.h"
#include "ex/dispatcher_impl.h"

namespace regent::ex {

ThreadState::ThreadState() : tid(static_cast<std::uint32_t>(gettid())) {
    InitializeListHead(&mutants);
    enter_apc_queue(*this);
}

ThreadState::~ThreadState() {
    leave_apc_queue(*this);
    if (IsListEmpty(&mutants)) return;
    if (critical_regions > 0) report_violation("a thread ended while it held a kernel mutex");
    abandon_mutants(*this);
}

constinit thread_local ThreadState* thread_state_pointer = nullptr;

ThreadState& make_thread_state() {
    thread_local ThreadState state;
    thread_state_pointer = &state;
    return state;
}

}  // namespace regent::ex
