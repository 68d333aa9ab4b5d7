#include "rpc/server.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ex/dispatcher.h"
#include "nt/thread.h"
#include "ob/notify.h"
#include "rpc/wire.gen.h"

namespace regent::rpc {
namespace {

constexpr std::size_t max_connections = 4096;
constexpr std::size_t max_image_name = 256;

std::string read_image_name(pid_t pid, std::string_view claimed) {
    char target[4096];
    const std::string link = "/proc/" + std::to_string(pid) + "/exe";
    const ssize_t size = pid > 0 ? ::readlink(link.c_str(), target, sizeof(target)) : -1;
    if (size > 0) return std::string(target, static_cast<std::size_t>(size));
    return std::string(claimed.substr(0, max_image_name));
}

}  // namespace

// One connection. Its fields belong to its thread but for `gone` and the socket's shutdown.
struct Server::Session {
    std::uint64_t number = 0;  // never given twice, as a descriptor is: an event may be of a connection that has ended
    Socket socket;
    std::thread thread;
    ClientIdentity identity;
    std::shared_ptr<ClientProcess> process;  // set under the server's lock
    ob::ObjectRef<ob::Thread> executive_thread;
    ex::ThreadState* waits = nullptr;  // the thread's, under the server's lock; null before it began and after it ended
    std::atomic<bool> gone{false};
    std::atomic<bool> finished{false};
    std::vector<std::byte> request;
    Writer reply;
};

Server::Server(ServerOptions options, Socket listener) : options_(std::move(options)), listener_(std::move(listener)) {}

std::expected<std::unique_ptr<Server>, std::string> Server::start(ServerOptions options, Socket listener) {
    std::unique_ptr<Server> server(new Server(std::move(options), std::move(listener)));
    server->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    server->wake_ = ::eventfd(0, EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 0;
    if (server->epoll_ < 0 || server->wake_ < 0 ||
        ::epoll_ctl(server->epoll_, EPOLL_CTL_ADD, server->wake_, &event) != 0)
        return std::unexpected(std::string("cannot watch connections: ") + std::strerror(errno));
    server->acceptor_ = std::thread([&server = *server] { server.accept_loop(); });
    server->watcher_ = std::thread([&server = *server] { server.watch_loop(); });
    return server;
}

Server::~Server() {
    stop();
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
}

void Server::log(const std::string& line) const {
    if (options_.log) options_.log(line);
}

void Server::accept_loop() {
    while (!stopping_) {
        pollfd ready[2] = {{listener_.fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
        if (::poll(ready, 2, -1) < 0 && errno != EINTR) break;
        if (stopping_) break;
        reap_finished();
        if ((ready[0].revents & POLLIN) == 0) continue;
        Socket socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket.open()) {
            // Out of descriptors: the connection stays in the backlog until one is closed.
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
                ::usleep(10000);  // style: allow, nothing tells us
            continue;
        }
        auto session = std::make_shared<Session>();
        session->socket = std::move(socket);
        ExclusiveGuard guard(lock_);
        if (stopping_ || sessions_.size() >= max_connections) {
            log("connection refused: " + std::to_string(sessions_.size()) + " are open");
            continue;
        }
        session->number = ++last_session_;
        sessions_.push_back(session);
        session->thread = std::thread([this, session] { session_loop(session); });
    }
}

// Sees a client die while its thread here is inside a service.
void Server::watch_loop() {
    while (!stopping_) {
        epoll_event events[64];
        const int count = ::epoll_wait(epoll_, events, 64, -1);
        for (int i = 0; i < count; ++i) {
            std::shared_ptr<Session> gone;
            {
                ExclusiveGuard guard(lock_);
                for (const auto& session : sessions_)
                    if (session->number == events[i].data.u64 && !session->finished) gone = session;
            }
            if (gone) client_gone(gone);
        }
    }
}

void Server::client_gone(const std::shared_ptr<Session>& session) {
    std::shared_ptr<ClientProcess> doomed;
    ob::ObjectRef<ob::Thread> thread;
    {
        // Together with the flag: as soon as it is set, the session's own thread may give both up.
        ExclusiveGuard guard(lock_);
        if (session->gone.exchange(true)) return;
        thread = session->executive_thread;
        if (session->waits != nullptr) ex::interrupt(*session->waits);
        doomed = session->process;
        for (const auto& other : sessions_)
            if (other->process == doomed && !other->gone) doomed = nullptr;
    }
    session->socket.shut_down();
    if (thread) nt::cancel_thread_requests(*thread);
    if (!doomed) return;
    // Callbacks see who closes the handles: the client's last thread.
    const ob::CallerScope scope(doomed->process(), thread.get(), ob::kernel_mode);
    doomed->terminate();
}

void Server::session_loop(const std::shared_ptr<Session>& session) {
    {
        ExclusiveGuard guard(lock_);
        session->waits = &ex::thread_state();
    }
    if (greet(*session)) {
        while (!stopping_ && receive_frame(session->socket, session->request) && serve_frame(*session)) {
        }
    }
    client_gone(session);
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, session->socket.fd(), nullptr);
    ob::ObjectRef<ob::Thread> thread;
    {
        ExclusiveGuard guard(lock_);
        session->waits = nullptr;
        session->process = nullptr;
        thread = std::move(session->executive_thread);
    }
    if (thread) {
        nt::cancel_thread_requests(*thread);  // what its last call began after client_gone() looked
        thread->exited(STATUS_SUCCESS);
    }
    session->finished = true;
}

bool Server::greet(Session& session) {
    if (!receive_frame(session.socket, session.request)) return false;
    const Bytes frame = session.request;
    const auto* hello = rtl::record_at<HelloRecord>(frame, sizeof(FrameHeader));
    if (hello == nullptr || rtl::record_at<FrameHeader>(frame)->kind != static_cast<std::uint16_t>(FrameKind::hello))
        return false;
    const auto name = rtl::slice(frame, sizeof(FrameHeader) + sizeof(HelloRecord), hello->image_name_size);
    auto credentials = peer_credentials(session.socket);
    if (!name || !credentials) return false;
    session.identity.credentials = std::move(*credentials);
    std::memcpy(session.identity.cookie.data(), hello->process_cookie, session.identity.cookie.size());
    session.identity.thread_id = hello->thread_id;
    session.identity.image_name =
        read_image_name(session.identity.credentials.pid, {reinterpret_cast<const char*>(name->data()), name->size()});
    WelcomeRecord welcome{};
    welcome.version = protocol_version;
    welcome.fingerprint = services_fingerprint;
    welcome.server_pid = static_cast<std::uint32_t>(::getpid());
    NTSTATUS status = STATUS_SUCCESS;
    if (hello->version != protocol_version || hello->fingerprint != services_fingerprint) {
        status = STATUS_REVISION_MISMATCH;
        log("client of another version refused, pid " + std::to_string(session.identity.credentials.pid));
    } else if (!join_process(session, status)) {
        log("client refused, pid " + std::to_string(session.identity.credentials.pid));
    }
    welcome.status = static_cast<std::uint32_t>(status);
    session.reply.begin_frame(FrameKind::welcome);
    session.reply.put(welcome);
    session.reply.end_frame(0);
    if (!send_frame(session.socket, session.reply.bytes()) || status != STATUS_SUCCESS) return false;
    epoll_event event{};
    event.events = EPOLLRDHUP | EPOLLONESHOT;
    event.data.u64 = session.number;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, session.socket.fd(), &event) == 0;
}

std::shared_ptr<ClientProcess> Server::join_process(Session& session, NTSTATUS& status) {
    const ExclusiveGuard joining(join_lock_);
    const ClientIdentity& mine = session.identity;
    std::shared_ptr<ClientProcess> process;
    std::vector<std::shared_ptr<Session>> predecessors;
    {
        ExclusiveGuard guard(lock_);
        for (const auto& other : sessions_) {
            if (!other->process || other->identity.credentials.pid != mine.credentials.pid) continue;
            const bool same =
                other->identity.cookie == mine.cookie && other->identity.credentials.uid == mine.credentials.uid;
            if (same && !other->gone) process = other->process;
            // The pid is in use by another program now (exec, or reuse after death): the earlier one is over.
            if (!same) predecessors.push_back(other);
        }
    }
    for (const auto& predecessor : predecessors) client_gone(predecessor);
    if (!process) {
        auto created = ClientProcess::create(mine, options_.admins);
        if (created && options_.admit) {
            const NTSTATUS refused = options_.admit((*created)->process());
            if (!NT_SUCCESS(refused)) created = fail(refused);
        }
        if (created) {
            const NTSTATUS refused = ob::announce_process((*created)->process());
            if (!NT_SUCCESS(refused)) created = fail(refused);
        }
        if (!created) {
            status = created.error().code();
            return nullptr;
        }
        process = std::move(*created);
    }
    auto thread = ob::Thread::create(ob::ObjectRef<ob::Process>::retain(&process->process()), mine.thread_id);
    if (!thread) {
        status = thread.error().code();
        return nullptr;
    }
    ob::announce_thread(**thread);
    ExclusiveGuard guard(lock_);
    session.process = process;
    session.executive_thread = std::move(*thread);
    return process;
}

bool Server::serve_frame(Session& session) {
    const Bytes frame = session.request;
    const auto* header = rtl::record_at<FrameHeader>(frame);
    if (header->kind != static_cast<std::uint16_t>(FrameKind::calls) || header->count == 0 ||
        header->count > max_calls_per_frame) {
        log("a frame that is no call, pid " + std::to_string(session.identity.credentials.pid));
        return false;
    }
    session.reply.begin_frame(FrameKind::replies);
    std::size_t place = sizeof(FrameHeader);
    std::size_t budget = max_buffer_size;
    for (unsigned left = header->count; left > 0; --left) {
        if (serve_record(session, place, budget)) continue;
        log("a call that cannot be read, pid " + std::to_string(session.identity.credentials.pid));
        return false;
    }
    const std::uint64_t ordinal = session.process->collect_completions(session.reply);
    session.reply.end_frame(ordinal);
    return send_frame(session.socket, session.reply.bytes());
}

bool Server::serve_record(Session& session, std::size_t& place, std::size_t& budget) {
    const Bytes frame = session.request;
    const auto* record = rtl::record_at<RecordHeader>(frame, place);
    if (record == nullptr || record->size < sizeof(RecordHeader) ||
        record->kind != static_cast<std::uint16_t>(RecordKind::call))
        return false;
    const auto bytes = rtl::slice(frame, place, record->size);
    if (!bytes) return false;
    place += record->size;
    auto call = std::make_unique<ServerCall>(bytes->subspan(sizeof(RecordHeader)), session.reply, record->service);
    call->set_budget(budget);
    {
        const ob::CallerScope scope(session.process->process(), session.executive_thread.get(), ob::user_mode);
        if (!serve_call(record->service, *call, *options_.table)) return false;
    }
    session.reply.end_record();
    budget = call->budget();
    if (call->pending()) session.process->add_pending(std::move(call));
    return true;
}

void Server::reap_finished() {
    std::vector<std::shared_ptr<Session>> finished;
    {
        ExclusiveGuard guard(lock_);
        const auto first =
            std::partition(sessions_.begin(), sessions_.end(), [](const auto& s) { return !s->finished; });
        std::move(first, sessions_.end(), std::back_inserter(finished));
        sessions_.erase(first, sessions_.end());
    }
    for (const auto& session : finished) session->thread.join();
}

void Server::stop() {
    if (stopping_.exchange(true)) return;
    const std::uint64_t one = 1;
    if (::write(wake_, &one, sizeof(one)) != sizeof(one)) log("cannot wake the server's threads");
    if (acceptor_.joinable()) acceptor_.join();
    if (watcher_.joinable()) watcher_.join();
    std::vector<std::shared_ptr<Session>> sessions;
    {
        ExclusiveGuard guard(lock_);
        sessions.swap(sessions_);
    }
    for (const auto& session : sessions) client_gone(session);
    for (const auto& session : sessions) session->thread.join();
    ::unlink(options_.socket_path.c_str());
}

}  // namespace regent::rpc
