#include "ob/process.h"

#include <unistd.h>

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "ex/apc.h"
#include "ex/dispatcher.h"
#include "ex/thread_state.h"
#include "ob/handle.h"
#include "ob/namespace.h"
#include "ob/notify.h"
#include "rtl/time.h"

namespace regent::ob {
namespace {

static_assert(sizeof(DISPATCHER_HEADER) == 24 && alignof(DISPATCHER_HEADER) == 8);

// Who is there by number. The tables hold no references: an object leaves them when it is destroyed.
template <typename T>
class IdTable {
public:
    void insert(std::uint32_t id, T* body) {
        ExclusiveGuard guard(lock_);
        table_.try_emplace(id, body);
    }
    void remove(std::uint32_t id, T* body) {
        ExclusiveGuard guard(lock_);
        auto found = table_.find(id);
        if (found != table_.end() && found->second == body) table_.erase(found);
    }
    ObjectRef<T> find(std::uint32_t id) {
        ExclusiveGuard guard(lock_);
        auto found = table_.find(id);
        if (found == table_.end() || !try_reference(found->second)) return nullptr;
        return ObjectRef<T>::adopt(found->second);
    }

    std::vector<ObjectRef<T>> all() {
        std::vector<ObjectRef<T>> found;
        ExclusiveGuard guard(lock_);
        for (const auto& [id, body] : table_) {
            if (try_reference(body)) found.push_back(ObjectRef<T>::adopt(body));
        }
        return found;
    }

private:
    rtl::Mutex<LockRank::leaf> lock_;
    std::unordered_map<std::uint32_t, T*> table_ RG_GUARDED_BY(lock_);
};

// Never destroyed: threads may end after the program's static objects.
IdTable<Process>& process_table() {
    static auto& table = *new IdTable<Process>;
    return table;
}
IdTable<Thread>& thread_table() {
    static auto& table = *new IdTable<Thread>;
    return table;
}

DISPATCHER_HEADER& header_in(std::byte* storage) { return *reinterpret_cast<DISPATCHER_HEADER*>(storage); }

// The last component of the image, as narrow text of at most 15 characters.
void copy_file_name(const Utf16& image, char (&out)[16]) {
    std::size_t start = image.find_last_of(u"\\/");
    std::string name = rtl::to_utf8(Utf16View(image).substr(start == Utf16::npos ? 0 : start + 1));
    name.copy(out, sizeof(out) - 1);
}

Process& make_process(Process::Start start) {
    auto made = Process::create(std::move(start));
    RG_ASSERT(made.has_value());
    return *made->release();
}

}  // namespace

Process::Process(Start start)
    : pid_(start.pid),
      is_system_(start.system),
      image_(std::move(start.image)),
      token_(std::move(start.token)),
      create_time_(rtl::nt_time_now()) {
    copy_file_name(image_, image_file_name_);
    ex::initialize_header(header_in(dispatcher_header_), ProcessObject, false);
}

Process::~Process() { process_table().remove(pid_, this); }

Result<ObjectRef<Process>> Process::create(Start start) {
    auto process = RG_TRY(create_body<Process>(types::process(), std::move(start)));
    process_table().insert(process->pid(), process.get());
    return process;
}

void Process::terminate() {
    if (terminated_.exchange(true, std::memory_order_acq_rel)) return;
    if (announced_.load(std::memory_order_acquire)) announce_end(*this);
    handles_->refuse_inserts();
    close_all_handles();
    process_table().remove(pid_, this);
    ex::signal(header_in(dispatcher_header_));
}

void Process::close_all_handles() {
    // Whoever sees the closes sees them done by this process, whichever thread clears up after it.
    Thread* const caller = current().thread;
    Thread* const own = caller != nullptr && &caller->process() == this ? caller : nullptr;
    CallerScope scope(*this, own, kernel_mode);
    std::uint32_t index = 0;
    while (auto entry = handles_->remove_next(index)) release_handle(*this, std::move(*entry), (index - 1) << 2);
}

Thread::Thread(ObjectRef<Process> process, std::uint32_t tid) : tid_(tid), process_(std::move(process)) {
    ex::initialize_header(header_in(dispatcher_header_), ThreadObject, false);
}

Thread::~Thread() { thread_table().remove(tid_, this); }

Result<ObjectRef<Thread>> Thread::create(ObjectRef<Process> process, std::uint32_t tid) {
    auto thread = RG_TRY(create_body<Thread>(types::thread(), std::move(process), tid));
    thread_table().insert(tid, thread.get());
    return thread;
}

void Thread::impersonate(Ref<se::Token> token) {
    ExclusiveGuard guard(lock_);
    impersonating_.store(token.get(), std::memory_order_relaxed);
    std::swap(impersonation_, token);
}

Ref<se::Token> Thread::impersonation_ref() const {
    ExclusiveGuard guard(lock_);
    return impersonation_;
}

Ref<se::Token> Context::token_ref() const { return Ref<se::Token>::retain(const_cast<se::Token*>(&token())); }

namespace {
std::atomic<void (*)(Thread&)> thread_exit_hook{nullptr};
}  // namespace

void set_thread_exit_hook(void (*hook)(Thread& thread)) { thread_exit_hook.store(hook, std::memory_order_release); }

void Thread::exited(NTSTATUS status) {
    NTSTATUS running = STATUS_PENDING;
    if (!exit_status_.compare_exchange_strong(running, status)) return;
    if (announced_.load(std::memory_order_acquire)) announce_end(*this);
    if (auto* hook = thread_exit_hook.load(std::memory_order_acquire)) hook(*this);
    // Work on behalf of System ends on threads that go on.
    if (current().thread == this && process_.get() == &host_process())
        if (const auto apcs = ex::find_apc_queue(tid_)) apcs->close();
    thread_table().remove(tid_, this);
    ex::signal(header_in(dispatcher_header_));
}

namespace {

Utf16 own_image() {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    return rtl::from_utf8({path, length > 0 ? static_cast<std::size_t>(length) : 0});
}

Ref<se::Token> own_token() {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
    int count = getgroups(static_cast<int>(groups.size()), groups.data());
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    return se::Token::for_administrator(geteuid(), getegid(), groups);
}

// Set when the thread's OwnThread is gone: exit handlers and other thread-locals' destructors still ask for a context.
constinit thread_local bool own_thread_over = false;

// The Thread object of a host thread that works for this program; goes with the host thread.
struct OwnThread {
    ObjectRef<Thread> thread;
    ~OwnThread() {
        if (thread) thread->exited(STATUS_SUCCESS);
        own_thread_over = true;
        detail::current_context = {};
    }
};
thread_local OwnThread own_thread;

}  // namespace

Process& system_process() {
    static Process& system = make_process({Process::system_pid, u"System", se::Token::system(), true});
    return system;
}

Process& host_process() {
    static Process& host = make_process({static_cast<std::uint32_t>(getpid()), own_image(), own_token()});
    return host;
}

Result<ObjectRef<Process>> find_process(std::uint32_t pid) {
    auto found = process_table().find(pid);
    if (!found) return fail(STATUS_INVALID_CID);
    return found;
}

std::vector<ObjectRef<Process>> all_processes() { return process_table().all(); }

Result<ObjectRef<Thread>> find_thread(std::uint32_t tid) {
    auto found = thread_table().find(tid);
    if (!found) return fail(STATUS_INVALID_CID);
    return found;
}

namespace detail {

constinit thread_local Context current_context __attribute__((tls_model("initial-exec")));

void attach_default_context() {
    Process& host = host_process();
    if (own_thread_over) {
        // One that nobody gives back: what works after the thread's end may keep pointing to it until the process ends.
        auto late = Thread::create(ObjectRef<Process>::retain(&host), static_cast<std::uint32_t>(gettid()));
        current_context = {&host, late ? late->release() : nullptr, user_mode};
        return;
    }
    static_cast<void>(
        ex::thread_state());  // made before own_thread, so that it is there when drivers are told of its end
    const bool is_new = !own_thread.thread;
    if (is_new) {
        auto made = Thread::create(ObjectRef<Process>::retain(&host), static_cast<std::uint32_t>(gettid()));
        if (made) own_thread.thread = std::move(*made);
    }
    current_context = {&host, own_thread.thread.get(), user_mode};
    if (is_new && own_thread.thread) announce_thread(*own_thread.thread);
}

}  // namespace detail

}  // namespace regent::ob
