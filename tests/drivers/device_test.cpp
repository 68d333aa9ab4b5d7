// The cancel driver's device: requests that wait, are completed by the tick, cancelled, or ended by the handle's close.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "host_fixture.h"
#include "regent/dbgview.h"
#include "regent/experiments.h"

namespace regent::test {
namespace {

constexpr ULONG synchronous = FILE_SYNCHRONOUS_IO_NONALERT;

struct PendingRead {
    IO_STATUS_BLOCK iosb{};
    ULONG number = 0;
    // The tick may just be completing it: the buffers are the driver's until the status is there, also after a close.
    NTSTATUS wait() const {
        NTSTATUS status = STATUS_PENDING;
        while ((status = __atomic_load_n(&iosb.Status, __ATOMIC_ACQUIRE)) == STATUS_PENDING) std::this_thread::yield();
        return status;
    }
};

class CancelDevice : public DriverHost {
protected:
    void start(ULONG period) {
        set_parameter("cancel", "PeriodMilliseconds", period);
        ASSERT_EQ(load("cancel", "cancel.so"), STATUS_SUCCESS);
    }
    static NTSTATUS read(HANDLE file, PendingRead& pending) {
        return ZwReadFile(file, nullptr, nullptr, nullptr, &pending.iosb, &pending.number, sizeof pending.number,
                          nullptr, nullptr);
    }
    static EXPERIMENT_COUNTS counts() {
        HANDLE file = nullptr;
        EXPERIMENT_COUNTS counts{};
        EXPECT_EQ(open_file("\\??\\Cancel", &file, synchronous), STATUS_SUCCESS);
        EXPECT_EQ(control(file, IOCTL_EXPERIMENT_QUERY, nullptr, 0, &counts, sizeof counts), STATUS_SUCCESS);
        ZwClose(file);
        return counts;
    }
};

TEST_F(CancelDevice, synchronous_reads_wait_for_the_tick_and_come_in_order) {
    start(5);
    HANDLE file = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, synchronous), STATUS_SUCCESS);
    for (ULONG expected = 1; expected <= 3; ++expected) {
        PendingRead pending;
        EXPECT_EQ(read(file, pending), STATUS_SUCCESS);
        EXPECT_EQ(pending.number, expected);
        EXPECT_EQ(pending.iosb.Information, sizeof(ULONG));
    }
    ZwClose(file);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);
}

TEST_F(CancelDevice, asynchronous_read_sets_the_event) {
    start(20);
    HANDLE file = nullptr;
    HANDLE event = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, 0), STATUS_SUCCESS);
    ASSERT_EQ(ZwCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    PendingRead pending;
    EXPECT_EQ(ZwReadFile(file, event, nullptr, nullptr, &pending.iosb, &pending.number, 4, nullptr, nullptr),
              STATUS_PENDING);
    EXPECT_EQ(ZwWaitForSingleObject(event, FALSE, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(pending.iosb.Status, STATUS_SUCCESS);
    EXPECT_EQ(pending.number, 1u);
    ZwClose(event);
    ZwClose(file);
}

TEST_F(CancelDevice, closing_the_handle_cancels_what_it_waits_for) {
    start(600000);
    HANDLE file = nullptr;
    HANDLE other = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, 0), STATUS_SUCCESS);
    ASSERT_EQ(open_file("\\??\\Cancel", &other, 0), STATUS_SUCCESS);
    std::vector<PendingRead> reads(10);
    PendingRead of_other;
    for (PendingRead& one : reads) EXPECT_EQ(read(file, one), STATUS_PENDING);
    EXPECT_EQ(read(other, of_other), STATUS_PENDING);
    ZwClose(file);
    for (const PendingRead& one : reads) EXPECT_EQ(one.iosb.Status, STATUS_CANCELLED);
    EXPECT_EQ(counts().ReadsCancelled, 10u);
    ZwClose(other);
    EXPECT_EQ(of_other.iosb.Status, STATUS_CANCELLED);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);
    EXPECT_FALSE(printed("left behind"));
}

TEST_F(CancelDevice, cancel_io_ends_the_callers_requests) {
    start(600000);
    HANDLE file = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, 0), STATUS_SUCCESS);
    PendingRead pending;
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(read(file, pending), STATUS_PENDING);
    EXPECT_EQ(ZwCancelIoFile(file, &iosb), STATUS_SUCCESS);
    EXPECT_EQ(pending.iosb.Status, STATUS_CANCELLED);
    EXPECT_EQ(counts().ReadsCancelled, 1u);
    ZwClose(file);
}

TEST_F(CancelDevice, unload_waits_for_the_last_handle) {
    start(600000);
    HANDLE file = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, 0), STATUS_SUCCESS);
    PendingRead pending;
    EXPECT_EQ(read(file, pending), STATUS_PENDING);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);  // deferred
    EXPECT_EQ(unload("cancel"), STATUS_DELETE_PENDING);
    HANDLE second = nullptr;
    EXPECT_EQ(open_file("\\??\\Cancel", &second, 0), STATUS_NO_SUCH_DEVICE);
    ZwClose(file);
    EXPECT_EQ(pending.iosb.Status, STATUS_CANCELLED);
    NTSTATUS status = STATUS_SUCCESS;
    for (int i = 0; i < 500 && status != STATUS_OBJECT_NAME_NOT_FOUND; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        status = open_file("\\??\\Cancel", &second, 0);
    }
    EXPECT_EQ(status, STATUS_OBJECT_NAME_NOT_FOUND);
    for (int i = 0; i < 500 && (status = load("cancel", "cancel.so")) != STATUS_SUCCESS; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(status, STATUS_SUCCESS);
}

TEST_F(CancelDevice, threads_read_and_close_at_once) {
    start(1);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([] {
            for (int i = 0; i < 50; ++i) {
                HANDLE file = nullptr;
                ASSERT_EQ(open_file("\\??\\Cancel", &file, 0), STATUS_SUCCESS);
                std::vector<PendingRead> reads(4);
                for (PendingRead& one : reads) {
                    one.iosb.Status = STATUS_PENDING;
                    read(file, one);
                }
                ZwClose(file);
                for (const PendingRead& one : reads) {
                    const NTSTATUS status = one.wait();
                    EXPECT_TRUE(status == STATUS_CANCELLED || status == STATUS_SUCCESS);
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    const EXPERIMENT_COUNTS after = counts();
    EXPECT_EQ(after.ReadsCompleted + after.ReadsCancelled, 4u * 50u * 4u);
    EXPECT_EQ(unload("cancel"), STATUS_SUCCESS);
}

TEST_F(CancelDevice, short_buffer_is_refused_at_once) {
    start(600000);
    HANDLE file = nullptr;
    ASSERT_EQ(open_file("\\??\\Cancel", &file, synchronous), STATUS_SUCCESS);
    IO_STATUS_BLOCK iosb{};
    char byte = 0;
    EXPECT_EQ(ZwReadFile(file, nullptr, nullptr, nullptr, &iosb, &byte, 1, nullptr, nullptr), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(control(file, 0x222004, nullptr, 0, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
    ZwClose(file);
}

TEST_F(DriverHost, dbgview_gives_the_lines_of_a_driver) {
    HANDLE view = nullptr;
    ASSERT_EQ(open_file("\\??\\DbgView", &view, synchronous), STATUS_SUCCESS);
    EXPECT_EQ(load("Missing", "no_such_driver.so"), STATUS_OBJECT_NAME_NOT_FOUND);
    std::vector<ULONGLONG> buffer(32768);
    DBGVIEW_READ read{0, 1000, 0};
    std::string text;
    ASSERT_EQ(control(view, IOCTL_DBGVIEW_READ, &read, sizeof read, buffer.data(), buffer.size() * 8), STATUS_SUCCESS);
    const auto* batch = reinterpret_cast<const DBGVIEW_BATCH*>(buffer.data());
    const auto* place = reinterpret_cast<const char*>(batch + 1);
    for (ULONG i = 0; i < batch->Count; ++i) {
        const auto* line = reinterpret_cast<const DBGVIEW_LINE*>(place);
        text.append(line->Text, line->TextLength);
        place += line->Size;
    }
    EXPECT_NE(text.find("no_such_driver.so"), std::string::npos);
    read.After = batch->Last;
    read.WaitMilliseconds = 0;
    ASSERT_EQ(control(view, IOCTL_DBGVIEW_READ, &read, sizeof read, buffer.data(), buffer.size() * 8), STATUS_SUCCESS);
    EXPECT_EQ(batch->Count, 0u);
    ZwClose(view);
}

// As a filter does that opens again what it was told of, with the caller's attributes (Microsoft's sample regfltr).
TEST_F(DriverHost, forced_access_check_takes_a_kernel_handle_as_root) {
    Named software("\\Registry\\Machine\\Software");
    software.attributes.Attributes |= OBJ_KERNEL_HANDLE;
    HANDLE root = nullptr;
    ASSERT_EQ(ZwOpenKey(&root, KEY_ALL_ACCESS, &software.attributes), STATUS_SUCCESS);
    ZwClose(make_key("\\Registry\\Machine\\Software\\ForcedCheck"));
    Named name("ForcedCheck");
    name.attributes.RootDirectory = root;
    name.attributes.Attributes |= OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK;
    HANDLE key = nullptr;
    EXPECT_EQ(ZwOpenKey(&key, KEY_READ, &name.attributes), STATUS_SUCCESS);
    if (key != nullptr) ZwClose(key);
    ZwClose(root);
}

TEST_F(DriverHost, host_files_read_and_write) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("regent-hostfs-" + std::to_string(getpid()))).string();
    std::string nt_path = "\\??\\UNIX" + path;
    for (char& c : nt_path)
        if (c == '/') c = '\\';
    Named name(nt_path);
    IO_STATUS_BLOCK iosb{};
    HANDLE file = nullptr;
    ASSERT_EQ(open_file(nt_path, &file, synchronous), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(ZwCreateFile(&file, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &name.attributes, &iosb, nullptr, 0, 0,
                           FILE_CREATE, synchronous, nullptr, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(iosb.Information, ULONG_PTR{FILE_CREATED});
    char text[] = "host";
    EXPECT_EQ(ZwWriteFile(file, nullptr, nullptr, nullptr, &iosb, text, 4, nullptr, nullptr), STATUS_SUCCESS);
    LARGE_INTEGER start{};
    char back[8] = {};
    EXPECT_EQ(ZwReadFile(file, nullptr, nullptr, nullptr, &iosb, back, sizeof back, &start, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(iosb.Information, 4u);
    EXPECT_STREQ(back, "host");
    EXPECT_EQ(ZwReadFile(file, nullptr, nullptr, nullptr, &iosb, back, sizeof back, nullptr, nullptr),
              STATUS_END_OF_FILE);
    ZwClose(file);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace regent::test
