#include "ex/dispatcher.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "ex/rundown.h"

namespace regent::ex {
namespace {

LARGE_INTEGER relative_ms(LONGLONG ms) {
    LARGE_INTEGER time;
    time.QuadPart = -ms * 10'000;
    return time;
}

NTSTATUS poll(PVOID object) {
    LARGE_INTEGER zero;
    zero.QuadPart = 0;
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &zero);
}

TEST(Event, synchronization_event_is_reset_by_one_wait) {
    KEVENT event;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
    EXPECT_EQ(KeSetEvent(&event, 0, FALSE), 0);
    EXPECT_NE(KeSetEvent(&event, 0, FALSE), 0);
    EXPECT_EQ(poll(&event), STATUS_SUCCESS);
    EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
}

TEST(Event, notification_event_stays_set_and_wakes_all) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    std::vector<std::thread> threads;
    std::atomic<int> woken{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            if (wait(event.Header) == STATUS_SUCCESS) ++woken;
        });
    }
    // Most wait by then; the test holds either way.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // style: allow
    KeSetEvent(&event, 0, FALSE);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(woken, 4);
    EXPECT_EQ(KeReadStateEvent(&event), 1);
    EXPECT_EQ(KeResetEvent(&event), 1);
    EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
}

TEST(Event, waiter_may_free_the_event_at_once) {
    for (int i = 0; i < 2000; ++i) {
        auto event = std::make_unique<KEVENT>();
        KeInitializeEvent(event.get(), NotificationEvent, FALSE);
        std::thread setter([raw = event.get()] { KeSetEvent(raw, 0, FALSE); });
        EXPECT_EQ(wait(event->Header), STATUS_SUCCESS);
        memset(event.get(), 0xDD, sizeof *event);
        event.reset();
        setter.join();
    }
}

TEST(Event, every_set_of_a_synchronization_event_releases_one_waiter) {
    KEVENT ping;
    KEVENT pong;
    KeInitializeEvent(&ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&pong, SynchronizationEvent, FALSE);
    constexpr int rounds = 5000;
    std::thread partner([&] {
        for (int i = 0; i < rounds; ++i) {
            wait(ping.Header);
            KeSetEvent(&pong, 0, FALSE);
        }
    });
    for (int i = 0; i < rounds; ++i) {
        KeSetEvent(&ping, 0, FALSE);
        ASSERT_EQ(wait(pong.Header), STATUS_SUCCESS);
    }
    partner.join();
}

TEST(Wait, times_out_relative_and_absolute) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    LARGE_INTEGER timeout = relative_ms(20);
    const ULONGLONG start = KeQueryInterruptTime();
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
    EXPECT_GE(KeQueryInterruptTime() - start, 200'000u);
    KeQuerySystemTimePrecise(&timeout);
    timeout.QuadPart += 200'000;
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
    timeout.QuadPart = 1;  // long ago
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
    timeout.QuadPart = INT64_MIN + 1;  // later than the clock can say: forever
    std::thread setter([&] { KeSetEvent(&event, 0, FALSE); });
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_SUCCESS);
    setter.join();
}

TEST(Wait, any_gives_the_lowest_ready_index) {
    KEVENT events[3];
    PVOID objects[3];
    for (int i = 0; i < 3; ++i) {
        KeInitializeEvent(&events[i], SynchronizationEvent, i > 0);
        objects[i] = &events[i];
    }
    EXPECT_EQ(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr), 1);
    EXPECT_EQ(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr), 2);
    LARGE_INTEGER timeout = relative_ms(5);
    EXPECT_EQ(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, &timeout, nullptr),
              STATUS_TIMEOUT);
}

TEST(Wait, all_takes_nothing_until_everything_is_ready) {
    KEVENT first;
    KSEMAPHORE second;
    KeInitializeEvent(&first, SynchronizationEvent, TRUE);
    KeInitializeSemaphore(&second, 0, 10);
    PVOID objects[] = {&first, &second};
    LARGE_INTEGER timeout = relative_ms(5);
    EXPECT_EQ(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &timeout, nullptr),
              STATUS_TIMEOUT);
    EXPECT_EQ(KeReadStateEvent(&first), 1);
    std::thread releaser([&] { KeReleaseSemaphore(&second, 0, 2, FALSE); });
    EXPECT_EQ(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr),
              STATUS_SUCCESS);
    releaser.join();
    EXPECT_EQ(KeReadStateEvent(&first), 0);
    EXPECT_EQ(KeReadStateSemaphore(&second), 1);
}

TEST(Wait, checks_its_arguments) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    DISPATCHER_HEADER* twice[] = {&event.Header, &event.Header};
    EXPECT_EQ(wait({}, WaitAny, false, nullptr), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(wait(twice, WaitAll, false, nullptr), STATUS_INVALID_PARAMETER_MIX);
    EXPECT_EQ(wait(twice, WaitAny, false, nullptr), STATUS_SUCCESS);
    std::vector<DISPATCHER_HEADER*> many(65, &event.Header);
    EXPECT_EQ(wait(many, WaitAny, false, nullptr), STATUS_INVALID_PARAMETER);
}

TEST(Wait, alert_breaks_only_alertable_waits) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    alert(thread_state());
    LARGE_INTEGER timeout = relative_ms(1);
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
    EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, nullptr), STATUS_ALERTED);
    EXPECT_EQ(delay(true, &timeout), STATUS_SUCCESS);
}

TEST(Wait, interrupt_ends_user_mode_waits_of_another_thread) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    std::atomic<ThreadState*> state{nullptr};
    NTSTATUS status = STATUS_SUCCESS;
    std::thread sleeper([&] {
        state = &thread_state();
        status = KeWaitForSingleObject(&event, UserRequest, UserMode, FALSE, nullptr);
    });
    while (state == nullptr) std::this_thread::yield();
    interrupt(*state);
    sleeper.join();
    EXPECT_EQ(status, STATUS_THREAD_IS_TERMINATING);
}

TEST(Mutant, is_recursive_and_belongs_to_a_thread) {
    KMUTANT mutant;
    KeInitializeMutant(&mutant, FALSE);
    EXPECT_EQ(wait(mutant.Header), STATUS_SUCCESS);
    EXPECT_EQ(wait(mutant.Header), STATUS_SUCCESS);
    NTSTATUS other = STATUS_SUCCESS;
    NTSTATUS release = STATUS_SUCCESS;
    std::thread([&] {
        other = poll(&mutant);
        release = release_mutant(mutant, nullptr);
    }).join();
    EXPECT_EQ(other, STATUS_TIMEOUT);
    EXPECT_EQ(release, STATUS_MUTANT_NOT_OWNED);
    LONG previous = 7;
    EXPECT_EQ(release_mutant(mutant, &previous), STATUS_SUCCESS);
    EXPECT_EQ(previous, -1);
    EXPECT_EQ(release_mutant(mutant, &previous), STATUS_SUCCESS);
    EXPECT_EQ(previous, 0);
    EXPECT_EQ(KeReadStateMutex(&mutant), 1);
}

TEST(Mutant, is_abandoned_when_its_thread_ends) {
    KMUTANT mutant;
    KeInitializeMutant(&mutant, FALSE);
    std::thread([&] { wait(mutant.Header); }).join();
    EXPECT_EQ(poll(&mutant), STATUS_ABANDONED_WAIT_0);
    EXPECT_EQ(release_mutant(mutant, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(poll(&mutant), STATUS_SUCCESS);
    EXPECT_EQ(release_mutant(mutant, nullptr), STATUS_SUCCESS);
}

TEST(Semaphore, counts_and_has_a_limit) {
    KSEMAPHORE semaphore;
    KeInitializeSemaphore(&semaphore, 1, 2);
    EXPECT_EQ(KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 1);
    EXPECT_EQ(release_semaphore(semaphore, 1, nullptr), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQ(poll(&semaphore), STATUS_SUCCESS);
    EXPECT_EQ(poll(&semaphore), STATUS_SUCCESS);
    EXPECT_EQ(poll(&semaphore), STATUS_TIMEOUT);
}

TEST(Rundown, waits_for_the_last_user_and_lets_no_new_one_in) {
    RundownRef ref;
    ASSERT_TRUE(ref.acquire());
    std::atomic<bool> over{false};
    std::thread owner([&] {
        ref.wait();
        over = true;
    });
    while (ref.acquire()) {
        ref.release();
        std::this_thread::yield();
    }
    EXPECT_FALSE(over);
    ref.release();
    owner.join();
    EXPECT_FALSE(RundownGuard(ref));
    ref.reinitialize();
    EXPECT_TRUE(RundownGuard(ref));
}

}  // namespace
}  // namespace regent::ex
