#include "cm/notify.h"

#include <algorithm>
#include <array>

namespace regent::cm {

namespace {

// Who is told of one change. Mostly one: what stands between the change and its wake-up is not worth the heap.
class ToldFew {
public:
    void add(Ref<NotifyRequest> request) {
        if (count_ < few_.size()) {
            few_[count_++] = std::move(request);
        } else {
            rest_.push_back(std::move(request));
        }
    }
    void tell(NTSTATUS status) {
        for (std::size_t i = 0; i < count_; ++i) few_[i]->complete(status);
        for (const auto& request : rest_) request->complete(status);
    }

private:
    std::array<Ref<NotifyRequest>, 4> few_;
    std::size_t count_ = 0;
    std::vector<Ref<NotifyRequest>> rest_;
};

}  // namespace

void Notifier::tell(Told& told, NTSTATUS status) {
    for (const auto& request : told) request->complete(status);
    told.clear();
}

Result<void> Notifier::arm(std::unique_ptr<NotifyBlock>& block, KeyControlBlock& key, ULONG filter, bool watch_tree,
                           Ref<NotifyRequest> request) {
    Told told;
    {
        ExclusiveGuard guard(lock_);
        // report_gone() follows the deletion under this lock: either it finds the request or we see the deletion.
        RG_TRY(key.check_alive());
        if (block == nullptr) {
            block = std::make_unique<NotifyBlock>(Ref<KeyControlBlock>::retain(&key), filter, watch_tree);
            blocks_.push_back(block.get());
            block_count_.fetch_add(1, std::memory_order_release);
            key.watchers.push_back(block.get());
            key.watcher_count.fetch_add(1, std::memory_order_release);
        }
        if (std::exchange(block->changed_, false)) {
            told.push_back(std::move(request));  // NT-5
        } else {
            block->requests_.push_back(std::move(request));
        }
    }
    tell(told, STATUS_NOTIFY_ENUM_DIR);
    return {};
}

bool Notifier::cancel(std::unique_ptr<NotifyBlock>& block, const NotifyRequest& request) {
    Ref<NotifyRequest> doomed;  // dropped after the lock
    ExclusiveGuard guard(lock_);
    if (block == nullptr) return false;
    const auto found = std::find_if(block->requests_.begin(), block->requests_.end(),
                                    [&](const auto& each) { return each.get() == &request; });
    if (found == block->requests_.end()) return false;
    doomed = std::move(*found);
    block->requests_.erase(found);
    return true;
}

std::vector<Ref<NotifyRequest>> Notifier::take_requests_of(const ob::Thread& thread) {
    Told taken;
    ExclusiveGuard guard(lock_);
    for (NotifyBlock* block : blocks_) {
        auto& requests = block->requests_;
        const auto mine = std::stable_partition(requests.begin(), requests.end(),
                                                [&](const auto& each) { return each->issuer != &thread; });
        std::move(mine, requests.end(), std::back_inserter(taken));
        requests.erase(mine, requests.end());
    }
    return taken;
}

void Notifier::remove_locked(NotifyBlock& block) {
    std::erase(blocks_, &block);
    block_count_.fetch_sub(1, std::memory_order_release);
    std::erase(block.key_->watchers, &block);
    block.key_->watcher_count.fetch_sub(1, std::memory_order_release);
}

void Notifier::close(std::unique_ptr<NotifyBlock>& block) {
    std::unique_ptr<NotifyBlock> doomed;  // holds the key's block, which must not be dropped under our lock
    {
        ExclusiveGuard guard(lock_);
        if (block == nullptr) return;
        remove_locked(*block);
        doomed = std::move(block);
    }
    tell(doomed->requests_, STATUS_NOTIFY_CLEANUP);
}

void Notifier::report(KeyControlBlock& key, ULONG change) {
    if (block_count_.load(std::memory_order_acquire) == 0) return;  // nobody watches anything
    ToldFew told;
    for (KeyControlBlock* at = &key; at != nullptr; at = at->parent()) {
        if (at->watcher_count.load(std::memory_order_acquire) == 0) continue;
        ExclusiveGuard guard(lock_);
        for (NotifyBlock* block : at->watchers) {
            if ((block->filter_ & change) == 0 || (at != &key && !block->watch_tree_)) continue;
            if (block->requests_.empty()) block->changed_ = true;
            for (auto& request : block->requests_) told.add(std::move(request));
            block->requests_.clear();
        }
    }
    told.tell(STATUS_NOTIFY_ENUM_DIR);
}

void Notifier::report_gone(KeyControlBlock& key) {
    // The lock is taken in any case: it orders this against an arm() that saw the key alive.
    Told told;
    {
        ExclusiveGuard guard(lock_);
        for (NotifyBlock* block : key.watchers) {
            std::move(block->requests_.begin(), block->requests_.end(), std::back_inserter(told));
            block->requests_.clear();
        }
    }
    tell(told, STATUS_NOTIFY_CLEANUP);
}

void Notifier::report_unloaded(const MountedHive& hive) {
    Told told;
    {
        ExclusiveGuard guard(lock_);
        for (NotifyBlock* block : blocks_) {
            if (&block->key_->hive() != &hive) continue;
            std::move(block->requests_.begin(), block->requests_.end(), std::back_inserter(told));
            block->requests_.clear();
        }
    }
    tell(told, STATUS_NOTIFY_CLEANUP);
}

}  // namespace regent::cm
