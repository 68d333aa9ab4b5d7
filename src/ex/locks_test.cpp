#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"

namespace regent::ex {
namespace {

// Four threads add to a plain number under the lock.
template <typename Acquire, typename Release>
int count_under(Acquire acquire, Release release) {
    constexpr int rounds = 20000;
    int number = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < rounds; ++j) {
                const auto saved = acquire();
                ++number;
                release(saved);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    return number - 4 * rounds;
}

TEST(Locks, exclude) {
    KSPIN_LOCK spin;
    KeInitializeSpinLock(&spin);
    EXPECT_EQ(0, count_under([&] { return KeAcquireSpinLockRaiseToDpc(&spin); },
                             [&](KIRQL irql) { KeReleaseSpinLock(&spin, irql); }));
    FAST_MUTEX fast;
    ExInitializeFastMutex(&fast);
    EXPECT_EQ(0, count_under([&] { return ExAcquireFastMutex(&fast), 0; }, [&](int) { ExReleaseFastMutex(&fast); }));
    KGUARDED_MUTEX guarded;
    KeInitializeGuardedMutex(&guarded);
    EXPECT_EQ(0, count_under([&] { return KeAcquireGuardedMutex(&guarded), 0; },
                             [&](int) { KeReleaseGuardedMutex(&guarded); }));
    EX_SPIN_LOCK rw = 0;
    EXPECT_EQ(0, count_under([&] { return ExAcquireSpinLockExclusive(&rw); },
                             [&](KIRQL irql) { ExReleaseSpinLockExclusive(&rw, irql); }));
    EX_PUSH_LOCK push = 0;
    EXPECT_EQ(0, count_under([&] { return ExAcquirePushLockExclusive(&push), 0; },
                             [&](int) { ExReleasePushLockExclusive(&push); }));
    ERESOURCE resource;
    ExInitializeResourceLite(&resource);
    EXPECT_EQ(0, count_under([&] { return ExAcquireResourceExclusiveLite(&resource, TRUE); },
                             [&](BOOLEAN) { ExReleaseResourceLite(&resource); }));
}

TEST(Locks, irql_follows_them) {
    KSPIN_LOCK spin = 0;
    KIRQL old = 9;
    KeAcquireSpinLock(&spin, &old);
    EXPECT_EQ(old, PASSIVE_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLock(&spin, old);
    FAST_MUTEX fast;
    ExInitializeFastMutex(&fast);
    ExAcquireFastMutex(&fast);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    EXPECT_TRUE(KeAreAllApcsDisabled());
    BOOLEAN got = TRUE;
    std::thread([&] { got = ExTryToAcquireFastMutex(&fast); }).join();
    EXPECT_FALSE(got);
    ExReleaseFastMutex(&fast);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(Locks, readers_share_and_writers_do_not) {
    ERESOURCE resource;
    ExInitializeResourceLite(&resource);
    EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));
    EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));
    BOOLEAN shared = FALSE;
    BOOLEAN exclusive = TRUE;
    std::thread([&] {
        shared = ExAcquireResourceSharedLite(&resource, FALSE);
        exclusive = ExAcquireResourceExclusiveLite(&resource, FALSE);
        ExReleaseResourceLite(&resource);
    }).join();
    EXPECT_TRUE(shared);
    EXPECT_FALSE(exclusive);
    ExReleaseResourceLite(&resource);
    ExReleaseResourceLite(&resource);
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, FALSE));
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, FALSE));
    ExReleaseResourceLite(&resource);
    EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&resource));
    ExReleaseResourceLite(&resource);
    EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&resource));
}

TEST(LocksDeathTest, wrong_use_stops_with_a_report) {
    EXPECT_DEATH(
        {
            KSPIN_LOCK spin = 0;
            KeAcquireSpinLockAtDpcLevel(&spin);
            KeAcquireSpinLockAtDpcLevel(&spin);
        },
        "SPIN_LOCK_ALREADY_OWNED");
    EXPECT_DEATH(
        {
            FAST_MUTEX fast;
            ExInitializeFastMutex(&fast);
            ExAcquireFastMutex(&fast);
            ExAcquireFastMutex(&fast);
        },
        "DRIVER_VERIFIER_DETECTED_VIOLATION");
    EXPECT_DEATH(
        {
            ERESOURCE resource;
            ExInitializeResourceLite(&resource);
            ExReleaseResourceLite(&resource);
        },
        "RESOURCE_NOT_OWNED");
    EXPECT_DEATH(ExRaiseStatus(STATUS_ACCESS_VIOLATION), "KMODE_EXCEPTION_NOT_HANDLED.*\n.*STATUS_ACCESS_VIOLATION");
    EXPECT_DEATH(
        {
            LIST_ENTRY head{};
            LIST_ENTRY entry{};
            InitializeListHead(&head);
            entry.Flink = entry.Blink = &head;
            RemoveEntryList(&entry);
        },
        "KERNEL_SECURITY_CHECK_FAILURE");
}

int leave_dispatch_level(int value) {
    KeRaiseIrqlToDpcLevel();
    KeEnterCriticalRegion();
    return value + 1;
}

TEST(CallDriver, repairs_and_reports_what_a_routine_leaves) {
    const std::uint64_t before = violation_count();
    EXPECT_EQ(call_driver("test routine", leave_dispatch_level, 41), 42);
    EXPECT_EQ(violation_count(), before + 1);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_FALSE(KeAreApcsDisabled());
    EXPECT_EQ(current_driver_frame(), nullptr);
}

TEST(InterlockedLists, tell_what_was_there) {
    LIST_ENTRY head;
    LIST_ENTRY a;
    LIST_ENTRY b;
    KSPIN_LOCK lock = 0;
    InitializeListHead(&head);
    EXPECT_EQ(ExInterlockedInsertTailList(&head, &a, &lock), nullptr);
    EXPECT_EQ(ExInterlockedInsertTailList(&head, &b, &lock), &a);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &a);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &b);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), nullptr);
}

}  // namespace
}  // namespace regent::ex
