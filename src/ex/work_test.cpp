#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "ex/bugcheck.h"
#include "ex/dispatcher.h"
#include "ex/hooks.h"
#include "ex/work_queue.h"

namespace regent::ex {
namespace {

struct Job {
    WORK_QUEUE_ITEM item;
    KEVENT done;
    int runs = 0;
};

void run_job(PVOID parameter) {
    Job& job = *static_cast<Job*>(parameter);
    if (++job.runs < 3) {
        ExQueueWorkItem(&job.item, DelayedWorkQueue);  // legal: the item was dequeued before this call
    } else {
        KeSetEvent(&job.done, 0, FALSE);
    }
}

TEST(WorkQueue, item_may_be_queued_again_from_its_routine) {
    Job job;
    KeInitializeEvent(&job.done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&job.item, run_job, &job);
    ExQueueWorkItem(&job.item, CriticalWorkQueue);
    EXPECT_EQ(wait(job.done.Header), STATUS_SUCCESS);
    EXPECT_EQ(job.runs, 3);
    drain_work_items(0);
    EXPECT_TRUE(work_of(0).empty());
}

struct Pair {
    KEVENT first;
    KEVENT second;
};

TEST(WorkQueue, items_that_wait_for_each_other_both_run) {
    Pair pair;
    KeInitializeEvent(&pair.first, NotificationEvent, FALSE);
    KeInitializeEvent(&pair.second, NotificationEvent, FALSE);
    WORK_QUEUE_ITEM waits;
    WORK_QUEUE_ITEM sets;
    ExInitializeWorkItem(
        &waits,
        [](PVOID p) {
            wait(static_cast<Pair*>(p)->first.Header);
            KeSetEvent(&static_cast<Pair*>(p)->second, 0, FALSE);
        },
        &pair);
    ExInitializeWorkItem(&sets, [](PVOID p) { KeSetEvent(&static_cast<Pair*>(p)->first, 0, FALSE); }, &pair);
    ExQueueWorkItem(&waits, DelayedWorkQueue);
    ExQueueWorkItem(&sets, DelayedWorkQueue);
    EXPECT_EQ(wait(pair.second.Header), STATUS_SUCCESS);
    drain_work_items(0);
}

struct Ticker {
    KTIMER timer;
    KDPC dpc;
    std::atomic<int> ticks{0};
    std::atomic<int> irql{-1};
};

void tick(PKDPC, PVOID context, PVOID, PVOID) {
    auto& ticker = *static_cast<Ticker*>(context);
    ticker.irql = KeGetCurrentIrql();
    ++ticker.ticks;
}

LARGE_INTEGER ms(LONGLONG value) {
    LARGE_INTEGER time;
    time.QuadPart = -value * 10'000;
    return time;
}

TEST(Timer, runs_its_dpc_and_stays_signaled) {
    Ticker ticker;
    KeInitializeTimer(&ticker.timer);
    KeInitializeDpc(&ticker.dpc, tick, &ticker);
    EXPECT_FALSE(KeSetTimer(&ticker.timer, ms(10'000), &ticker.dpc));
    EXPECT_TRUE(KeSetTimer(&ticker.timer, ms(5), &ticker.dpc));
    EXPECT_EQ(wait(ticker.timer.Header), STATUS_SUCCESS);
    KeFlushQueuedDpcs();
    EXPECT_EQ(ticker.ticks, 1);
    EXPECT_EQ(ticker.irql, DISPATCH_LEVEL);
    EXPECT_TRUE(KeReadStateTimer(&ticker.timer));
    EXPECT_FALSE(KeCancelTimer(&ticker.timer));
}

TEST(Timer, periodic_goes_on_until_cancelled) {
    Ticker ticker;
    KeInitializeTimerEx(&ticker.timer, SynchronizationTimer);
    KeInitializeDpc(&ticker.dpc, tick, &ticker);
    KeSetTimerEx(&ticker.timer, ms(1), 2, &ticker.dpc);
    while (ticker.ticks < 3) std::this_thread::yield();
    EXPECT_TRUE(KeCancelTimer(&ticker.timer));
    KeFlushQueuedDpcs();
    const int ticks = ticker.ticks;
    LARGE_INTEGER pause = ms(10);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    EXPECT_EQ(ticker.ticks, ticks);
    EXPECT_TRUE(timers_of(0).empty());
}

TEST(Dpc, is_queued_once_and_may_be_removed) {
    KEVENT gate;
    KEVENT reached;
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    KeInitializeEvent(&reached, NotificationEvent, FALSE);
    struct Blocker {
        KEVENT* gate;
        KEVENT* reached;
    } blocker{&gate, &reached};
    KDPC busy;
    KeInitializeDpc(
        &busy,
        [](PKDPC, PVOID context, PVOID, PVOID) {
            auto* self = static_cast<Blocker*>(context);
            KeSetEvent(self->reached, 0, FALSE);
            while (KeReadStateEvent(self->gate) == 0) std::this_thread::yield();
        },
        &blocker);
    Ticker ticker;
    KeInitializeDpc(&ticker.dpc, tick, &ticker);
    EXPECT_TRUE(KeInsertQueueDpc(&busy, nullptr, nullptr));
    wait(reached.Header);
    EXPECT_TRUE(KeInsertQueueDpc(&ticker.dpc, nullptr, nullptr));
    EXPECT_FALSE(KeInsertQueueDpc(&ticker.dpc, nullptr, nullptr));
    EXPECT_TRUE(KeRemoveQueueDpc(&ticker.dpc));
    EXPECT_FALSE(KeRemoveQueueDpc(&ticker.dpc));
    EXPECT_TRUE(KeInsertQueueDpc(&ticker.dpc, nullptr, nullptr));
    KeSetEvent(&gate, 0, FALSE);
    KeFlushQueuedDpcs();
    EXPECT_EQ(ticker.ticks, 1);
}

TEST(Clock, counters_run_forward_and_agree) {
    LARGE_INTEGER frequency;
    const LARGE_INTEGER first = KeQueryPerformanceCounter(&frequency);
    const ULONGLONG start = KeQueryInterruptTime();
    LARGE_INTEGER pause = ms(30);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    const double counted = static_cast<double>(KeQueryPerformanceCounter(nullptr).QuadPart - first.QuadPart) /
                           static_cast<double>(frequency.QuadPart);
    const double elapsed = static_cast<double>(KeQueryInterruptTime() - start) / 1e7;
    EXPECT_NEAR(counted, elapsed, 0.01);
    LARGE_INTEGER coarse;
    LARGE_INTEGER precise;
    KeQuerySystemTime(&coarse);
    KeQuerySystemTimePrecise(&precise);
    EXPECT_NEAR(static_cast<double>(coarse.QuadPart), static_cast<double>(precise.QuadPart), 2e6);
}

}  // namespace
}  // namespace regent::ex
