#include "cm/commit_journal.h"

#include <algorithm>

#include "cm/flush_gate.h"
#include "hive/durability.h"

namespace regent::cm {

namespace {

std::vector<std::byte> payload_of(std::span<const HiveCommit> parts) {
    std::vector<std::byte> out;
    for (const HiveCommit& part : parts) {
        if (part.reaches_a_file()) put_part(out, part.hive->file(), part.changes);
    }
    return out;
}

Result<void> do_again(hive::Hive& storage, const RecordedPart& part) {
    for (const KeyChange& change : part.changes) RG_TRY(apply_change(storage, change));
    return {};
}

Result<void> do_again(rtl::Env& env, const RecordedPart& part) {
    auto storage = hive::Hive::open(env, part.file, {});
    if (!storage) return std::unexpected(storage.error());
    RG_TRY(do_again(**storage, part));
    return (*storage)->reconcile();
}

std::string left_path(const std::string& journal) { return journal + ".left"; }

std::vector<RecordedPart>::iterator find_part(std::vector<RecordedPart>& parts, const std::string& file) {
    return std::find_if(parts.begin(), parts.end(), [&](const auto& each) { return same_file(each.file, file); });
}

// A hive has one part at most: it gets no other before that one is done.
void put_left(std::vector<RecordedPart>& left, RecordedPart part) {
    const auto there = find_part(left, part.file);
    if (there == left.end())
        left.push_back(std::move(part));
    else
        *there = std::move(part);
}

// The store's own hives are mounted when it starts: one of them that is not there then is not coming back.
bool is_in_store(const std::string& file, const std::string& journal) {
    return file.starts_with(journal.substr(0, journal.rfind('/') + 1));
}

}  // namespace

bool HiveCommit::reaches_a_file() const {
    if (hive->file().empty() || hive->options().volatile_hive) return false;
    return std::any_of(changes.begin(), changes.end(), [](const KeyChange& change) { return !change.in_memory; });
}

CommitJournal& commit_journal() {
    static CommitJournal& journal = *new CommitJournal;
    return journal;
}

Result<void> CommitJournal::open(rtl::Env& env, const std::string& path) {
    auto file = env.open(path, rtl::OpenMode::create);
    if (!file) return std::unexpected(file.error());
    RG_TRY(env.sync_directory_of(path));
    auto left = read_record(env, left_path(path));
    if (!left) return std::unexpected(left.error());
    ExclusiveGuard guard(lock_);
    env_ = &env;
    path_ = path;
    file_ = std::move(*file);
    left_ = std::move(*left);
    return {};
}

void CommitJournal::close() {
    ExclusiveGuard guard(lock_);
    static_cast<void>(finish_locked());
    held_.clear();
    left_.clear();
    file_.reset();
}

Result<void> CommitJournal::record(std::span<const HiveCommit> parts) {
    return write_record(*file_, payload_of(parts));
}

Result<void> CommitJournal::retire() {
    if (file_) RG_TRY(clear_record(*file_));
    for (const auto& hive : held_) hive->release();
    held_.clear();
    return {};
}

Result<void> CommitJournal::flush_parts(bool flush) {
    flush_first_ = flush;
    return finish_locked();
}

// A hive that had to go before its flush succeeded: its part is kept for the next time that it is loaded, so that the
// others need not wait for it.
Result<void> CommitJournal::leave_unloaded() {
    const auto gone = [](const auto& hive) { return hive->unloaded(); };
    if (!flush_first_ || std::none_of(held_.begin(), held_.end(), gone)) return {};
    if (file_) {
        std::vector<RecordedPart> left = left_;
        auto parts = read_record(*file_);
        if (!parts) return std::unexpected(parts.error());
        for (const auto& hive : held_) {
            const auto part = gone(hive) ? find_part(*parts, hive->file()) : parts->end();
            if (part != parts->end()) put_left(left, std::move(*part));
        }
        RG_TRY(replace_record(*env_, left_path(path_), path_, left));
        left_ = std::move(left);
    }
    for (const auto& hive : held_) {
        if (gone(hive)) hive->release();
    }
    std::erase_if(held_, gone);
    return {};
}

Result<void> CommitJournal::finish_part(hive::Hive& storage) {
    ExclusiveGuard guard(lock_);
    RG_TRY(leave_unloaded());
    const auto part = find_part(left_, storage.path());
    if (part == left_.end()) return {};
    RG_TRY(do_again(storage, *part));
    if (!hive::writes_files(storage.durability())) return {};  // left for who may write it
    RG_TRY(storage.reconcile());
    std::vector<RecordedPart> left = left_;
    left.erase(left.begin() + (part - left_.begin()));
    RG_TRY(replace_record(*env_, left_path(path_), path_, left));
    left_ = std::move(left);
    return {};
}

Result<void> CommitJournal::finish_locked() {
    if (held_.empty()) return {};
    Result<void> done = leave_unloaded();
    for (const auto& hive : held_) {
        if (flush_first_ && done) done = hive->flush_held();
    }
    if (done) done = retire();
    // Whoever wants to write one of these hives has to get this done first.
    for (const auto& hive : held_) hive->stay_held();
    return done;
}

Result<void> CommitJournal::finish() {
    ExclusiveGuard guard(lock_);
    return finish_locked();
}

CommitOutcome CommitJournal::commit(std::span<HiveCommit> parts, const std::function<Result<void>()>& change) {
    flush_gate().wait_until_open();
    ExclusiveGuard guard(lock_);
    if (const Result<void> earlier = finish_locked(); !earlier) return {earlier, {}};
    for (const HiveCommit& part : parts) {
        if (!part.reaches_a_file()) continue;
        part.hive->hold();
        held_.push_back(part.hive);
    }
    if (file_) {
        if (const Result<void> recorded = record(parts); !recorded) {
            static_cast<void>(flush_parts(false));
            return {recorded, {}};
        }
    }
    const Result<void> changed = change();
    const Result<void> finished = flush_parts(changed.has_value());
    return {changed, finished};
}

Result<std::vector<RecordedPart>> CommitJournal::interrupted(rtl::Env& env, const std::string& path) {
    auto parts = read_record(env, left_path(path));
    if (!parts) return parts;
    auto last = read_record(env, path);
    if (!last) return last;
    for (RecordedPart& part : *last) put_left(*parts, std::move(part));
    return parts;
}

Result<void> CommitJournal::recover(rtl::Env& env, const std::string& path, std::vector<std::string>& messages) {
    auto file = env.open(path, rtl::OpenMode::read_write);
    if (!file) {
        if (is_missing(file.error().code())) return {};
        return std::unexpected(file.error());
    }
    auto parts = read_record(**file);
    if (!parts) return std::unexpected(parts.error());
    if (parts->empty()) return {};
    auto left = read_record(env, left_path(path));
    if (!left) return std::unexpected(left.error());
    bool more = false;
    for (RecordedPart& part : *parts) {
        const Result<void> done = do_again(env, part);
        const NTSTATUS status = rtl::to_ntstatus(done);
        const bool lost = is_missing(status) || status == STATUS_NOT_REGISTRY_FILE || status == STATUS_REGISTRY_CORRUPT;
        if (!done && !lost) return done;
        const bool later = lost && !is_in_store(part.file, path);
        messages.push_back(part.file + (done    ? ": an interrupted commit was finished"
                                        : later ? ": an interrupted commit will be finished when it is loaded"
                                                : ": an interrupted commit cannot be finished here"));
        if (later) put_left(*left, std::move(part));
        more |= later;
    }
    if (more) RG_TRY(replace_record(env, left_path(path), path, *left));
    return clear_record(**file);
}

}  // namespace regent::cm
