// Locks of programs: critical sections, SRW locks, condition variables and one-time initialisation, each in the
// caller's own memory and valid when it is all zero, over the host's futex.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>

#include "rtl/time.h"
#include "win32/synchapi.h"
#include "win32/winerror.h"

namespace {

using Word = std::uint32_t;

// False when the time is over. Wakes may be spurious.
bool wait_on(Word* word, Word seen, const timespec* timeout = nullptr) {
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, timeout, nullptr, 0) == 0 || errno != ETIMEDOUT;
}

void wake(Word* word, int count) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0); }

Word load(Word* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
bool exchange_if(Word* word, Word expected, Word desired) {
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

// 0 free, 1 taken, 2 taken and somebody waits.
void acquire(Word* word) {
    if (exchange_if(word, 0, 1)) return;
    while (__atomic_exchange_n(word, Word{2}, __ATOMIC_ACQ_REL) != 0) wait_on(word, 2);
}

void release(Word* word) {
    if (__atomic_exchange_n(word, Word{0}, __ATOMIC_ACQ_REL) == 2) wake(word, 1);
}

// A critical section's two words: the lock, and the thread that owns it.
Word* lock_word(CRITICAL_SECTION* section) { return reinterpret_cast<Word*>(&section->OwnerAndWaiters); }
Word* owner_word(CRITICAL_SECTION* section) { return lock_word(section) + 1; }

// Asking the host for the thread's id costs a system call.
Word this_thread() {
    thread_local const Word id = GetCurrentThreadId();
    return id;
}

// An SRW lock's word: readers, or `writer`. Its second word counts releases, for those who wait.
constexpr Word writer = 0xFFFFFFFF;
Word* state_word(SRWLOCK* lock) { return reinterpret_cast<Word*>(&lock->Ptr); }
Word* turn_word(SRWLOCK* lock) { return state_word(lock) + 1; }

void released(SRWLOCK* lock) {
    __atomic_add_fetch(turn_word(lock), 1, __ATOMIC_ACQ_REL);
    wake(turn_word(lock), INT_MAX);
}

timespec time_of(DWORD milliseconds) {
    return {static_cast<time_t>(milliseconds / 1000), static_cast<long>(milliseconds % 1000) * 1000000};
}

// Waits for the variable to move on from `seen`.
bool sleep_on(Word* variable, Word seen, DWORD milliseconds) {
    const timespec time = time_of(milliseconds);
    const bool woken = wait_on(variable, seen, milliseconds == INFINITE ? nullptr : &time);
    if (!woken) SetLastError(ERROR_TIMEOUT);
    return woken;
}

Word* variable_word(CONDITION_VARIABLE* variable) { return reinterpret_cast<Word*>(&variable->Ptr); }

// One-time initialisation: the low two bits of the word are the state, the rest is the context.
constexpr ULONG_PTR once_running = 1;
constexpr ULONG_PTR once_done = 2;

}  // namespace

extern "C" {

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION lpCriticalSection) { *lpCriticalSection = {}; }
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION lpCriticalSection, DWORD) {
    *lpCriticalSection = {};
    return TRUE;
}
BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION lpCriticalSection, DWORD, DWORD) {
    *lpCriticalSection = {};
    return TRUE;
}
void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION lpCriticalSection) { *lpCriticalSection = {}; }

void WINAPI EnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
    if (load(owner_word(lpCriticalSection)) != this_thread()) {
        acquire(lock_word(lpCriticalSection));
        __atomic_store_n(owner_word(lpCriticalSection), this_thread(), __ATOMIC_RELAXED);
    }
    ++lpCriticalSection->RecursionCount;
}

BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
    if (load(owner_word(lpCriticalSection)) != this_thread()) {
        if (!exchange_if(lock_word(lpCriticalSection), 0, 1)) return FALSE;
        __atomic_store_n(owner_word(lpCriticalSection), this_thread(), __ATOMIC_RELAXED);
    }
    ++lpCriticalSection->RecursionCount;
    return TRUE;
}

void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION lpCriticalSection) {
    if (--lpCriticalSection->RecursionCount > 0) return;
    __atomic_store_n(owner_word(lpCriticalSection), Word{0}, __ATOMIC_RELAXED);
    release(lock_word(lpCriticalSection));
}

void WINAPI InitializeSRWLock(PSRWLOCK SRWLock) { SRWLock->Ptr = nullptr; }

BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK SRWLock) { return exchange_if(state_word(SRWLock), 0, writer); }

BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK SRWLock) {
    Word readers = load(state_word(SRWLock));
    while (readers < writer - 1) {
        if (exchange_if(state_word(SRWLock), readers, readers + 1)) return TRUE;
        readers = load(state_word(SRWLock));
    }
    return FALSE;
}

void WINAPI AcquireSRWLockExclusive(PSRWLOCK SRWLock) {
    for (;;) {
        const Word turn = load(turn_word(SRWLock));
        if (TryAcquireSRWLockExclusive(SRWLock)) return;
        wait_on(turn_word(SRWLock), turn);
    }
}

void WINAPI AcquireSRWLockShared(PSRWLOCK SRWLock) {
    for (;;) {
        const Word turn = load(turn_word(SRWLock));
        if (TryAcquireSRWLockShared(SRWLock)) return;
        wait_on(turn_word(SRWLock), turn);
    }
}

void WINAPI ReleaseSRWLockExclusive(PSRWLOCK SRWLock) {
    __atomic_store_n(state_word(SRWLock), Word{0}, __ATOMIC_RELEASE);
    released(SRWLock);
}

void WINAPI ReleaseSRWLockShared(PSRWLOCK SRWLock) {
    if (__atomic_sub_fetch(state_word(SRWLock), 1, __ATOMIC_ACQ_REL) == 0) released(SRWLock);
}

void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE ConditionVariable) { ConditionVariable->Ptr = nullptr; }

BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE ConditionVariable, PCRITICAL_SECTION CriticalSection,
                                     DWORD dwMilliseconds) {
    const Word seen = load(variable_word(ConditionVariable));
    LeaveCriticalSection(CriticalSection);
    const bool woken = sleep_on(variable_word(ConditionVariable), seen, dwMilliseconds);
    EnterCriticalSection(CriticalSection);
    return woken;
}

BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE ConditionVariable, PSRWLOCK SRWLock, DWORD dwMilliseconds,
                                      ULONG Flags) {
    const bool shared = (Flags & CONDITION_VARIABLE_LOCKMODE_SHARED) != 0;
    const Word seen = load(variable_word(ConditionVariable));
    shared ? ReleaseSRWLockShared(SRWLock) : ReleaseSRWLockExclusive(SRWLock);
    const bool woken = sleep_on(variable_word(ConditionVariable), seen, dwMilliseconds);
    shared ? AcquireSRWLockShared(SRWLock) : AcquireSRWLockExclusive(SRWLock);
    return woken;
}

void WINAPI WakeConditionVariable(PCONDITION_VARIABLE ConditionVariable) {
    __atomic_add_fetch(variable_word(ConditionVariable), 1, __ATOMIC_ACQ_REL);
    wake(variable_word(ConditionVariable), 1);
}

void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE ConditionVariable) {
    __atomic_add_fetch(variable_word(ConditionVariable), 1, __ATOMIC_ACQ_REL);
    wake(variable_word(ConditionVariable), INT_MAX);
}

void WINAPI InitOnceInitialize(PINIT_ONCE InitOnce) { InitOnce->Ptr = nullptr; }

// The context is a pointer whose two low bits are 0, as on Windows.
BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE InitOnce, PINIT_ONCE_FN InitFn, PVOID Parameter, LPVOID* Context) {
    auto* word = reinterpret_cast<ULONG_PTR*>(&InitOnce->Ptr);
    auto* low = reinterpret_cast<Word*>(word);
    for (;;) {
        ULONG_PTR seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if ((seen & 3) == once_done) {
            if (Context != nullptr) *Context = reinterpret_cast<PVOID>(seen & ~ULONG_PTR{3});
            return TRUE;
        }
        if (seen == once_running) {
            wait_on(low, static_cast<Word>(once_running));
            continue;
        }
        if (!__atomic_compare_exchange_n(word, &seen, once_running, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            continue;
        PVOID context = nullptr;
        const BOOL made = InitFn(InitOnce, Parameter, &context);
        const ULONG_PTR after = made ? reinterpret_cast<ULONG_PTR>(context) | once_done : 0;
        __atomic_store_n(word, after, __ATOMIC_RELEASE);
        wake(low, INT_MAX);
        if (!made) return FALSE;
    }
}
}
