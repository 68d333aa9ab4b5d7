// Processes and threads as the executive knows them, and whose work the calling thread does at this moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ob/handle_table.h"
#include "ob/object.h"
#include "rtl/ref.h"
#include "se/token.h"

namespace regent::ob {

// Body of a "Process" object (a driver's PEPROCESS). Its token is replaced never; internally synchronised.
class Process {
public:
    struct Start {
        std::uint32_t pid = 0;
        Utf16 image;  // full path or name of the program
        Ref<se::Token> token;
        bool system = false;
    };
    // Makes the object and enters it in the table of processes, where the first of one pid stays (a container may well
    // have a process 4 of its own). ERRORS: INSUFFICIENT_RESOURCES.
    static Result<ObjectRef<Process>> create(Start start);

    explicit Process(Start start);
    ~Process();

    std::uint32_t pid() const { return pid_; }
    const Utf16& image() const { return image_; }
    // Last component in narrow characters, 15 at most: what PsGetProcessImageFileName gives.
    const char* image_file_name() const { return image_file_name_; }
    const se::Token& token() const { return *token_; }
    const Ref<se::Token>& token_ref() const { return token_; }
    HandleTable& handles() { return *handles_; }
    std::int64_t create_time() const { return create_time_; }
    bool is_system() const { return is_system_; }
    // Closes every handle (as this process; as the calling thread when it is one of its own), leaves the table of
    // processes, signals who waits. A call of it that still runs opens no handle any more. Idempotent.
    void terminate();
    void close_all_handles();
    // Drivers were told of it, and are when it ends.
    void set_announced() { announced_.store(true, std::memory_order_release); }
    bool terminated() const { return terminated_.load(std::memory_order_acquire); }

    static constexpr std::uint32_t system_pid = 4;

private:
    alignas(8) std::byte dispatcher_header_[24] = {};  // first, as in NT's KPROCESS; signaled when the process is gone
    std::uint32_t pid_;
    bool is_system_;
    Utf16 image_;
    char image_file_name_[16] = {};
    Ref<se::Token> token_;
    std::int64_t create_time_;
    std::atomic<bool> terminated_{false};
    std::atomic<bool> announced_{false};
    // By itself: it wants whole cache lines, and an object's body gets 16 bytes' alignment.
    const std::unique_ptr<HandleTable> handles_ = std::make_unique<HandleTable>();
};

// Body of a "Thread" object (PETHREAD). Internally synchronised.
class Thread {
public:
    // Makes the object and enters it in the table of threads. ERRORS: INSUFFICIENT_RESOURCES.
    static Result<ObjectRef<Thread>> create(ObjectRef<Process> process, std::uint32_t tid);

    Thread(ObjectRef<Process> process, std::uint32_t tid);
    ~Thread();

    std::uint32_t tid() const { return tid_; }
    Process& process() const { return *process_; }
    // STATUS_PENDING while it runs.
    NTSTATUS exit_status() const { return exit_status_.load(std::memory_order_acquire); }
    // It runs no more: its requests end (the hook below), who waits for it is signaled. Idempotent.
    void exited(NTSTATUS status);
    void set_announced() { announced_.store(true, std::memory_order_release); }

    // On whose behalf it works instead of its process's; null ends it. REQUIRES: called by the thread itself, so that
    // what it reads of `impersonation` stays until it comes here again.
    void impersonate(Ref<se::Token> token);
    // For the thread itself. Null: none.
    const se::Token* impersonation() const { return impersonating_.load(std::memory_order_relaxed); }
    // For any thread.
    Ref<se::Token> impersonation_ref() const;

private:
    alignas(8) std::byte dispatcher_header_[24] = {};  // first, as in NT's KTHREAD; signaled at exit
    std::uint32_t tid_;
    ObjectRef<Process> process_;
    std::atomic<NTSTATUS> exit_status_{STATUS_PENDING};
    std::atomic<bool> announced_{false};
    std::atomic<const se::Token*> impersonating_{nullptr};
    mutable rtl::Mutex<LockRank::leaf> lock_;
    Ref<se::Token> impersonation_ RG_GUARDED_BY(lock_);
};

// What the floors above do when a thread has ended, before its object is signaled; runs in that thread where it is one
// of this program. Null: nothing.
void set_thread_exit_hook(void (*hook)(Thread& thread));

// On whose behalf the calling thread runs. Pointers are valid as long as the scope that set them.
struct Context {
    Process* process = nullptr;
    Thread* thread = nullptr;
    KPROCESSOR_MODE previous_mode = user_mode;
    // Whose rights count: the thread's impersonation token, or else its process's token.
    const se::Token& token() const {
        const se::Token* own = thread != nullptr ? thread->impersonation() : nullptr;
        return own != nullptr && &thread->process() == process ? *own : process->token();
    }
    // The same with a reference.
    Ref<se::Token> token_ref() const;
    bool kernel() const { return previous_mode == kernel_mode; }
};

namespace detail {
extern constinit thread_local Context current_context __attribute__((tls_model("initial-exec")));
void attach_default_context();
}  // namespace detail

// The calling thread's context: one thread-local access. A thread that never entered a scope works for this process
// (user mode).
inline Context& current() {
    if (detail::current_context.process == nullptr) [[unlikely]]
        detail::attach_default_context();
    return detail::current_context;
}

// Works for another process or in another mode until the scope ends; scopes nest.
class CallerScope {
public:
    CallerScope(Process& process, Thread* thread, KPROCESSOR_MODE mode) : saved_(detail::current_context) {
        detail::current_context = {&process, thread, mode};
    }
    // Only another mode (Zw calls).
    explicit CallerScope(KPROCESSOR_MODE mode) : saved_(current()) { detail::current_context.previous_mode = mode; }
    ~CallerScope() { detail::current_context = saved_; }
    CallerScope(const CallerScope&) = delete;
    CallerScope& operator=(const CallerScope&) = delete;

private:
    Context saved_;
};

// The System process (pid 4), in which drivers' threads and workers run. REQUIRES: ob::initialize().
Process& system_process();
// This very program: getpid(), getuid(), an administrator of its own executive. Made at first use.
Process& host_process();
// ERRORS: INVALID_CID.
Result<ObjectRef<Process>> find_process(std::uint32_t pid);
std::vector<ObjectRef<Process>> all_processes();
Result<ObjectRef<Thread>> find_thread(std::uint32_t tid);

// Runs body(argument) in the calling thread as one of the System process, kernel mode.
void run_as_system(void (*body)(void*), void* argument);
// A new host thread of the System process; its object is signaled when `body` returns. ERRORS: INSUFFICIENT_RESOURCES.
Result<ObjectRef<Thread>> start_system_thread(void (*body)(void*), void* argument);

}  // namespace regent::ob
