// User APCs of a daemon's client: a notification's routine runs in the client's thread that asked for it, in an
// alertable wait of it. Source: msdn ZwNotifyChangeKey; the cases are those of an embedded program (apc_test.cpp).
#include <memory>
#include <thread>

#include "fixture.h"
#include "nt/ntexapi.h"
#include "regent/gate.h"

namespace regent::test {
namespace {

constexpr Utf16View work = u"\\Registry\\Machine\\Software\\ApcGateTest";

struct Ran {
    int times = 0;
    NTSTATUS status = STATUS_PENDING;
    std::thread::id where;
    HANDLE sets = nullptr;
};

void note(PVOID context, PIO_STATUS_BLOCK block, ULONG) {
    auto& ran = *static_cast<Ran*>(context);
    ++ran.times;
    ran.status = block->Status;
    ran.where = std::this_thread::get_id();
    if (ran.sets == nullptr) return;
    EXPECT_EQ(NtSetEvent(ran.sets, nullptr), STATUS_SUCCESS);  // a call from within
}

class ApcGate : public testing::Test {
protected:
    void SetUp() override {
        daemon_ = std::make_unique<Child>(
            std::vector<std::string>{RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", socket()});
        ASSERT_NE(daemon_->read_line().find("ready"), std::string::npos);
        ASSERT_TRUE(select_gate({.store = {}, .socket = socket()}));
        ASSERT_EQ(create_key(work, &key_), STATUS_SUCCESS);
        ASSERT_EQ(NtCreateEvent(&event_, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    }
    void TearDown() override {
        close_gate();
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
    }
    std::string socket() const { return folder_.path() + "/socket"; }
    NTSTATUS arm(Ran& ran, IO_STATUS_BLOCK& block) {
        return NtNotifyChangeKey(key_, nullptr, note, &ran, &block, REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr, 0,
                                 TRUE);
    }
    void change_by_another_process() {
        const pid_t pid = ::fork();
        if (pid == 0) {
            HANDLE key = nullptr;
            const bool opened = open_key(work, &key, KEY_ALL_ACCESS) == STATUS_SUCCESS;
            ::_exit(opened && set_dword(key, u"v", static_cast<ULONG>(::getpid())) == STATUS_SUCCESS ? 0 : 1);
        }
        int status = -1;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
    HANDLE key_ = nullptr;
    HANDLE event_ = nullptr;
};

TEST_F(ApcGate, a_change_by_another_process_runs_the_routine_in_an_alertable_wait) {
    Ran ran;
    ran.sets = event_;
    IO_STATUS_BLOCK block{};
    ASSERT_EQ(arm(ran, block), STATUS_PENDING);
    std::thread other([this] { change_by_another_process(); });
    HANDLE never = nullptr;
    ASSERT_EQ(NtCreateEvent(&never, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    EXPECT_EQ(NtWaitForSingleObject(never, TRUE, nullptr), STATUS_USER_APC);
    other.join();
    EXPECT_EQ(ran.times, 1);
    EXPECT_EQ(ran.where, std::this_thread::get_id());
    EXPECT_EQ(ran.status, STATUS_NOTIFY_ENUM_DIR);
    LARGE_INTEGER now{};
    EXPECT_EQ(NtWaitForSingleObject(event_, TRUE, &now), STATUS_WAIT_0);
    EXPECT_EQ(NtWaitForSingleObject(never, TRUE, &now), STATUS_TIMEOUT);
    EXPECT_EQ(ran.times, 1);
}

TEST_F(ApcGate, it_runs_at_alertable_points_only_and_after_what_is_signaled) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    ASSERT_EQ(arm(ran, block), STATUS_PENDING);
    change_by_another_process();
    LARGE_INTEGER now{};
    EXPECT_EQ(NtWaitForSingleObject(event_, FALSE, &now), STATUS_TIMEOUT);
    EXPECT_EQ(NtSetEvent(event_, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(NtWaitForSingleObject(event_, TRUE, nullptr), STATUS_WAIT_0);
    EXPECT_EQ(ran.times, 0);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 1);
    ASSERT_EQ(arm(ran, block), STATUS_PENDING);
    change_by_another_process();
    LARGE_INTEGER forever{.QuadPart = INT64_MIN};
    EXPECT_EQ(NtDelayExecution(TRUE, &forever), STATUS_USER_APC);
    EXPECT_EQ(ran.times, 2);
}

// The reply that brings the news may be another thread's.
TEST_F(ApcGate, it_runs_in_the_thread_that_asked_whoever_hears_of_it) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    std::thread asking([&] {
        ASSERT_EQ(arm(ran, block), STATUS_PENDING);
        EXPECT_EQ(NtSetEvent(event_, nullptr), STATUS_SUCCESS);
        LARGE_INTEGER forever{.QuadPart = INT64_MIN};
        EXPECT_EQ(NtDelayExecution(TRUE, &forever), STATUS_USER_APC);
        EXPECT_EQ(ran.times, 1);
        EXPECT_EQ(ran.where, std::this_thread::get_id());
    });
    EXPECT_EQ(NtWaitForSingleObject(event_, FALSE, nullptr), STATUS_WAIT_0);
    EXPECT_EQ(set_dword(key_, u"v", 1), STATUS_SUCCESS);
    Partial value;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(query(key_, u"v", value), STATUS_SUCCESS);
    asking.join();
}

TEST_F(ApcGate, the_end_of_a_handle_runs_it_too) {
    Ran ran;
    IO_STATUS_BLOCK block{};
    HANDLE mine = nullptr;
    ASSERT_EQ(open_key(work, &mine), STATUS_SUCCESS);
    ASSERT_EQ(NtNotifyChangeMultipleKeys(mine, 0, nullptr, nullptr, note, &ran, &block, REG_NOTIFY_CHANGE_NAME, FALSE,
                                         nullptr, 0, TRUE),
              STATUS_PENDING);
    NtClose(mine);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ran.times, 1);
    EXPECT_EQ(ran.status, STATUS_NOTIFY_CLEANUP);
}

TEST_F(ApcGate, what_a_thread_queues_to_another_is_not_supported) {
    const auto routine = [](PVOID, PVOID, PVOID) {};
    EXPECT_EQ(NtQueueApcThread(NtCurrentThread(), routine, nullptr, nullptr, nullptr), STATUS_NOT_SUPPORTED);
}

}  // namespace
}  // namespace regent::test
