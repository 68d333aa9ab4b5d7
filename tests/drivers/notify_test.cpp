// Routines that are told of processes, threads and images. Real clients of a daemon: tests/e2e/notify_test.py.
#include <unistd.h>

#include <thread>

#include "host_fixture.h"

namespace regent::test {
namespace {

class Notify : public DriverHost {};

TEST_F(Notify, threads_and_images_are_told) {
    ASSERT_EQ(load("notify", "notify.sys"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("notify: twice"));
    pid_t thread_id = 0;
    std::thread([&] {
        thread_id = gettid();
        ZwClose(make_key("\\Registry\\Machine\\Software\\ByAnotherThread"));
    }).join();
    const std::string thread = "notify: thread " + std::to_string(thread_id) + " of " + std::to_string(getpid());
    EXPECT_TRUE(printed(thread + " began"));
    EXPECT_TRUE(printed(thread + " ended"));
    ASSERT_EQ(load("cancel", "cancel.sys"), STATUS_SUCCESS);
    EXPECT_NE(printed_after("notify: image ").find("system mode 1, size known"), std::string::npos);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);
    EXPECT_EQ(unload("notify"), STATUS_SUCCESS);
    EXPECT_TRUE(printed("notify: removed"));
    EXPECT_FALSE(printed("left")) << printed_after("left");
}

TEST_F(Notify, nothing_is_told_after_the_unload) {
    ASSERT_EQ(load("notify", "notify.sys"), STATUS_SUCCESS);
    ASSERT_EQ(unload("notify"), STATUS_SUCCESS);
    pid_t thread_id = 0;
    std::thread([&] {
        thread_id = gettid();
        ZwClose(make_key("\\Registry\\Machine\\Software\\Later"));
    }).join();
    EXPECT_FALSE(printed("notify: thread " + std::to_string(thread_id)));
}

}  // namespace
}  // namespace regent::test
