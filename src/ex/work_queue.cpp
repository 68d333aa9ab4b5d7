#include "ex/work_queue.h"

#include <pthread.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/hooks.h"
#include "ex/system_thread.h"
#include "rtl/lock.h"

namespace regent::ex {
namespace {

// One queue and its workers. A worker is added when an item arrives and none is idle, up to max_workers: two items
// that wait for each other must not starve.
class Queue {
public:
    Queue(const char* name, std::size_t max_workers) : name_(name), max_workers_(max_workers) {
        InitializeListHead(&items_);
    }

    void push(WORK_QUEUE_ITEM& item) {
        bool spawn = false;
        {
            ExclusiveGuard guard(lock_);
            InsertTailList(&items_, &item.List);
            ++queued_;
            spawn = queued_ > idle_ && workers_ < max_workers_;
            if (spawn) ++workers_;
        }
        changed_.notify_one();
        if (spawn) spawn_system_thread(name_, [](void* queue) { static_cast<Queue*>(queue)->work(); }, this);
    }

    void find_items(DriverId driver, std::vector<const void*>& routines) {
        const auto add = [&](PWORKER_THREAD_ROUTINE routine) {
            const auto* const address = reinterpret_cast<const void*>(routine);
            if (driver_of(address) == driver) routines.push_back(address);
        };
        ExclusiveGuard guard(lock_);
        for (const LIST_ENTRY* entry = items_.Flink; entry != &items_; entry = entry->Flink)
            add(CONTAINING_RECORD(entry, const WORK_QUEUE_ITEM, List)->WorkerRoutine);
        for (const PWORKER_THREAD_ROUTINE running : running_) add(running);
    }

    bool has_items(DriverId driver) {
        std::vector<const void*> routines;
        find_items(driver, routines);
        return !routines.empty();
    }

    void drain(DriverId driver) {
        while (has_items(driver)) {
            ExclusiveGuard guard(lock_);
            const std::uint64_t seen = finished_;
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
            done_.wait_until(lock_, deadline, [&]() RG_NO_ANALYSIS { return finished_ != seen; });
        }
    }

private:
    void work() {
        for (;;) run(pop());
    }

    struct Job {
        PWORKER_THREAD_ROUTINE routine = nullptr;
        PVOID parameter = nullptr;
    };

    // The item is the caller's again as soon as this returns.
    Job pop() {
        ExclusiveGuard guard(lock_);
        ++idle_;
        changed_.wait(lock_, [this]() RG_NO_ANALYSIS { return !IsListEmpty(&items_); });
        --idle_;
        --queued_;
        auto* item = CONTAINING_RECORD(RemoveHeadList(&items_), WORK_QUEUE_ITEM, List);
        Job job;
        job.routine = item->WorkerRoutine;
        job.parameter = item->Parameter;
        running_.push_back(job.routine);
        __atomic_store_n(&item->List.Flink, nullptr, __ATOMIC_RELEASE);
        return job;
    }

    void run(const Job& job) {
        call_driver("work item", job.routine, job.parameter);
        {
            ExclusiveGuard guard(lock_);
            for (std::size_t i = 0; i < running_.size(); ++i) {
                if (running_[i] != job.routine) continue;
                running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
                break;
            }
            ++finished_;
        }
        done_.notify_all();
    }

    const char* name_;
    const std::size_t max_workers_;
    Mutex<LockRank::work_queue> lock_;
    ConditionVariable changed_;
    ConditionVariable done_;
    LIST_ENTRY items_ RG_GUARDED_BY(lock_);
    std::vector<PWORKER_THREAD_ROUTINE> running_ RG_GUARDED_BY(lock_);
    std::size_t queued_ RG_GUARDED_BY(lock_) = 0;
    std::size_t idle_ RG_GUARDED_BY(lock_) = 0;
    std::size_t workers_ RG_GUARDED_BY(lock_) = 0;
    std::uint64_t finished_ RG_GUARDED_BY(lock_) = 0;
};

struct Queues {
    Queue delayed{"rg-delayed", 16};
    Queue critical{"rg-critical", 8};
    Queue hypercritical{"rg-hyper", 4};
};

// Never destroyed: its threads run until the process ends.
Queues& queues() {
    static Queues* instance = new Queues;
    return *instance;
}

Queue& queue_of(WORK_QUEUE_TYPE type) {
    switch (type) {
        case CriticalWorkQueue:
        case RealTimeWorkQueue:
            return queues().critical;
        case HyperCriticalWorkQueue:
        case SuperCriticalWorkQueue:
            return queues().hypercritical;
        default:
            return queues().delayed;
    }
}

}  // namespace

void spawn_system_thread(const char* name, void (*body)(void*), void* argument) {
    std::thread thread([body, argument] { run_as_system(body, argument); });
    pthread_setname_np(thread.native_handle(), name);
    thread.detach();
}

void start_system_thread(void (*body)(void*), void* argument) { spawn_system_thread("rg-system", body, argument); }

void queue_work(WORK_QUEUE_ITEM& item, WORK_QUEUE_TYPE type) { queue_of(type).push(item); }

std::vector<const void*> work_of(DriverId driver) {
    Queues& all = queues();
    std::vector<const void*> routines;
    all.delayed.find_items(driver, routines);
    all.critical.find_items(driver, routines);
    all.hypercritical.find_items(driver, routines);
    return routines;
}

void drain_work_items(DriverId driver) {
    // A routine may queue to another queue before it returns.
    while (!work_of(driver).empty()) {
        queues().delayed.drain(driver);
        queues().critical.drain(driver);
        queues().hypercritical.drain(driver);
    }
}

}  // namespace regent::ex

extern "C" VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType) {
    regent::ex::queue_work(*WorkItem, QueueType);
}
