// User APCs of an embedded program: notifications that run a routine, queued routines, alertable waits.
#include <chrono>
#include <future>
#include <thread>

#include "fixture.h"
#include "nt/ntexapi.h"
#include "regent/gate.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

constexpr Utf16View work = u"\\Registry\\Machine\\Software\\ApcTest";

struct Ran {
    int times = 0;
    PVOID context = nullptr;
    NTSTATUS status = STATUS_PENDING;
    std::thread::id where;
};

void note_notification(PVOID context, PIO_STATUS_BLOCK block, ULONG reserved) {
    auto& ran = *static_cast<Ran*>(context);
    ++ran.times;
    ran.context = context;
    ran.status = block->Status;
    ran.where = std::this_thread::get_id();
    EXPECT_EQ(reserved, 0U);
}

std::vector<int>& order() {
    static std::vector<int> the;
    return the;
}
void note_order(PVOID number, PVOID, PVOID) {
    order().push_back(static_cast<int>(reinterpret_cast<ULONG_PTR>(number)));
}
void queue_more(PVOID number, PVOID, PVOID) {
    note_order(number, nullptr, nullptr);
    NtQueueApcThread(NtCurrentThread(), note_order, reinterpret_cast<PVOID>(9), nullptr, nullptr);
}

class ApcTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static const TemporaryFolder folder;
        ASSERT_TRUE(select_gate({.store = folder.path() + "/store", .socket = {}}));
    }
    void SetUp() override {
        order().clear();
        ASSERT_EQ(create_key(work, &key_), STATUS_SUCCESS);
        ASSERT_EQ(NtCreateEvent(&event_, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtDeleteKey(key_);
        NtClose(key_);
        NtClose(event_);
        NtTestAlert();
    }
    NTSTATUS arm(Ran& ran, IO_STATUS_BLOCK& block, ULONG filter = REG_NOTIFY_CHANGE_LAST_SET) {
        return NtNotifyChangeKey(key_, nullptr, note_notification, &ran, &block, filter, FALSE, nullptr, 0, TRUE);
    }
    static NTSTATUS queue(int number) {
        return NtQueueApcThread(NtCurrentThread(), note_order, reinterpret_cast<PVOID>(ULONG_PTR(number)), nullptr,
                                nullptr);
    }
    HANDLE key_ = nullptr;
    HANDLE event_ = nullptr;
};

// NO-6, row 103.
TEST_F(ApcTest, a_notification_runs_its_routine_at_the_next_alertable_point) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    ASSERT_EQ(arm(ran, block), STATUS_PENDING);
    ASSERT_EQ(set_dword(key_, u"v", 1), STATUS_SUCCESS);
    LARGE_INTEGER now{};
    EXPECT_EQ(NtWaitForSingleObject(event_, FALSE, &now), STATUS_TIMEOUT);
    EXPECT_EQ(ran.times, 0);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 1);
    EXPECT_EQ(ran.context, &ran);
    EXPECT_EQ(ran.status, STATUS_NOTIFY_ENUM_DIR);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 1);
}

TEST_F(ApcTest, a_change_by_another_thread_breaks_an_alertable_wait) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    ASSERT_EQ(arm(ran, block), STATUS_PENDING);
    std::thread other([&] { EXPECT_EQ(set_dword(key_, u"v", 2), STATUS_SUCCESS); });
    EXPECT_EQ(NtWaitForSingleObject(event_, TRUE, nullptr), STATUS_USER_APC);
    EXPECT_EQ(ran.times, 1);
    EXPECT_EQ(ran.where, std::this_thread::get_id());
    other.join();
}

TEST_F(ApcTest, several_keys_and_the_end_of_a_handle) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    HANDLE mine = nullptr;
    ASSERT_EQ(open_key(work, &mine), STATUS_SUCCESS);
    ASSERT_EQ(NtNotifyChangeMultipleKeys(mine, 0, nullptr, nullptr, note_notification, &ran, &block,
                                         REG_NOTIFY_CHANGE_NAME, FALSE, nullptr, 0, TRUE),
              STATUS_PENDING);
    NtClose(mine);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 1);
    EXPECT_EQ(ran.status, STATUS_NOTIFY_CLEANUP);
    EXPECT_EQ(NtNotifyChangeMultipleKeys(key_, 0, nullptr, event_, note_notification, &ran, &block,
                                         REG_NOTIFY_CHANGE_NAME, FALSE, nullptr, 0, TRUE),
              STATUS_INVALID_PARAMETER);
}

TEST_F(ApcTest, queued_routines_run_in_order_with_those_they_queue) {
    EXPECT_EQ(queue(1), STATUS_SUCCESS);
    EXPECT_EQ(NtQueueApcThread(NtCurrentThread(), queue_more, reinterpret_cast<PVOID>(2), nullptr, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(queue(3), STATUS_SUCCESS);
    LARGE_INTEGER moment{.QuadPart = -1};
    EXPECT_EQ(NtDelayExecution(FALSE, &moment), STATUS_SUCCESS);
    EXPECT_TRUE(order().empty());
    LARGE_INTEGER forever{.QuadPart = INT64_MIN};
    EXPECT_EQ(NtDelayExecution(TRUE, &forever), STATUS_USER_APC);
    EXPECT_EQ(order(), (std::vector<int>{1, 2, 3, 9}));
    EXPECT_EQ(NtDelayExecution(TRUE, &moment), STATUS_SUCCESS);
    EXPECT_EQ(NtDelayExecution(TRUE, nullptr), STATUS_ACCESS_VIOLATION);
}

// Reference 4.5 (d): what is there already ends a wait before anything else.
TEST_F(ApcTest, a_signaled_object_comes_first) {
    EXPECT_EQ(queue(1), STATUS_SUCCESS);
    NtSetEvent(event_, nullptr);
    EXPECT_EQ(NtWaitForSingleObject(event_, TRUE, nullptr), STATUS_WAIT_0);
    EXPECT_TRUE(order().empty());
    NtResetEvent(event_, nullptr);
    LARGE_INTEGER now{};
    EXPECT_EQ(NtWaitForSingleObject(event_, TRUE, &now), STATUS_USER_APC);
    EXPECT_EQ(order(), std::vector<int>{1});
}

TEST_F(ApcTest, errors_of_queuing) {
    EXPECT_EQ(NtQueueApcThread(nullptr, note_order, nullptr, nullptr, nullptr), STATUS_INVALID_HANDLE);
    EXPECT_EQ(NtQueueApcThread(event_, note_order, nullptr, nullptr, nullptr), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(NtQueueApcThread(NtCurrentThread(), nullptr, nullptr, nullptr, nullptr), STATUS_INVALID_PARAMETER);
}

TEST_F(ApcTest, a_thread_that_ended_runs_nothing) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    std::thread([&] {
        ASSERT_EQ(arm(ran, block, REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_THREAD_AGNOSTIC), STATUS_PENDING);
        Ran forgotten;
        IO_STATUS_BLOCK gone{};
        ASSERT_EQ(arm(forgotten, gone), STATUS_PENDING);
        EXPECT_EQ(queue(7), STATUS_SUCCESS);
    }).join();
    EXPECT_EQ(set_dword(key_, u"v", 3), STATUS_SUCCESS);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 0);
    EXPECT_EQ(block.Status, STATUS_NOTIFY_ENUM_DIR);
    EXPECT_TRUE(order().empty());
}

// NO-6: a kernel caller names a work item and its queue instead.
TEST_F(ApcTest, a_kernel_callers_routine_is_a_work_item) {
    std::promise<void> ran;
    WORK_QUEUE_ITEM item;
    ExInitializeWorkItem(&item, [](PVOID promise) { static_cast<std::promise<void>*>(promise)->set_value(); }, &ran);
    const auto arm_item = [&](ULONG_PTR queue, IO_STATUS_BLOCK& block) {
        return ZwNotifyChangeKey(key_, nullptr, reinterpret_cast<PIO_APC_ROUTINE>(&item),
                                 reinterpret_cast<PVOID>(queue), &block, REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr, 0,
                                 TRUE);
    };
    IO_STATUS_BLOCK block{};
    EXPECT_EQ(arm_item(MaximumWorkQueue, block), STATUS_INVALID_PARAMETER);
    ASSERT_EQ(arm_item(DelayedWorkQueue, block), STATUS_PENDING);
    ASSERT_EQ(set_dword(key_, u"v", 4), STATUS_SUCCESS);
    EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    EXPECT_EQ(block.Status, STATUS_NOTIFY_ENUM_DIR);
}

TEST_F(ApcTest, many_that_never_run_are_released) {
    std::thread([] {
        for (int i = 0; i < 200'000; ++i) ASSERT_EQ(queue(i), STATUS_SUCCESS);
    }).join();
    EXPECT_TRUE(order().empty());
}

}  // namespace
}  // namespace regent::test
