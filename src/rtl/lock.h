// Locks whose rank is part of their type. Debug builds stop on an acquisition against the order of LockRank; clang's
// thread-safety analysis checks RG_GUARDED_BY and RG_REQUIRES. docs/locking.md explains the order.
#pragma once

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define RG_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define RG_THREAD_ATTRIBUTE(x)
#endif
#define RG_CAPABILITY(name) RG_THREAD_ATTRIBUTE(capability(name))
#define RG_SCOPED_CAPABILITY RG_THREAD_ATTRIBUTE(scoped_lockable)
#define RG_GUARDED_BY(lock) RG_THREAD_ATTRIBUTE(guarded_by(lock))
#define RG_REQUIRES(...) RG_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define RG_REQUIRES_SHARED(...) RG_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define RG_EXCLUDES(...) RG_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define RG_ACQUIRE(...) RG_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RG_ACQUIRE_SHARED(...) RG_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RG_RELEASE(...) RG_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RG_RELEASE_GENERIC(...) RG_THREAD_ATTRIBUTE(release_generic_capability(__VA_ARGS__))
#define RG_NO_ANALYSIS RG_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace regent::rtl {

// Outermost first: a thread may take a lock only when every lock it holds has a smaller rank.
enum class LockRank {
    composition,     // start and stop of the executive
    gate_session,    // one per client connection
    driver_list,     // io: loaded drivers
    filter_list,     // cm: registration and unregistration of callbacks (never held over a callout)
    tm,              // tm: one per transaction
    commit,          // cm: a commit that has to be whole in several files; held over disk writes
    registry,        // cm: hive list, mounts
    transaction,     // cm: one per transaction
    hive,            // cm: one per hive, shared for reads
    intents,         // cm: which keys transactions have pending changes of
    kcb_table,       // cm: name cache shards
    notify,          // cm: armed notifications
    flusher,         // hive: disk writes
    security_cache,  // se/hive
    ob_directory,    // ob: one per directory
    handle_table,    // ob: one per process
    device,          // io: device queues and lists
    timer,           // ex: one per timer of a program
    dispatcher,      // ex: waits and signals
    work_queue,      // ex: work item queues
    pool,            // ex: tagged pool ledger
    trace,           // debug print sinks
    leaf,            // anything that calls nothing
};

#ifdef NDEBUG
inline void rank_acquired(LockRank) {}
inline void rank_released(LockRank) {}
#else
void rank_acquired(LockRank rank);  // stops the process when `rank` is not above all ranks this thread holds
void rank_released(LockRank rank);
#endif

template <LockRank Rank>
class RG_CAPABILITY("mutex") Mutex {
public:
    void lock() RG_ACQUIRE() {
        rank_acquired(Rank);
        mutex_.lock();
    }
    void unlock() RG_RELEASE() {
        mutex_.unlock();
        rank_released(Rank);
    }

private:
    std::mutex mutex_;
};

// A reader-writer lock that lets a waiting writer in before new readers: the default kind of the C library lets a
// stream of overlapping readers starve a writer for good. Not recursive, as no lock here is.
class WriterFirstLock {
public:
    WriterFirstLock() {
        pthread_rwlockattr_t attributes;
        pthread_rwlockattr_init(&attributes);
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
        pthread_rwlock_init(&lock_, &attributes);
        pthread_rwlockattr_destroy(&attributes);
    }
    ~WriterFirstLock() { pthread_rwlock_destroy(&lock_); }
    WriterFirstLock(const WriterFirstLock&) = delete;
    WriterFirstLock& operator=(const WriterFirstLock&) = delete;
    void lock() { pthread_rwlock_wrlock(&lock_); }
    void unlock() { pthread_rwlock_unlock(&lock_); }
    void lock_shared() { pthread_rwlock_rdlock(&lock_); }
    void unlock_shared() { pthread_rwlock_unlock(&lock_); }

private:
    pthread_rwlock_t lock_;
};

template <LockRank Rank>
class RG_CAPABILITY("shared_mutex") SharedMutex {
public:
    void lock() RG_ACQUIRE() {
        rank_acquired(Rank);
        mutex_.lock();
    }
    void unlock() RG_RELEASE() {
        mutex_.unlock();
        rank_released(Rank);
    }
    void lock_shared() RG_ACQUIRE_SHARED() {
        rank_acquired(Rank);
        mutex_.lock_shared();
    }
    void unlock_shared() RG_RELEASE_GENERIC() {
        mutex_.unlock_shared();
        rank_released(Rank);
    }

private:
    WriterFirstLock mutex_;
};

// Exclusive ownership of a Mutex or SharedMutex for a scope.
template <typename Lock>
class RG_SCOPED_CAPABILITY ExclusiveGuard {
public:
    explicit ExclusiveGuard(Lock& lock) RG_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    ~ExclusiveGuard() RG_RELEASE() { lock_.unlock(); }
    ExclusiveGuard(const ExclusiveGuard&) = delete;
    ExclusiveGuard& operator=(const ExclusiveGuard&) = delete;

private:
    Lock& lock_;
};

// Shared ownership of a SharedMutex for a scope.
template <typename Lock>
class RG_SCOPED_CAPABILITY SharedGuard {
public:
    explicit SharedGuard(Lock& lock) RG_ACQUIRE_SHARED(lock) : lock_(lock) { lock_.lock_shared(); }
    ~SharedGuard() RG_RELEASE_GENERIC() { lock_.unlock_shared(); }
    SharedGuard(const SharedGuard&) = delete;
    SharedGuard& operator=(const SharedGuard&) = delete;

private:
    Lock& lock_;
};

// A condition variable for any Mutex above; wait() needs the mutex held and returns with it held.
class ConditionVariable {
public:
    template <typename Lock, typename Predicate>
    void wait(Lock& lock, Predicate predicate) RG_NO_ANALYSIS {
        condition_.wait(lock, predicate);
    }
    template <typename Lock, typename Clock, typename Duration, typename Predicate>
    bool wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> deadline, Predicate predicate) RG_NO_ANALYSIS {
        return condition_.wait_until(lock, deadline, predicate);
    }
    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

private:
    std::condition_variable_any condition_;
};

}  // namespace regent::rtl

namespace regent {
using rtl::ConditionVariable;
using rtl::ExclusiveGuard;
using rtl::LockRank;
using rtl::Mutex;
using rtl::SharedGuard;
using rtl::SharedMutex;
}  // namespace regent
