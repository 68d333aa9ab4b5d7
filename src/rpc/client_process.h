// A client process as the server keeps it: its executive process, its connections, its pending calls.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ob/process.h"
#include "rpc/server_call.h"
#include "rpc/socket.h"
#include "rtl/lock.h"

namespace regent::rpc {

// Drawn by the client; tells a process from a later one of the same pid.
using ProcessCookie = std::array<std::byte, 16>;

// What a client says and what the kernel says of it; only the latter counts for rights.
struct ClientIdentity {
    PeerCredentials credentials;
    ProcessCookie cookie{};
    std::uint32_t thread_id = 0;
    std::string image_name;  // by /proc, else as the client says
};

// Internally synchronised by lock_.
class ClientProcess {
public:
    // `admins`: see token_of(). ERRORS: ob::Process::create's.
    static Result<std::shared_ptr<ClientProcess>> create(const ClientIdentity& identity, std::optional<gid_t> admins);
    explicit ClientProcess(ob::ObjectRef<ob::Process> process) : process_(std::move(process)) {}
    ~ClientProcess();

    ob::Process& process() const { return *process_; }

    void add_pending(std::unique_ptr<ServerCall> call);
    // Appends the completions that are due to a reply and returns the number of the last one ever sent.
    std::uint64_t collect_completions(Writer& writer);
    // Closes all handles; what was pending completes or is kept until it does.
    void terminate();

private:
    using Lock = Mutex<LockRank::gate_session>;
    const ob::ObjectRef<ob::Process> process_;
    Lock lock_;
    std::deque<std::unique_ptr<ServerCall>> pending_ RG_GUARDED_BY(lock_);
    std::uint64_t completions_ RG_GUARDED_BY(lock_) = 0;
};

}  // namespace regent::rpc
