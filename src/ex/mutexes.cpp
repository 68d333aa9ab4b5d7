// Fast and guarded mutexes, push locks, executive spin locks, resources: built on the words that drivers hold.
#include <cstring>

#include "ex/futex.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"

namespace regent::ex {
namespace {

// FAST_MUTEX.Count: 1 free, 0 held, -1 held and perhaps slept for.
constexpr LONG mutex_free = 1;
constexpr LONG mutex_held = 0;
constexpr LONG mutex_contended = -1;

bool try_lock(PFAST_MUTEX mutex) {
    LONG expected = mutex_free;
    return __atomic_compare_exchange_n(&mutex->Count, &expected, mutex_held, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

constexpr const char* fast_mutex = "fast mutex";
constexpr const char* guarded_mutex = "guarded mutex";
constexpr const char* push_lock = "push lock";
constexpr const char* executive_spin_lock = "executive spin lock";

void lock(PFAST_MUTEX mutex, const char* kind) {
    verifier::wants(mutex, kind);
    ThreadState& thread = thread_state();
    if (!try_lock(mutex)) {
        if (__atomic_load_n(&mutex->Owner, __ATOMIC_RELAXED) == &thread) {  // it would wait for itself for ever
            KeBugCheckEx(0xC4, 0x1000, reinterpret_cast<ULONG_PTR>(mutex), 0, 0);
        }
        __atomic_add_fetch(&mutex->Contention, 1, __ATOMIC_RELAXED);
        while (__atomic_exchange_n(&mutex->Count, mutex_contended, __ATOMIC_ACQUIRE) != mutex_free) {
            futex_wait(&mutex->Count, static_cast<std::uint32_t>(mutex_contended));
        }
    }
    __atomic_store_n(&mutex->Owner, static_cast<PVOID>(&thread), __ATOMIC_RELAXED);
}

void unlock(PFAST_MUTEX mutex) {
    verifier::gave_back(mutex);
    if (mutex->Owner != &thread_state()) KeBugCheckEx(0xC4, 0x1004, reinterpret_cast<ULONG_PTR>(mutex), 0, 0);
    __atomic_store_n(&mutex->Owner, nullptr, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&mutex->Count, mutex_free, __ATOMIC_RELEASE) == mutex_contended) {
        futex_wake(&mutex->Count, 1);
    }
}

void initialize(PFAST_MUTEX mutex) {
    std::memset(mutex, 0, sizeof *mutex);
    mutex->Count = mutex_free;
    KeInitializeEvent(&mutex->Event, SynchronizationEvent, FALSE);
}

// A reader-writer lock in 32 bits: bit 31 a writer, bit 30 somebody sleeps, below the number of readers.
class ReaderWriterWord {
public:
    explicit ReaderWriterWord(volatile void* word) : word_(static_cast<volatile std::uint32_t*>(word)) {}

    void lock_exclusive() {
        std::uint32_t value = load();
        for (;;) {
            if ((value & ~sleepers) == 0) {
                if (replace(value, value | writer)) return;
            } else {
                sleep(value);
            }
        }
    }
    void lock_shared() {
        std::uint32_t value = load();
        for (;;) {
            if ((value & writer) == 0) {
                if (replace(value, value + 1)) return;
            } else {
                sleep(value);
            }
        }
    }
    void unlock_exclusive() {
        if ((__atomic_exchange_n(word_, 0, __ATOMIC_RELEASE) & sleepers) != 0) futex_wake(word_);
    }
    void unlock_shared() {
        std::uint32_t value = load();
        for (;;) {
            const bool last = (value & ~sleepers) == 1;
            if (!replace(value, last ? 0 : value - 1)) continue;
            if (last && (value & sleepers) != 0) futex_wake(word_);
            return;
        }
    }

private:
    static constexpr std::uint32_t writer = 1u << 31;
    static constexpr std::uint32_t sleepers = 1u << 30;

    std::uint32_t load() const { return __atomic_load_n(word_, __ATOMIC_RELAXED); }
    bool replace(std::uint32_t& value, std::uint32_t desired) {
        return __atomic_compare_exchange_n(word_, &value, desired, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    void sleep(std::uint32_t& value) {
        if ((value & sleepers) == 0 && !replace(value, value | sleepers)) return;
        futex_wait(word_, value | sleepers);
        value = load();
    }

    volatile std::uint32_t* word_;
};

}  // namespace
}  // namespace regent::ex

using namespace regent::ex;

extern "C" {

VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex) { initialize(FastMutex); }

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
    verifier::at_most(APC_LEVEL, "ExAcquireFastMutex");
    const KIRQL old = KfRaiseIrql(APC_LEVEL);
    lock(FastMutex, fast_mutex);
    FastMutex->OldIrql = old;
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
    const auto old = static_cast<KIRQL>(FastMutex->OldIrql);
    unlock(FastMutex);
    KeLowerIrql(old);
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
    const KIRQL old = KfRaiseIrql(APC_LEVEL);
    if (!try_lock(FastMutex)) {
        KeLowerIrql(old);
        return FALSE;
    }
    verifier::took(FastMutex, fast_mutex);
    FastMutex->Owner = &thread_state();
    FastMutex->OldIrql = old;
    return TRUE;
}

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) { lock(FastMutex, fast_mutex); }
VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) { unlock(FastMutex); }

VOID KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) { initialize(Mutex); }

VOID KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
    verifier::at_most(APC_LEVEL, "KeAcquireGuardedMutex");
    KeEnterGuardedRegion();
    lock(Mutex, guarded_mutex);
}

VOID KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex) {
    unlock(Mutex);
    KeLeaveGuardedRegion();
}

BOOLEAN KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
    if (!try_lock(Mutex)) return FALSE;
    verifier::took(Mutex, guarded_mutex);
    KeEnterGuardedRegion();
    Mutex->Owner = &thread_state();
    return TRUE;
}

KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    verifier::wants(SpinLock, executive_spin_lock);
    ReaderWriterWord(SpinLock).lock_exclusive();
    return old;
}

KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock) {
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    verifier::wants(SpinLock, executive_spin_lock);
    ReaderWriterWord(SpinLock).lock_shared();
    return old;
}

VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
    verifier::gave_back(SpinLock);
    ReaderWriterWord(SpinLock).unlock_exclusive();
    KeLowerIrql(OldIrql);
}

VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
    verifier::gave_back(SpinLock);
    ReaderWriterWord(SpinLock).unlock_shared();
    KeLowerIrql(OldIrql);
}

VOID ExInitializePushLock(PEX_PUSH_LOCK PushLock) { __atomic_store_n(PushLock, 0, __ATOMIC_RELEASE); }
VOID ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG) {
    verifier::at_most(APC_LEVEL, "ExAcquirePushLockExclusive");
    verifier::wants(PushLock, push_lock);
    ReaderWriterWord(PushLock).lock_exclusive();
}
VOID ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG) {
    verifier::at_most(APC_LEVEL, "ExAcquirePushLockShared");
    verifier::wants(PushLock, push_lock);
    ReaderWriterWord(PushLock).lock_shared();
}
VOID ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG) {
    verifier::gave_back(PushLock);
    ReaderWriterWord(PushLock).unlock_exclusive();
}
VOID ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG) {
    verifier::gave_back(PushLock);
    ReaderWriterWord(PushLock).unlock_shared();
}

}  // extern "C"
