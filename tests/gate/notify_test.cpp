// NtNotifyChangeKey as a call that waits (NO-4): what ends it, and what it answers.
#include <chrono>
#include <future>

#include "fixture.h"
#include "regent/gate.h"

namespace regent::test {
namespace {

using namespace std::chrono_literals;

struct Answer {
    NTSTATUS status;
    NTSTATUS block;
};

class SynchronousNotification : public testing::Test {
protected:
    void SetUp() override {
        GateChoice choice;
        choice.store = folder_.path() + "/store";
        const auto selected = select_gate(choice);
        ASSERT_TRUE(selected) << selected.error().message;
        ASSERT_EQ(create_key(path, &key_), STATUS_SUCCESS);
    }
    void TearDown() override {
        NtClose(key_);
        close_gate();
    }
    static std::future<Answer> ask(HANDLE key) {
        return std::async(std::launch::async, [key] {
            IO_STATUS_BLOCK block{};
            block.Status = -1;
            const NTSTATUS status = NtNotifyChangeKey(key, nullptr, nullptr, nullptr, &block,
                                                      REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr, 0, FALSE);
            return Answer{status, block.Status};
        });
    }

    static constexpr Utf16View path = u"\\Registry\\Machine\\Software\\Waited";
    TemporaryFolder folder_;
    HANDLE key_ = nullptr;
};

TEST_F(SynchronousNotification, waits_for_a_change_and_tells_it) {  // row 100
    auto answer = ask(key_);
    EXPECT_EQ(answer.wait_for(50ms), std::future_status::timeout);
    // What is written before the thread has asked counts for nobody; so it is written until it is told.
    ULONG number = 0;
    while (answer.wait_for(1ms) != std::future_status::ready)
        ASSERT_EQ(set_dword(key_, u"n", ++number), STATUS_SUCCESS);
    const Answer got = answer.get();
    EXPECT_EQ(got.status, STATUS_NOTIFY_ENUM_DIR);
    EXPECT_EQ(got.block, STATUS_NOTIFY_ENUM_DIR);
    EXPECT_GT(number, 0U);
}

TEST_F(SynchronousNotification, ends_with_its_handle) {  // row 101
    Answer got{STATUS_INVALID_HANDLE, 0};
    // Closed before the thread has asked, it is no handle: then once more, with more time for the thread.
    for (auto patience = 20ms; got.status == STATUS_INVALID_HANDLE && patience < 20s; patience *= 2) {
        HANDLE waited = nullptr;
        ASSERT_EQ(open_key(path, &waited), STATUS_SUCCESS);
        auto answer = ask(waited);
        EXPECT_EQ(answer.wait_for(patience), std::future_status::timeout);
        ASSERT_EQ(NtClose(waited), STATUS_SUCCESS);
        got = answer.get();
    }
    EXPECT_EQ(got.status, STATUS_NOTIFY_CLEANUP);
    EXPECT_EQ(got.block, STATUS_NOTIFY_CLEANUP);
}

}  // namespace
}  // namespace regent::test
