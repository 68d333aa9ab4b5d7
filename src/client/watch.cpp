#include "regent/client/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "client/place.h"

namespace regent::client {
namespace {

Result<unique_key> create_event() {
    HANDLE event = nullptr;
    const NTSTATUS status = NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, FALSE);
    if (!NT_SUCCESS(status)) return failed(status, "create", u"event");
    return unique_key(event);  // owns any handle
}

}  // namespace

// The thread arms the notification, waits for it or for the end, tells the eventfd and arms anew; a change in between
// is remembered by the key's handle (NT-5).
class Watcher::Impl {
public:
    Impl(unique_key key, unique_key changed, unique_key stop, int fd, Changes changes, bool whole_tree)
        : key_(std::move(key)),
          changed_(std::move(changed)),
          stop_(std::move(stop)),
          fd_(fd),
          filter_(static_cast<ULONG>(changes)),
          whole_tree_(whole_tree) {}
    ~Impl() {
        if (thread_.joinable()) {
            NtSetEvent(stop_.get(), nullptr);
            thread_.join();
        }
        close(fd_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    // Returns once the notification is armed.
    Result<void> start() {
        std::atomic<NTSTATUS> armed{STATUS_PENDING};
        thread_ = std::thread([this, &armed] { run(armed); });
        armed.wait(STATUS_PENDING);
        if (!NT_SUCCESS(armed.load())) return failed(armed.load(), "watch", u"key");
        return {};
    }
    int fd() const { return fd_; }
    bool ended() const { return ended_.load(std::memory_order_acquire); }
    bool take() {
        eventfd_t count = 0;
        const bool any = eventfd_read(fd_, &count) == 0;
        if (any && ended()) tell();  // stays readable
        return any;
    }

private:
    // A request belongs to the thread that makes it, so this thread makes them all. `armed` is gone after the first.
    void run(std::atomic<NTSTATUS>& armed) {
        const bool first = arm();
        armed.store(first ? STATUS_SUCCESS : status_);
        armed.notify_one();
        if (!first) return;
        const HANDLE handles[] = {stop_.get(), changed_.get()};
        while (NtWaitForMultipleObjects(2, handles, WaitAny, FALSE, nullptr) == STATUS_WAIT_0 + 1) {
            if (block_.Status == STATUS_NOTIFY_CLEANUP || !arm()) {
                ended_.store(true, std::memory_order_release);
                tell();
                return;
            }
            tell();
        }
        // Closing the key ends its request, which is the last to touch block_.
        key_.reset();
        NtWaitForSingleObject(changed_.get(), FALSE, nullptr);
    }
    bool arm() {
        status_ = NtNotifyChangeKey(key_.get(), changed_.get(), nullptr, nullptr, &block_, filter_,
                                    static_cast<BOOLEAN>(whole_tree_), nullptr, 0, TRUE);
        return NT_SUCCESS(status_);
    }
    void tell() const { eventfd_write(fd_, 1); }

    unique_key key_;  // the thread's
    const unique_key changed_;
    const unique_key stop_;
    const int fd_;
    const ULONG filter_;
    const bool whole_tree_;
    IO_STATUS_BLOCK block_{};
    NTSTATUS status_ = STATUS_PENDING;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

Result<Watcher> Watcher::create(const unique_key& key, Changes changes, bool whole_tree) {
    auto own = key.open(u"", Access::notify);
    if (!own) return std::unexpected(own.error());
    auto changed = create_event();
    if (!changed) return std::unexpected(changed.error());
    auto stop = create_event();
    if (!stop) return std::unexpected(stop.error());
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) return failed(STATUS_INSUFFICIENT_RESOURCES, "watch", u"key");
    auto impl = std::make_unique<Impl>(*std::move(own), *std::move(changed), *std::move(stop), fd, changes, whole_tree);
    if (auto started = impl->start(); !started) return std::unexpected(started.error());
    return Watcher(std::move(impl));
}

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

int Watcher::fd() const { return impl_->fd(); }
bool Watcher::take() { return impl_->take(); }
bool Watcher::ended() const { return impl_->ended(); }

bool Watcher::wait(std::chrono::milliseconds timeout) {
    pollfd ready{.fd = fd(), .events = POLLIN, .revents = 0};
    return poll(&ready, 1, static_cast<int>(timeout.count())) > 0 && take();
}

}  // namespace regent::client
