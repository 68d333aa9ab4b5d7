#include "rpc/client_process.h"

#include <algorithm>
#include <iterator>

#include "rpc/client_identity.h"

namespace regent::rpc {
namespace {

// Beyond this a reply takes no more completions; they ride on the next one.
constexpr std::size_t completions_per_frame = std::size_t{8} << 20;

// Pending calls whose process is gone: a driver may still write into them, so they stay until it has completed them.
class Graveyard {
public:
    void bury(std::deque<std::unique_ptr<ServerCall>> calls) {
        std::vector<std::unique_ptr<ServerCall>> done;  // freed outside the lock
        ExclusiveGuard guard(lock_);
        for (auto& call : calls) calls_.push_back(std::move(call));
        const auto first_done =
            std::partition(calls_.begin(), calls_.end(), [](const auto& c) { return !c->completed(); });
        std::move(first_done, calls_.end(), std::back_inserter(done));
        calls_.erase(first_done, calls_.end());
    }

private:
    Mutex<LockRank::leaf> lock_;
    std::vector<std::unique_ptr<ServerCall>> calls_ RG_GUARDED_BY(lock_);
};

Graveyard& graveyard() {
    static Graveyard* const place = new Graveyard;  // drivers may complete calls during static destruction
    return *place;
}

}  // namespace

Result<std::shared_ptr<ClientProcess>> ClientProcess::create(const ClientIdentity& identity,
                                                             std::optional<gid_t> admins) {
    ob::Process::Start start;
    start.pid = static_cast<std::uint32_t>(identity.credentials.pid);
    start.image = rtl::from_utf8(identity.image_name);
    start.token = token_of(identity.credentials, admins);
    auto process = RG_TRY(ob::Process::create(std::move(start)));
    return std::make_shared<ClientProcess>(std::move(process));
}

ClientProcess::~ClientProcess() {
    terminate();
    graveyard().bury(std::move(pending_));
}

void ClientProcess::add_pending(std::unique_ptr<ServerCall> call) {
    ExclusiveGuard guard(lock_);
    pending_.push_back(std::move(call));
}

std::uint64_t ClientProcess::collect_completions(Writer& writer) {
    std::vector<std::unique_ptr<ServerCall>> done;  // freed outside the lock
    ExclusiveGuard guard(lock_);
    for (auto call = pending_.begin(); call != pending_.end() && writer.size() < completions_per_frame;) {
        if (!(*call)->completed()) {
            ++call;
            continue;
        }
        (*call)->write_completion(writer, ++completions_);
        done.push_back(std::move(*call));
        call = pending_.erase(call);
    }
    return completions_;
}

void ClientProcess::terminate() { process_->terminate(); }

}  // namespace regent::rpc
