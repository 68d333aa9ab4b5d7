// The client's side of the gate: one connection per thread to one daemon, and the calls of this process that are
// pending there. docs/protocol.md says when their completions arrive.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ex/apc.h"
#include "nt/service.h"
#include "rpc/socket.h"
#include "rtl/lock.h"

namespace regent::rpc {

// Services of the daemon that RemoteGate is connected to. Generated.
const nt::ServiceTable& remote_table();

// A thread's connection with the buffers of its calls. Used by one thread.
struct Connection {
    Socket socket;
    std::uint64_t generation = 0;
    Writer request;
    std::vector<std::byte> reply;
    bool busy = false;  // a call inside a call (from a signal handler) would mix their frames
};

// Internally synchronised by lock_.
class RemoteGate {
public:
    static RemoteGate& instance();

    // Connects the calling thread; the other threads follow at their first call.
    std::expected<void, std::string> open(const std::string& path);
    void close();

    // The calling thread's connection; null with the status in `status` when there is none to be had.
    Connection* connection(NTSTATUS& status);
    // After a broken frame or connection: handles died with the daemon, so the gate stays shut until opened again.
    void break_connection(Connection& connection);

    // What the calling thread runs when the call completes.
    struct Apc {
        PIO_APC_ROUTINE routine = nullptr;  // null: nothing
        PVOID context = nullptr;
    };
    std::uint64_t add_pending(PIO_STATUS_BLOCK block, PVOID buffer, std::uint32_t size, const Apc& apc);
    void remove_pending(std::uint64_t id);
    // Takes the completions of a reply frame and waits until all those numbered up to `ordinal` are taken.
    bool take_completion(Bytes record);
    void wait_for_completions(std::uint64_t ordinal);

private:
    struct Pending {
        PIO_STATUS_BLOCK block;
        PVOID buffer;
        std::uint32_t size;
        const Connection* issuer;  // the thread's whose call it is
        Apc apc;
        Ref<ex::ApcQueue> queue;  // that thread's
    };
    RemoteGate();
    // The lock is taken before a fork and let go after it: in other functions, which the analysis cannot follow.
    static void prepare_fork() RG_NO_ANALYSIS;
    static void after_fork_in_parent() RG_NO_ANALYSIS;
    static void after_fork_in_child() RG_NO_ANALYSIS;
    void reset_locked() RG_REQUIRES(lock_);
    std::expected<Socket, std::string> connect_and_greet(const std::string& path);

    using Lock = Mutex<LockRank::gate_session>;
    Lock lock_;
    ConditionVariable applied_changed_;
    std::string path_ RG_GUARDED_BY(lock_);
    bool open_ RG_GUARDED_BY(lock_) = false;
    std::uint64_t generation_ RG_GUARDED_BY(lock_) = 0;
    std::byte cookie_[16] RG_GUARDED_BY(lock_) = {};
    std::set<int> sockets_ RG_GUARDED_BY(lock_);  // of all threads, to be closed in a forked child
    std::unordered_map<std::uint64_t, Pending> pending_ RG_GUARDED_BY(lock_);
    std::uint64_t next_pending_ RG_GUARDED_BY(lock_) = 1;
    std::uint64_t applied_ RG_GUARDED_BY(lock_) = 0;              // all completions up to here are taken
    std::set<std::uint64_t> applied_ahead_ RG_GUARDED_BY(lock_);  // and these

    friend struct ConnectionOwner;
};

}  // namespace regent::rpc
