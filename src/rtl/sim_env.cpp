#include "rtl/sim_env.h"

#include <algorithm>
#include <cstring>

namespace regent::rtl {

class SimEnv::SimFile final : public File {
public:
    SimFile(SimEnv& env, std::shared_ptr<Node> node, bool writable)
        : env_(env), node_(std::move(node)), writable_(writable) {}
    ~SimFile() override {
        if (!locked_) return;
        ExclusiveGuard guard(env_.lock_);
        node_->locked = false;
    }
    Result<std::uint64_t> size() override {
        ExclusiveGuard guard(env_.lock_);
        return node_->content.size();
    }
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        ExclusiveGuard guard(env_.lock_);
        if (offset >= node_->content.size()) return std::size_t{0};
        const std::size_t part = std::min<std::size_t>(out.size(), node_->content.size() - offset);
        if (part != 0) std::memcpy(out.data(), node_->content.data() + offset, part);
        return part;
    }
    Result<void> write_at(std::uint64_t offset, Bytes data) override {
        if (!writable_) return fail(STATUS_ACCESS_DENIED);
        std::string text(reinterpret_cast<const char*>(data.data()), data.size());
        ExclusiveGuard guard(env_.lock_);
        if (env_.full_ && offset + data.size() > node_->content.size()) return fail(STATUS_DISK_FULL);
        RG_TRY(env_.record({EventKind::write, node_->id, offset, text, {}}));
        if (node_->content.size() < offset + text.size()) node_->content.resize(offset + text.size());
        node_->content.replace(offset, text.size(), text);
        return {};
    }
    Result<void> truncate(std::uint64_t size) override {
        ExclusiveGuard guard(env_.lock_);
        RG_TRY(env_.record({EventKind::truncate, node_->id, size, {}, {}}));
        node_->content.resize(size);
        return {};
    }
    Result<void> sync() override {
        ExclusiveGuard guard(env_.lock_);
        return env_.record({EventKind::sync, node_->id, 0, {}, {}});
    }
    Result<void> lock() override {
        ExclusiveGuard guard(env_.lock_);
        if (node_->locked) return fail(STATUS_SHARING_VIOLATION);
        node_->locked = locked_ = true;
        return {};
    }

private:
    SimEnv& env_;
    std::shared_ptr<Node> node_;
    bool writable_;
    bool locked_ = false;
};

SimEnv::SimEnv(const DiskImage& disk) : initial_(disk) {
    for (const auto& [path, content] : disk) {
        nodes_[path] = std::make_shared<Node>(Node{next_id_, content});
        initial_ids_[path] = next_id_++;
    }
}
SimEnv::~SimEnv() = default;

Result<void> SimEnv::record(Event event) {
    const std::size_t number = events_.size();
    if (number == fail_event_ || (fail_sticky_ && number > fail_event_)) {
        if (!fail_sticky_) fail_event_ = static_cast<std::size_t>(-1);
        return fail(fail_status_);
    }
    events_.push_back(std::move(event));
    return {};
}

std::size_t SimEnv::event_count() const {
    ExclusiveGuard guard(lock_);
    return events_.size();
}

void SimEnv::set_full(bool full) {
    ExclusiveGuard guard(lock_);
    full_ = full;
}

void SimEnv::fail_at(std::size_t event, NTSTATUS status, bool sticky) {
    ExclusiveGuard guard(lock_);
    fail_event_ = events_.size() + event;
    fail_status_ = status;
    fail_sticky_ = sticky;
}

Result<std::unique_ptr<File>> SimEnv::open(const std::string& path, OpenMode mode) {
    std::unique_ptr<SimFile> file;
    bool truncated = false;
    {
        ExclusiveGuard guard(lock_);
        auto found = nodes_.find(path);
        const bool exists = found != nodes_.end();
        if (!exists && (mode == OpenMode::read || mode == OpenMode::read_write))
            return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        if (exists && mode == OpenMode::create_new) return fail(STATUS_OBJECT_NAME_COLLISION);
        if (!exists) {
            if (full_) return fail(STATUS_DISK_FULL);
            RG_TRY(record({EventKind::link, next_id_, 0, path, {}}));
            found = nodes_.emplace(path, std::make_shared<Node>(Node{next_id_++, {}})).first;
        }
        file = std::make_unique<SimFile>(*this, found->second, mode != OpenMode::read);
        truncated = exists && mode == OpenMode::truncate;
    }
    if (truncated) RG_TRY(file->truncate(0));
    return file;
}

Result<void> SimEnv::rename(const std::string& from, const std::string& to) {
    ExclusiveGuard guard(lock_);
    const auto found = nodes_.find(from);
    if (found == nodes_.end()) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
    RG_TRY(record({EventKind::rename, found->second->id, 0, from, to}));
    nodes_[to] = found->second;
    nodes_.erase(from);
    return {};
}

Result<void> SimEnv::remove(const std::string& path) {
    ExclusiveGuard guard(lock_);
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return {};
    RG_TRY(record({EventKind::unlink, found->second->id, 0, path, {}}));
    nodes_.erase(found);
    return {};
}

Result<void> SimEnv::sync_directory_of(const std::string& path) {
    ExclusiveGuard guard(lock_);
    return record({EventKind::sync_directory, 0, 0, path, {}});
}

DiskImage SimEnv::contents() const {
    ExclusiveGuard guard(lock_);
    DiskImage disk;
    for (const auto& [path, node] : nodes_) disk[path] = node->content;
    return disk;
}

namespace {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x9E3779B97F4A7C15ULL >> 11;
    }
    std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }

private:
    std::uint64_t state_;
};

void put(std::string& content, std::uint64_t offset, const char* data, std::size_t size) {
    if (content.size() < offset + size) content.resize(offset + size);
    content.replace(offset, size, data, size);
}

}  // namespace

DiskImage SimEnv::after_crash(std::size_t events, LossModel model, std::uint64_t seed) const {
    constexpr std::uint64_t sector = 512;
    ExclusiveGuard guard(lock_);
    Random random(seed + events * 1000003);
    std::map<std::size_t, std::string> durable;
    std::map<std::string, std::size_t> directory = initial_ids_;
    for (const auto& [path, id] : initial_ids_) durable[id] = initial_.at(path);
    std::vector<const Event*> waiting;  // not synced, in order

    auto apply = [&](const Event& event) {
        std::string& content = durable[event.node];
        if (event.kind == EventKind::write) put(content, event.offset, event.data.data(), event.data.size());
        if (event.kind == EventKind::truncate) content.resize(event.offset);
        if (event.kind == EventKind::link) directory[event.data] = event.node;
        if (event.kind == EventKind::unlink) directory.erase(event.data);
        if (event.kind == EventKind::rename) {
            directory.erase(event.data);
            directory[event.to] = event.node;
        }
    };
    auto is_directory_change = [](const Event& event) {
        return event.kind == EventKind::link || event.kind == EventKind::unlink || event.kind == EventKind::rename;
    };
    auto flush_waiting = [&](auto&& chosen) {
        for (const Event*& event : waiting) {
            if (!chosen(*event)) continue;
            apply(*event);
            event = nullptr;
        }
        std::erase(waiting, nullptr);
    };
    for (std::size_t i = 0; i < events && i < events_.size(); ++i) {
        const Event& event = events_[i];
        if (event.kind == EventKind::sync) {
            flush_waiting([&](const Event& w) { return !is_directory_change(w) && w.node == event.node; });
        } else if (event.kind == EventKind::sync_directory) {
            flush_waiting(is_directory_change);
        } else {
            waiting.push_back(&event);
        }
    }
    auto apply_torn = [&](const Event& event) {
        if (event.kind != EventKind::write) return apply(event);
        for (std::uint64_t at = 0; at < event.data.size();) {
            const std::uint64_t part =
                std::min<std::uint64_t>(sector - (event.offset + at) % sector, event.data.size() - at);
            if (random.below(2) != 0) put(durable[event.node], event.offset + at, event.data.data() + at, part);
            at += part;
        }
    };
    if (model == LossModel::none) {
        for (const Event* event : waiting) apply(*event);
    } else if (model == LossModel::torn) {
        // A journal keeps directory changes in order: those up to a random one are there.
        const std::size_t directory_until = random.below(waiting.size() + 1);
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (!is_directory_change(*waiting[i]))
                apply_torn(*waiting[i]);
            else if (i < directory_until)
                apply(*waiting[i]);
        }
    } else if (model == LossModel::subset || model == LossModel::reordered) {
        const std::size_t directory_until = random.below(waiting.size() + 1);
        std::vector<const Event*> kept;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (is_directory_change(*waiting[i])) {
                if (i < directory_until) apply(*waiting[i]);
            } else if (random.below(2) != 0) {
                kept.push_back(waiting[i]);
            }
        }
        for (std::size_t i = kept.size(); model == LossModel::reordered && i > 1; --i) {
            std::swap(kept[i - 1], kept[random.below(i)]);
        }
        for (const Event* event : kept) apply(*event);
    } else if (model == LossModel::prefix && !waiting.empty()) {
        const std::size_t until = random.below(waiting.size());
        for (std::size_t i = 0; i < until; ++i) apply(*waiting[i]);
        Event last = *waiting[until];
        if (last.kind == EventKind::write) last.data.resize(random.below(last.data.size() + 1));
        apply(last);
    }
    DiskImage disk;
    for (const auto& [path, id] : directory) disk[path] = durable[id];
    return disk;
}

}  // namespace regent::rtl
