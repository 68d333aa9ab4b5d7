// What a callback sees of the handles that a client left open: closed by that client, though it is no more.
#include <atomic>

#include "fixture.h"
#include "nt/dispatch.h"
#include "nt/system.h"
#include "regent/gate.h"
#include "rpc/server.h"
#include "wdk/regcallback.h"
#include "wdk/wdm.h"

namespace regent::test {
namespace {

struct Closed {
    std::atomic<int> count{0};
    std::atomic<pid_t> process{0};
    std::atomic<pid_t> thread{0};
    std::atomic<bool> same_process{true};  // the current process and the thread's
};
Closed closed;
std::atomic<pid_t> client{0};

pid_t number(HANDLE id) { return static_cast<pid_t>(reinterpret_cast<ULONG_PTR>(id)); }

// Counts the closes while the client runs.
NTSTATUS watch(PVOID, PVOID argument1, PVOID) {
    if (reinterpret_cast<ULONG_PTR>(argument1) != RegNtPreKeyHandleClose || client == 0) return STATUS_SUCCESS;
    const pid_t process = number(PsGetCurrentProcessId());
    if (number(PsGetProcessId(PsGetCurrentProcess())) != process) closed.same_process = false;
    closed.process = process;
    closed.thread = number(PsGetCurrentThreadId());
    ++closed.count;
    return STATUS_SUCCESS;
}

// Forked before this program has threads: waits for the go, opens two keys and dies with them.
struct Client {
    explicit Client(std::string path) {
        if (::pipe2(go, O_CLOEXEC) != 0 || (pid = ::fork()) != 0) return;
        char byte = 0;
        GateChoice choice;
        choice.socket = std::move(path);
        HANDLE key = nullptr;
        if (::read(go[0], &byte, 1) != 1 || !select_gate(choice)) ::_exit(1);
        if (open_key(u"\\Registry\\Machine\\Software", &key) != STATUS_SUCCESS) ::_exit(2);
        if (open_key(u"\\Registry\\Machine\\System", &key) != STATUS_SUCCESS) ::_exit(3);
        ::_exit(0);
    }
    int run() {
        client = pid;
        int status = ::write(go[1], "g", 1) == 1 ? 0 : -1;
        ::waitpid(pid, &status, 0);
        return status;
    }
    int go[2] = {-1, -1};
    pid_t pid = -1;
};

TEST(Rundown, handles_of_a_dead_client_are_closed_in_its_name) {
    const TemporaryFolder folder;
    const std::string socket = folder.path() + "/socket";
    Client child(socket);
    GateChoice choice;
    choice.store = folder.path() + "/store";
    ASSERT_TRUE(select_gate(choice));
    auto listener = rpc::listen_socket(socket);
    ASSERT_TRUE(listener) << listener.error();
    rpc::ServerOptions options;
    options.socket_path = socket;
    options.table = &nt::local_table();
    auto server = rpc::Server::start(std::move(options), std::move(*listener));
    ASSERT_TRUE(server) << server.error();
    LARGE_INTEGER cookie{};
    ASSERT_EQ(CmRegisterCallback(&watch, nullptr, &cookie), STATUS_SUCCESS);
    EXPECT_EQ(child.run(), 0);
    for (int i = 0; i < 500 && closed.count < 2; ++i) ::usleep(10000);
    client = 0;
    EXPECT_EQ(CmUnRegisterCallback(cookie), STATUS_SUCCESS);
    EXPECT_EQ(closed.count, 2);
    EXPECT_EQ(closed.process, child.pid);
    EXPECT_EQ(closed.thread, child.pid);
    EXPECT_TRUE(closed.same_process);
    (*server)->stop();
    server->reset();
    close_gate();
}

}  // namespace
}  // namespace regent::test
