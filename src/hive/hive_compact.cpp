#include "hive/hive_compact.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "hive/hive_impl.h"
#include "hive/subkey_list.h"
#include "hive/tree_writer.h"

namespace regent::hive {

struct HiveCompaction::State {
    static constexpr std::size_t keys_a_step = 1000;
    static constexpr int patience = 2;  // times to begin anew

    explicit State(rtl::Env& where) : env(where) {}

    rtl::Env& env;
    std::string path;  // of the copy; empty: there is none
    std::unique_ptr<rtl::File> out;
    std::optional<TreeWriter> writer;
    std::uint64_t changes = 0;  // of the hive, when the writer began
    int begun = 0;
    std::uint32_t minor = 0;
    MovedKeys moved;  // by old cell, once finished
    CellIndex root = nil_cell;
    // What the hive will have.
    std::unique_ptr<Storage> storage;
    std::unordered_map<CellIndex, SubkeyList> volatile_lists;
    SecurityIndex security;

    // Locked before anything is written, so that of two compactions one writes; and as long as it is the hive's file.
    Result<void> open_copy(const HiveImpl& hive) {
        if (out != nullptr) return {};
        const std::string name = hive.path + ".compact";
        auto file = RG_TRY(env.open_like(name, rtl::OpenMode::create, hive.path));
        RG_TRY(file->lock());
        path = name;
        out = std::move(file);
        return {};
    }

    Result<void> begin(const HiveImpl& hive) {
        const bool failed = hive.log != nullptr && hive.log->failed();
        if (hive.durability == Durability::read_only || failed) return fail(STATUS_MEDIA_WRITE_PROTECTED);
        if (hive.log == nullptr) return fail(STATUS_NOT_SUPPORTED);
        RG_TRY(hive.require_sound());
        RG_TRY(open_copy(hive));
        RG_TRY(out->truncate(0));
        ++begun;
        changes = hive.changes;
        minor = std::max(hive.cells.minor, std::uint32_t{3});  // lists of 1.2 are not written
        moved.clear();
        writer.emplace(hive.cells, minor, *out, &moved);
        return writer->begin(hive.root);
    }

    bool is_current(const HiveImpl& hive) const { return writer && changes == hive.changes; }
};

HiveCompaction::HiveCompaction(rtl::Env& env) : state_(std::make_unique<State>(env)) {}

HiveCompaction::~HiveCompaction() {
    if (!state_->path.empty()) static_cast<void>(state_->env.remove(state_->path));
}

bool HiveCompaction::impatient() const { return state_->begun >= State::patience; }

Result<bool> HiveCompaction::step(const Hive& hive) {
    State& state = *state_;
    if (!state.is_current(*hive.impl_)) RG_TRY(state.begin(*hive.impl_));
    const bool hurry = state.begun > State::patience;
    return state.writer->step(hurry ? std::numeric_limits<std::size_t>::max() : State::keys_a_step);
}

// The copy without its base block, on the disk and in memory.
Result<void> HiveCompaction::finish() {
    State& state = *state_;
    const TreeWriter::Written written = state.writer->written();
    RG_TRY(state.out->truncate(std::uint64_t{bins_start} + written.bins_size));
    RG_TRY(state.out->sync());
    state.root = written.root;
    state.storage = std::make_unique<Storage>(StorageType::stable);
    RG_TRY(state.storage->map(*state.out, bins_start, written.bins_size));
    FindingList findings;
    bool changed = false;
    state.storage->load_bins(findings, &changed);
    if (findings.count() != 0 || state.storage->lost_page()) return fail(STATUS_REGISTRY_CORRUPT);
    std::sort(state.moved.begin(), state.moved.end());
    return {};
}

CellIndex HiveCompaction::moved(CellIndex key) const {
    if (storage_of(key) == StorageType::volatile_) return key;
    const MovedKeys& moved = state_->moved;
    const auto found = std::lower_bound(moved.begin(), moved.end(), std::pair(key, CellIndex{0}));
    return found != moved.end() && found->first == key ? found->second : nil_cell;
}

// All that can fail comes before the rename.
Result<bool> HiveCompaction::publish(Hive& hive) {
    State& state = *state_;
    HiveImpl& impl = *hive.impl_;
    if (!state.is_current(impl)) {
        state.writer.reset();
        return false;
    }
    if (impl.log->failed()) return fail(STATUS_MEDIA_WRITE_PROTECTED);
    state.volatile_lists.clear();
    for (const auto& [key, list] : impl.cells.volatile_lists()) state.volatile_lists.emplace(moved(key), list);
    state.security = impl.security.without_stable(state.root);
    const LogWriter::Replacement replacement = {state.path, state.minor, state.root, state.storage->size()};
    impl.log->set_proven(true);  // it was verified before it was copied
    RG_TRY(impl.log->replace_primary(state.out, replacement));
    state.path.clear();
    return true;
}

void HiveCompaction::adopt(Hive& hive) {
    State& state = *state_;
    HiveImpl& impl = *hive.impl_;
    Storage& passing = impl.cells.storage(StorageType::volatile_);
    for (const auto& [key, list] : state.volatile_lists) {
        for_each_in_list(impl.cells, list.list, [&](CellIndex child) {
            if (auto* node = rtl::record_at<KeyNode>(passing.mutable_cell(child))) node->parent = key;
            return true;
        });
    }
    impl.cells.replace_stable(*state.storage, state.volatile_lists);
    impl.cells.minor = state.minor;
    impl.security = std::move(state.security);
    impl.values.clear();
    impl.root = state.root;
    impl.base.minor = state.minor;
    impl.base.root_cell = state.root;
    impl.base.bins_size = impl.cells.stable().size();
    impl.verified = true;
    ++impl.changes;
}

Result<void> Hive::compact() {
    if (impl_->log == nullptr && !read_only()) {  // no file: what can be given back is
        static_cast<void>(trim());
        return {};
    }
    HiveCompaction compaction(impl_->log == nullptr ? rtl::real_env() : impl_->log->env());
    for (;;) {
        const bool done = RG_TRY(compaction.step(*this));
        if (done) break;
    }
    RG_TRY(compaction.finish());
    RG_TRY(compaction.publish(*this));  // nobody can have changed it: the lock is exclusive
    compaction.adopt(*this);
    return {};
}

}  // namespace regent::hive
