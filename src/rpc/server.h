// The server's side of the gate: listens on a Unix socket, one thread per connection, and runs the services of a table
// in the context of the client that calls.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rpc/client_process.h"

namespace regent::rpc {

struct ServerOptions {
    std::string socket_path;  // unlinked at the end
    const nt::ServiceTable* table = nullptr;
    std::optional<gid_t> admins;                  // the group whose members are administrators
    std::function<NTSTATUS(ob::Process&)> admit;  // a new process before its first call; may be null
    std::function<void(const std::string&)> log;  // one line about a client that was refused or cut off; may be null
};

// Invariants:
//  1. A connection's thread is the only one that reads it and writes it; others may shut it down.
//  2. A process is terminated when its last connection is gone, also while its threads are still inside services.
// Internally synchronised by lock_.
class Server {
public:
    // `listener` is from listen_socket(options.socket_path): made before the store is booted, so that a path that
    // cannot be had is known first. Clients that come meanwhile wait.
    static std::expected<std::unique_ptr<Server>, std::string> start(ServerOptions options, Socket listener);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Cuts all clients off and waits until their calls have ended. Idempotent.
    void stop();

private:
    struct Session;
    Server(ServerOptions options, Socket listener);
    void accept_loop();
    void watch_loop();
    void session_loop(const std::shared_ptr<Session>& session);
    bool greet(Session& session);
    bool serve_frame(Session& session);
    bool serve_record(Session& session, std::size_t& place, std::size_t& budget);
    void client_gone(const std::shared_ptr<Session>& session);
    std::shared_ptr<ClientProcess> join_process(Session& session, NTSTATUS& status);
    void reap_finished();
    void log(const std::string& line) const;

    using Lock = Mutex<LockRank::gate_session>;
    const ServerOptions options_;
    Socket listener_;
    int epoll_ = -1;
    int wake_ = -1;  // eventfd that ends both loops
    std::atomic<bool> stopping_{false};
    Mutex<LockRank::composition> join_lock_;  // one connection at a time finds or makes its process
    Lock lock_;
    std::vector<std::shared_ptr<Session>> sessions_ RG_GUARDED_BY(lock_);
    std::uint64_t last_session_ RG_GUARDED_BY(lock_) = 0;
    std::thread acceptor_;
    std::thread watcher_;
};

}  // namespace regent::rpc
