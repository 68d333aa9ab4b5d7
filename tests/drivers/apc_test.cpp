// KeInsertQueueApc: a driver makes threads of this program run a routine of the program.
#include <unistd.h>

#include <atomic>
#include <thread>

#include "host_fixture.h"
#include "nt/dispatch.h"

namespace regent::test {
namespace {

struct Call {
    std::atomic<int> count{0};
    pid_t thread = 0;
    PVOID first = nullptr;
    PVOID second = nullptr;
};

void NTAPI run(PVOID context, PVOID first, PVOID second) {
    auto& call = *static_cast<Call*>(context);
    call.thread = gettid();
    call.first = first;
    call.second = second;
    ++call.count;
}

class DriversApc : public DriverHost {
protected:
    void SetUp() override {
        DriverHost::SetUp();
        nt::set_gate(&nt::local_table());
        ASSERT_EQ(load("apc", "apc.so"), STATUS_SUCCESS);
        Named name("\\Registry\\Machine\\Software\\Apc");
        ASSERT_EQ(NtCreateKey(&key_, KEY_ALL_ACCESS, &name.attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtClose(key_);
        nt::set_gate(nullptr);
        DriverHost::TearDown();
    }
    NTSTATUS queue(const char* value, pid_t thread, Call& call) {
        ULONG64 request[] = {static_cast<ULONG64>(thread), reinterpret_cast<ULONG64>(&run),
                             reinterpret_cast<ULONG64>(&call)};
        Named name(value);
        return NtSetValueKey(key_, &name.string, 0, REG_BINARY, request, sizeof request);
    }
    void expect_clean_unload() {
        EXPECT_EQ(unload("apc"), STATUS_SUCCESS);
        EXPECT_TRUE(printed("apc: 0 outside"));
        EXPECT_FALSE(printed("apc: wrong delivery"));
        EXPECT_FALSE(printed("left")) << printed_after("left");
    }

private:
    HANDLE key_ = nullptr;
};

void expect_run(const Call& call, pid_t thread) {
    EXPECT_EQ(call.count, 1);
    EXPECT_EQ(call.thread, thread);
    EXPECT_EQ(call.first, reinterpret_cast<PVOID>(1));
    EXPECT_EQ(call.second, reinterpret_cast<PVOID>(3));  // the kernel routine made it that
}

TEST_F(DriversApc, runs_when_the_thread_is_alertable_and_not_before) {
    Call call;
    ASSERT_EQ(queue("Twice", gettid(), call), STATUS_SUCCESS);
    EXPECT_FALSE(printed("apc: twice"));
    LARGE_INTEGER moment;
    moment.QuadPart = -1;
    EXPECT_EQ(NtDelayExecution(FALSE, &moment), STATUS_SUCCESS);
    EXPECT_EQ(call.count, 0);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    expect_run(call, gettid());
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(call.count, 1);
    expect_clean_unload();
}

TEST_F(DriversApc, breaks_another_threads_alertable_wait) {
    Call call;
    std::atomic<pid_t> thread{0};
    NTSTATUS waited = STATUS_PENDING;
    std::thread sleeper([&] {
        Named name("\\Registry\\Machine\\Software");
        HANDLE key = nullptr;
        EXPECT_EQ(NtOpenKey(&key, KEY_READ, &name.attributes), STATUS_SUCCESS);  // now the executive knows this thread
        NtClose(key);
        thread = gettid();
        thread.notify_one();
        LARGE_INTEGER hour;
        hour.QuadPart = -36'000'000'000;
        waited = NtDelayExecution(TRUE, &hour);
    });
    thread.wait(0);
    EXPECT_EQ(queue("Queue", thread, call), STATUS_SUCCESS);
    sleeper.join();
    EXPECT_EQ(waited, STATUS_USER_APC);
    expect_run(call, thread);
    expect_clean_unload();
}

TEST_F(DriversApc, a_thread_that_ends_before_runs_the_rundown_routine) {
    Call call;
    pid_t thread = 0;
    std::thread([&] {
        thread = gettid();
        EXPECT_EQ(queue("Queue", thread, call), STATUS_SUCCESS);
    }).join();
    EXPECT_EQ(call.count, 0);
    EXPECT_TRUE(printed("apc: rundown at IRQL 0"));
    EXPECT_NE(queue("Queue", thread, call), STATUS_SUCCESS);
    expect_clean_unload();
}

TEST_F(DriversApc, kernel_apcs_are_refused) {
    Call call;
    EXPECT_EQ(queue("Kernel", gettid(), call), STATUS_UNSUCCESSFUL);
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(call.count, 0);
    expect_clean_unload();
}

TEST_F(DriversApc, one_that_is_left_keeps_the_image) {
    Call call;
    ASSERT_EQ(queue("Queue", gettid(), call), STATUS_SUCCESS);
    EXPECT_EQ(unload("apc"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("1 APCs left, the image stays mapped"));
    EXPECT_EQ(NtTestAlert(), STATUS_SUCCESS);
    expect_run(call, gettid());
}

}  // namespace
}  // namespace regent::test
