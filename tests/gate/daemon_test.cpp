// regentd and its clients: this program is one, its forked children are others.
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <random>
#include <thread>

#include "fixture.h"
#include "regent/gate.h"

namespace regent::test {
namespace {

constexpr Utf16View work = u"\\Registry\\Machine\\Software\\DaemonTest";
constexpr LONGLONG second = 10'000'000;

class DaemonTest : public testing::Test {
protected:
    void SetUp() override {
        start();
        connect();
        HANDLE key = nullptr;
        ASSERT_EQ(create_key(work, &key), STATUS_SUCCESS);
        NtClose(key);
    }
    void TearDown() override {
        close_gate();
        if (daemon_) stop();
    }
    void start() {
        daemon_ = std::make_unique<Child>(
            std::vector<std::string>{RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", socket()});
        const std::string ready = daemon_->read_line();
        ASSERT_NE(ready.find("ready"), std::string::npos) << ready;
    }
    void stop() {
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(), 0);
        daemon_.reset();
    }
    void connect() {
        GateChoice choice;
        choice.socket = socket();
        const auto selected = select_gate(choice);
        ASSERT_TRUE(selected) << selected.error().message;
    }
    std::string socket() const { return folder_.path() + "/socket"; }
    // Runs `body` as another client process; its exit code is what the body returns.
    template <typename Body>
    pid_t fork_client(Body body) {
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(body());
        return pid;
    }

    TemporaryFolder folder_;
    std::unique_ptr<Child> daemon_;
};

int exit_code(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

NTSTATUS wait_for(HANDLE event, LONGLONG timeout) {
    LARGE_INTEGER relative;
    relative.QuadPart = -timeout;
    return NtWaitForSingleObject(event, FALSE, &relative);
}

HANDLE make_event() {
    HANDLE event = nullptr;
    EXPECT_EQ(NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    return event;
}

TEST_F(DaemonTest, values_written_by_one_process_are_read_by_another_and_after_a_restart) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key, KEY_ALL_ACCESS), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key, u"n", 7), STATUS_SUCCESS);
    const auto reads_seven = [] {
        HANDLE mine = nullptr;
        Partial value{};
        if (open_key(work, &mine) != STATUS_SUCCESS || query(mine, u"n", value) != STATUS_SUCCESS) return 1;
        return value.info.Data[0] == 7 ? 0 : 2;
    };
    EXPECT_EQ(exit_code(fork_client(reads_seven)), 0);
    close_gate();
    stop();
    start();
    connect();
    EXPECT_EQ(reads_seven(), 0);
}

TEST_F(DaemonTest, handles_of_a_parent_mean_nothing_to_its_child) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key), STATUS_SUCCESS);
    EXPECT_EQ(exit_code(fork_client([key] { return NtClose(key) == STATUS_INVALID_HANDLE ? 0 : 1; })), 0);
    EXPECT_EQ(NtClose(key), STATUS_SUCCESS);
}

TEST_F(DaemonTest, a_change_by_another_process_completes_my_notification) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key), STATUS_SUCCESS);
    const HANDLE event = make_event();
    IO_STATUS_BLOCK block{};
    block.Status = -1;
    ASSERT_EQ(
        NtNotifyChangeKey(key, event, nullptr, nullptr, &block, REG_NOTIFY_CHANGE_LAST_SET, FALSE, nullptr, 0, TRUE),
        STATUS_PENDING);
    EXPECT_EQ(wait_for(event, second / 20), STATUS_TIMEOUT);
    EXPECT_EQ(block.Status, -1);
    const auto change = [] {
        HANDLE mine = nullptr;
        if (open_key(work, &mine, KEY_ALL_ACCESS) != STATUS_SUCCESS) return 1;
        return set_dword(mine, u"changed", 1) == STATUS_SUCCESS ? 0 : 2;
    };
    EXPECT_EQ(exit_code(fork_client(change)), 0);
    EXPECT_EQ(wait_for(event, 5 * second), STATUS_SUCCESS);
    EXPECT_EQ(block.Status, STATUS_NOTIFY_ENUM_DIR);
}

TEST_F(DaemonTest, closing_the_handle_completes_a_notification_with_cleanup) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key), STATUS_SUCCESS);
    const HANDLE event = make_event();
    IO_STATUS_BLOCK block{};
    ASSERT_EQ(NtNotifyChangeKey(key, event, nullptr, nullptr, &block, REG_NOTIFY_CHANGE_NAME, TRUE, nullptr, 0, TRUE),
              STATUS_PENDING);
    EXPECT_EQ(NtClose(key), STATUS_SUCCESS);
    EXPECT_EQ(wait_for(event, 5 * second), STATUS_SUCCESS);
    EXPECT_EQ(block.Status, STATUS_NOTIFY_CLEANUP);
}

// NT-9, NO-8. The status block may lie on the thread's stack, so nothing is written there.
TEST_F(DaemonTest, the_end_of_a_thread_sets_the_events_of_its_notifications) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key, KEY_ALL_ACCESS), STATUS_SUCCESS);
    const HANDLE event = make_event(), agnostic = make_event();
    IO_STATUS_BLOCK block{}, agnostic_block{};
    block.Status = -1;
    std::thread([&] {
        constexpr ULONG filter = REG_NOTIFY_CHANGE_LAST_SET;
        EXPECT_EQ(NtNotifyChangeKey(key, event, nullptr, nullptr, &block, filter, FALSE, nullptr, 0, TRUE),
                  STATUS_PENDING);
        EXPECT_EQ(NtNotifyChangeKey(key, agnostic, nullptr, nullptr, &agnostic_block,
                                    filter | REG_NOTIFY_THREAD_AGNOSTIC, FALSE, nullptr, 0, TRUE),
                  STATUS_PENDING);
        EXPECT_EQ(wait_for(event, 0), STATUS_TIMEOUT);
    }).join();
    EXPECT_EQ(wait_for(event, 5 * second), STATUS_SUCCESS);
    EXPECT_EQ(block.Status, -1);
    EXPECT_EQ(wait_for(agnostic, 0), STATUS_TIMEOUT);
    EXPECT_EQ(set_dword(key, u"n", 9), STATUS_SUCCESS);
    EXPECT_EQ(wait_for(agnostic, 5 * second), STATUS_SUCCESS);
}

// A named event lives as long as somebody has a handle to it: it tells when the daemon has cleaned up after a client.
TEST_F(DaemonTest, a_client_killed_in_a_wait_leaves_nothing_behind) {
    Named name(u"\\BaseNamedObjects\\daemon_test");
    const auto block_forever = [&] {
        HANDLE event = nullptr, key = nullptr;
        // The parent looks for the event by making it, and may hold it just now.
        NTSTATUS made = STATUS_OBJECT_NAME_COLLISION;
        while (made == STATUS_OBJECT_NAME_COLLISION) {
            made = NtCreateEvent(&event, EVENT_ALL_ACCESS, &name.attributes, NotificationEvent, FALSE);
        }
        if (made != STATUS_SUCCESS) return 1;
        if (open_key(work, &key) != STATUS_SUCCESS) return 2;
        std::thread notified([key] {
            IO_STATUS_BLOCK block{};
            NtNotifyChangeKey(key, nullptr, nullptr, nullptr, &block, REG_NOTIFY_CHANGE_NAME, TRUE, nullptr, 0, FALSE);
        });
        NtWaitForSingleObject(event, FALSE, nullptr);
        return 3;
    };
    const pid_t client = fork_client(block_forever);
    HANDLE event = nullptr;
    NTSTATUS status = STATUS_SUCCESS;
    for (int i = 0; i < 500 && status != STATUS_OBJECT_NAME_COLLISION; ++i) {
        status = NtCreateEvent(&event, EVENT_ALL_ACCESS, &name.attributes, NotificationEvent, FALSE);
        if (status == STATUS_SUCCESS) NtClose(event);
        ::usleep(10000);
    }
    ASSERT_EQ(status, STATUS_OBJECT_NAME_COLLISION) << "the client never made its event";
    ::usleep(100000);  // it is inside its waits now
    ::kill(client, SIGKILL);
    EXPECT_EQ(exit_code(client), 128 + SIGKILL);
    for (int i = 0; i < 500 && status != STATUS_SUCCESS; ++i) {
        status = NtCreateEvent(&event, EVENT_ALL_ACCESS, &name.attributes, NotificationEvent, FALSE);
        ::usleep(10000);
    }
    EXPECT_EQ(status, STATUS_SUCCESS) << "the daemon kept the dead client's handle";
}

TEST_F(DaemonTest, four_threads_create_keys_at_once) {
    constexpr int keys = 50;
    std::atomic<int> created{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t, &created] {
            for (int i = 0; i < keys; ++i) {
                const std::string leaf = "\\t" + std::to_string(t) + "-" + std::to_string(i);
                HANDLE key = nullptr;
                if (create_key(Utf16(work) + rtl::from_utf8(leaf), &key) == STATUS_SUCCESS) ++created;
                NtClose(key);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(created, 4 * keys);
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key), STATUS_SUCCESS);
    alignas(8) std::byte buffer[256];
    ULONG needed = 0;
    EXPECT_EQ(NtQueryKey(key, KeyFullInformation, buffer, sizeof(buffer), &needed), STATUS_SUCCESS);
    EXPECT_EQ(reinterpret_cast<KEY_FULL_INFORMATION*>(buffer)->SubKeys, ULONG(4 * keys));
}

TEST_F(DaemonTest, garbage_on_the_socket_harms_nobody) {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
        ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        std::string bytes(random() % 300, '\0');
        for (char& c : bytes) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 3));
        if (bytes.size() >= 4 && round % 3 == 0) bytes.replace(0, 4, std::string("\x40\0\0\0", 4));
        EXPECT_GE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
        ::close(fd);
    }
    HANDLE key = nullptr;
    EXPECT_EQ(open_key(work, &key), STATUS_SUCCESS);
}

TEST_F(DaemonTest, a_second_daemon_gets_neither_the_socket_nor_the_store) {
    Child socket_taken({RG_BIN "/regentd", "--store", folder_.path() + "/other", "--socket", socket()}, STDERR_FILENO);
    const std::string about_socket = socket_taken.read_all();
    EXPECT_EQ(socket_taken.wait(), 1);
    EXPECT_NE(about_socket.find(socket()), std::string::npos) << about_socket;
    Child store_taken({RG_BIN "/regentd", "--store", folder_.path() + "/store", "--socket", socket() + "2"},
                      STDERR_FILENO);
    const std::string about_store = store_taken.read_all();
    EXPECT_EQ(store_taken.wait(), 1);
    EXPECT_NE(about_store.find("in use by process " + std::to_string(daemon_->pid())), std::string::npos)
        << about_store;
    EXPECT_NE(::access((socket() + "2").c_str(), F_OK), 0);
}

TEST_F(DaemonTest, a_killed_daemon_leaves_a_socket_that_its_successor_replaces) {
    HANDLE key = nullptr;
    ASSERT_EQ(open_key(work, &key, KEY_ALL_ACCESS), STATUS_SUCCESS);
    EXPECT_EQ(set_dword(key, u"flushed", 3), STATUS_SUCCESS);
    EXPECT_EQ(NtFlushKey(key), STATUS_SUCCESS);
    daemon_->signal(SIGKILL);
    EXPECT_EQ(daemon_->wait(), 128 + SIGKILL);
    EXPECT_EQ(NtClose(key), STATUS_PORT_DISCONNECTED);
    close_gate();
    start();
    connect();
    ASSERT_EQ(open_key(work, &key), STATUS_SUCCESS);
    Partial value{};
    EXPECT_EQ(query(key, u"flushed", value), STATUS_SUCCESS);
}

TEST(DaemonPathTest, a_socket_path_that_is_too_long_is_refused_before_the_store_is_touched) {
    const TemporaryFolder folder;
    const std::string store = folder.path() + "/store";
    Child daemon({RG_BIN "/regentd", "--store", store, "--socket", folder.path() + "/" + std::string(150, 'x')},
                 STDERR_FILENO);
    const std::string message = daemon.read_all();
    EXPECT_EQ(daemon.wait(), 1);
    EXPECT_NE(message.find("the system allows"), std::string::npos) << message;
    EXPECT_NE(::access(store.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace regent::test
