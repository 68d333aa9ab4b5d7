// Threads. A thread's handle is an event that its end sets, so every wait works on it; what else Windows knows of a
// thread (its exit code, its id) is kept beside the handle's value until that is closed.
#include "win32/thread.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <unordered_map>

#include "nt/ntservices.h"
#include "rtl/lock.h"
#include "win32/predefined.h"
#include "win32/process.h"

using namespace regent;
using namespace regent::win32;

namespace {

struct Thread {
    LPTHREAD_START_ROUTINE start;
    LPVOID parameter;
    HANDLE done = nullptr;    // its own handle to the event: the creator may close his
    HANDLE object = nullptr;  // the executive's thread; known when the id is
    std::atomic<DWORD> code{STILL_ACTIVE};
    std::atomic<std::uint32_t> id{0};
    std::atomic<bool> over{false};
    std::atomic<std::uint32_t> gate{1};  // 0: created suspended and not yet resumed

    ~Thread() {
        if (object != nullptr) NtClose(object);
    }
};

// Internally synchronised by lock_; `count` spares those who never create a thread the lock.
class Threads {
public:
    void add(HANDLE handle, std::shared_ptr<Thread> thread) {
        ExclusiveGuard guard(lock_);
        threads_[handle] = std::move(thread);
        count_.store(threads_.size(), std::memory_order_relaxed);
    }
    std::shared_ptr<Thread> find(HANDLE handle) {
        if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
        ExclusiveGuard guard(lock_);
        const auto found = threads_.find(handle);
        return found == threads_.end() ? nullptr : found->second;
    }
    void remove(HANDLE handle) {
        if (count_.load(std::memory_order_relaxed) == 0) return;
        std::shared_ptr<Thread> doomed;
        ExclusiveGuard guard(lock_);
        const auto found = threads_.find(handle);
        if (found == threads_.end()) return;
        doomed = std::move(found->second);
        threads_.erase(found);
        count_.store(threads_.size(), std::memory_order_relaxed);
    }

private:
    Mutex<LockRank::leaf> lock_;
    std::unordered_map<HANDLE, std::shared_ptr<Thread>> threads_ RG_GUARDED_BY(lock_);
    std::atomic<std::size_t> count_{0};
};

Threads& threads() {
    static Threads& table = *new Threads;  // never destroyed: threads may outlive main()
    return table;
}

thread_local std::shared_ptr<Thread>* current = nullptr;

void finish(void* argument) {
    const std::unique_ptr<std::shared_ptr<Thread>> self(static_cast<std::shared_ptr<Thread>*>(argument));
    Thread& thread = **self;
    DWORD running = STILL_ACTIVE;
    thread.code.compare_exchange_strong(running, 0);
    thread.over.store(true);
    NtSetEvent(thread.done, nullptr);
    NtClose(thread.done);
    current = nullptr;
}

void* run(void* argument) {
    current = static_cast<std::shared_ptr<Thread>*>(argument);
    Thread& thread = **current;
    pthread_cleanup_push(finish, argument);  // ExitThread unwinds to here
    static_cast<void>(NtDuplicateObject(NtCurrentProcess(), NtCurrentThread(), NtCurrentProcess(), &thread.object, 0, 0,
                                        DUPLICATE_SAME_ACCESS));
    thread.id.store(GetCurrentThreadId());
    thread.id.notify_all();
    const bool suspended = thread.gate.load() == 0;
    thread.gate.wait(0);
    if (suspended) NtTestAlert();  // what was queued before it began
    thread.code.store(thread.start(thread.parameter));
    pthread_cleanup_pop(1);
    return nullptr;
}

HANDLE fail_with(DWORD error) {
    SetLastError(error);
    return nullptr;
}

bool start_detached(std::shared_ptr<Thread>* argument, SIZE_T stack_size) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // A size of Windows' is what is committed at first; too small a stack here would be the whole of it.
    constexpr SIZE_T least = SIZE_T{1} << 20;
    if (stack_size > least) pthread_attr_setstacksize(&attributes, stack_size);
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

}  // namespace

namespace regent::win32 {

void forget_thread(HANDLE handle) { threads().remove(handle); }

NTSTATUS thread_object(HANDLE handle, HANDLE* object) {
    const auto thread = threads().find(handle);
    *object = thread ? thread->object : handle;
    return thread && thread->over.load() ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

}  // namespace regent::win32

extern "C" {

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES, SIZE_T dwStackSize, LPTHREAD_START_ROUTINE lpStartAddress,
                           LPVOID lpParameter, DWORD dwCreationFlags, LPDWORD lpThreadId) {
    constexpr DWORD known = CREATE_SUSPENDED | STACK_SIZE_PARAM_IS_A_RESERVATION;
    if (lpStartAddress == nullptr || (dwCreationFlags & ~known) != 0) return fail_with(ERROR_INVALID_PARAMETER);
    const HANDLE handle = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (handle == nullptr) return nullptr;
    auto thread = std::make_shared<Thread>();
    thread->start = lpStartAddress;
    thread->parameter = lpParameter;
    if ((dwCreationFlags & CREATE_SUSPENDED) != 0) thread->gate.store(0);
    auto argument = std::make_unique<std::shared_ptr<Thread>>(thread);
    const NTSTATUS status =
        NtDuplicateObject(NtCurrentProcess(), handle, NtCurrentProcess(), &thread->done, 0, 0, DUPLICATE_SAME_ACCESS);
    if (!NT_SUCCESS(status) || !start_detached(argument.get(), dwStackSize)) {
        if (thread->done != nullptr) NtClose(thread->done);
        NtClose(handle);
        return fail_with(NT_SUCCESS(status) ? ERROR_NOT_ENOUGH_MEMORY : RtlNtStatusToDosError(status));
    }
    argument.release();  // finish() takes it
    thread->id.wait(0);
    if (lpThreadId != nullptr) *lpThreadId = thread->id.load();
    threads().add(handle, std::move(thread));
    return handle;
}

DWORD WINAPI ResumeThread(HANDLE hThread) {
    const auto thread = threads().find(hThread);
    if (!thread) {
        SetLastError(ERROR_INVALID_HANDLE);
        return 0xFFFFFFFF;
    }
    const DWORD was_suspended = thread->gate.exchange(1) == 0 ? 1 : 0;
    thread->gate.notify_all();
    return was_suspended;
}

DWORD WINAPI GetThreadId(HANDLE hThread) {
    if (hThread == NtCurrentThread()) return GetCurrentThreadId();
    const auto thread = threads().find(hThread);
    if (!thread) SetLastError(ERROR_INVALID_HANDLE);
    return thread ? thread->id.load() : 0;
}

BOOL WINAPI GetExitCodeThread(HANDLE hThread, LPDWORD lpExitCode) {
    const auto thread = threads().find(hThread);
    if (hThread == NtCurrentThread()) {
        *lpExitCode = STILL_ACTIVE;
        return TRUE;
    }
    if (!thread) {
        SetLastError(ERROR_INVALID_HANDLE);
        return FALSE;
    }
    *lpExitCode = thread->code.load();
    return TRUE;
}

void WINAPI ExitThread(DWORD dwExitCode) {
    if (current != nullptr) (*current)->code.store(dwExitCode);
    pthread_exit(nullptr);
}

void WINAPI ExitProcess(UINT uExitCode) { std::exit(static_cast<int>(uExitCode)); }

BOOL WINAPI SwitchToThread(void) { return sched_yield() == 0; }

uintptr_t _beginthreadex(void*, unsigned stack_size, unsigned(WINAPI* start)(void*), void* argument, unsigned flags,
                         unsigned* thread_id) {
    return reinterpret_cast<uintptr_t>(CreateThread(nullptr, stack_size, start, argument, flags, thread_id));
}

void _endthreadex(unsigned code) { ExitThread(code); }

DWORD WINAPI TlsAlloc(void) {
    pthread_key_t key;
    if (pthread_key_create(&key, nullptr) == 0) return key;
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return TLS_OUT_OF_INDEXES;
}

BOOL WINAPI TlsFree(DWORD dwTlsIndex) {
    if (pthread_key_delete(dwTlsIndex) == 0) return TRUE;
    SetLastError(ERROR_INVALID_PARAMETER);
    return FALSE;
}

LPVOID WINAPI TlsGetValue(DWORD dwTlsIndex) {
    SetLastError(ERROR_SUCCESS);  // null may be the value
    return pthread_getspecific(dwTlsIndex);
}

BOOL WINAPI TlsSetValue(DWORD dwTlsIndex, LPVOID lpTlsValue) {
    if (pthread_setspecific(dwTlsIndex, lpTlsValue) == 0) return TRUE;
    SetLastError(ERROR_INVALID_PARAMETER);
    return FALSE;
}
}
