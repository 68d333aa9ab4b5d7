#include "rpc/client.h"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "nt/apc.h"
#include "nt/ntstatus.h"
#include "rpc/wire.gen.h"
#include "rtl/io_status.h"
#include "rtl/status.h"

namespace regent::rpc {

// Keeps the lists of sockets and pending calls true when a thread ends.
struct ConnectionOwner {
    Connection connection;
    ~ConnectionOwner() {
        if (!connection.socket.open()) return;
        RemoteGate& gate = RemoteGate::instance();
        ExclusiveGuard guard(gate.lock_);
        // The daemon ends these calls; their status blocks and buffers may be on the stack that goes with the thread.
        std::erase_if(gate.pending_, [&](const auto& each) { return each.second.issuer == &connection; });
        if (connection.generation == gate.generation_) gate.sockets_.erase(connection.socket.fd());
    }
};

namespace {
thread_local ConnectionOwner this_thread;

std::string image_name() {
    char path[4096];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
    if (size <= 0) return {};
    const std::string_view whole(path, static_cast<std::size_t>(size));
    return std::string(whole.substr(whole.rfind('/') + 1));
}
}  // namespace

RemoteGate& RemoteGate::instance() {
    static RemoteGate* gate = new RemoteGate;  // never destroyed: threads may outlive static destruction
    return *gate;
}

RemoteGate::RemoteGate() { ::pthread_atfork(prepare_fork, after_fork_in_parent, after_fork_in_child); }

void RemoteGate::prepare_fork() { instance().lock_.lock(); }
void RemoteGate::after_fork_in_parent() { instance().lock_.unlock(); }

// A forked child is another process: it gets connections and handles of its own, and must not hold its parent's sockets
// open, whose end tells the daemon that the parent is gone.
void RemoteGate::after_fork_in_child() {
    RemoteGate& gate = instance();
    for (const int fd : gate.sockets_) ::close(fd);
    gate.reset_locked();
    new (&this_thread.connection) Connection;
    gate.lock_.unlock();
}

void RemoteGate::reset_locked() {
    ++generation_;
    sockets_.clear();
    pending_.clear();
    applied_ = 0;
    applied_ahead_.clear();
    if (::getrandom(cookie_, sizeof(cookie_), 0) != static_cast<ssize_t>(sizeof(cookie_))) std::abort();
}

std::expected<void, std::string> RemoteGate::open(const std::string& path) {
    {
        ExclusiveGuard guard(lock_);
        reset_locked();
        path_ = path;
        open_ = true;
    }
    auto socket = connect_and_greet(path);
    ExclusiveGuard guard(lock_);
    if (!socket) {
        open_ = false;
        return std::unexpected(socket.error());
    }
    this_thread.connection.socket = std::move(*socket);
    this_thread.connection.generation = generation_;
    sockets_.insert(this_thread.connection.socket.fd());
    return {};
}

void RemoteGate::close() {
    ExclusiveGuard guard(lock_);
    open_ = false;
    reset_locked();  // threads drop their sockets at their next call or end
    this_thread.connection.socket.close();
    applied_changed_.notify_all();
}

std::expected<Socket, std::string> RemoteGate::connect_and_greet(const std::string& path) {
    auto socket = connect_socket(path);
    if (!socket) return std::unexpected(socket.error());
    HelloRecord hello{};
    const std::string name = image_name();
    hello.version = protocol_version;
    hello.fingerprint = services_fingerprint;
    hello.thread_id = static_cast<std::uint32_t>(::gettid());
    hello.image_name_size = static_cast<std::uint16_t>(name.size());
    {
        ExclusiveGuard guard(lock_);
        std::memcpy(hello.process_cookie, cookie_, sizeof(cookie_));
    }
    Writer writer;
    writer.begin_frame(FrameKind::hello);
    writer.put(hello);
    writer.put_bytes(name.data(), name.size());
    writer.end_frame(0);
    std::vector<std::byte> reply;
    if (!send_frame(*socket, writer.bytes()) || !receive_frame(*socket, reply))
        return std::unexpected(path + ": the daemon closed the connection");
    const auto* welcome = rtl::record_at<WelcomeRecord>(Bytes(reply), sizeof(FrameHeader));
    if (welcome == nullptr || rtl::record_at<FrameHeader>(Bytes(reply))->kind != std::uint16_t(FrameKind::welcome))
        return std::unexpected(path + ": does not speak Regent's protocol");
    if (welcome->version != protocol_version || welcome->fingerprint != services_fingerprint)
        return std::unexpected(path + ": the daemon is of another version of Regent");
    if (welcome->status != 0)
        return std::unexpected(
            path + ": the daemon refused: " + rtl::status_name(static_cast<NTSTATUS>(std::uint32_t(welcome->status))));
    return std::move(*socket);
}

Connection* RemoteGate::connection(NTSTATUS& status) {
    Connection& mine = this_thread.connection;
    std::string path;
    std::uint64_t generation = 0;
    {
        ExclusiveGuard guard(lock_);
        if (!open_) {
            status = STATUS_PORT_DISCONNECTED;
            return nullptr;
        }
        if (mine.socket.open() && mine.generation == generation_) return &mine;
        path = path_;
        generation = generation_;
    }
    mine.socket.close();
    auto socket = connect_and_greet(path);
    if (!socket) {
        status = STATUS_PORT_CONNECTION_REFUSED;
        return nullptr;
    }
    ExclusiveGuard guard(lock_);
    mine.socket = std::move(*socket);
    mine.generation = generation;
    if (generation == generation_) sockets_.insert(mine.socket.fd());
    return &mine;
}

void RemoteGate::break_connection(Connection& connection) {
    ExclusiveGuard guard(lock_);
    if (connection.generation == generation_) {
        sockets_.erase(connection.socket.fd());
        open_ = false;
        applied_changed_.notify_all();
    }
    connection.socket.close();
}

std::uint64_t RemoteGate::add_pending(PIO_STATUS_BLOCK block, PVOID buffer, std::uint32_t size, const Apc& apc) {
    Ref<ex::ApcQueue> queue = apc.routine != nullptr ? ex::current_apc_queue() : nullptr;
    ExclusiveGuard guard(lock_);
    const std::uint64_t id = next_pending_++;
    pending_.emplace(id, Pending{block, buffer, size, &this_thread.connection, apc, std::move(queue)});
    return id;
}

void RemoteGate::remove_pending(std::uint64_t id) {
    ExclusiveGuard guard(lock_);
    pending_.erase(id);
}

bool RemoteGate::take_completion(Bytes bytes) {
    const auto* record = rtl::record_at<CompletionRecord>(bytes);
    if (record == nullptr) return false;
    ExclusiveGuard guard(lock_);
    const auto found = pending_.find(record->pending_id);
    if (found != pending_.end()) {
        const Pending pending = found->second;
        pending_.erase(found);
        if (pending.buffer != nullptr) {
            Reader reader(bytes.subspan(sizeof(CompletionRecord)));
            const auto offset = reader.get<std::uint32_t>();
            const Bytes range = reader.get_bytes(reader.get<std::uint32_t>());
            if (!reader.good() || offset > pending.size || range.size() > pending.size - offset) return false;
            if (!range.empty())
                std::memcpy(static_cast<std::byte*>(pending.buffer) + offset, range.data(), range.size());
        }
        rtl::complete_io_status(pending.block, static_cast<NTSTATUS>(std::uint32_t(record->status)),
                                record->information);
        if (pending.queue) {
            auto apc = nt::make_io_apc(pending.apc.routine, pending.apc.context, pending.block);
            static_cast<void>(pending.queue->queue(std::move(apc)));
        }
    }
    applied_ahead_.insert(record->number);
    while (!applied_ahead_.empty() && *applied_ahead_.begin() == applied_ + 1) {
        applied_ahead_.erase(applied_ahead_.begin());
        ++applied_;
    }
    applied_changed_.notify_all();
    return true;
}

void RemoteGate::wait_for_completions(std::uint64_t ordinal) {
    ExclusiveGuard guard(lock_);
    applied_changed_.wait(lock_, [&]() RG_NO_ANALYSIS { return applied_ >= ordinal || !open_; });
}

}  // namespace regent::rpc
