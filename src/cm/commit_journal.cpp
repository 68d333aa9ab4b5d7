#include "cm/commit_journal.h"

#include "cm/flush_gate.h"
#include "hive/format.h"

namespace regent::cm {

namespace {

// At the file's start; zeros when there is no commit to finish.
struct Header {
    rtl::Le32 signature;
    rtl::Le32 version;
    rtl::Le64 size;  // of what follows
    rtl::Le64 hash;  // of it
};
static_assert(sizeof(Header) == 24);
constexpr std::uint32_t signature = 0x54584752;  // "RGXT"
constexpr std::uint64_t largest = std::uint64_t{1} << 31;

void put_count(std::vector<std::byte>& out, std::uint32_t count) {
    const Bytes bytes = rtl::as_bytes(&count, sizeof(count));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::optional<std::uint32_t> take_count(Bytes& in) {
    const auto count = rtl::load<std::uint32_t>(in, 0);
    if (count) in = in.subspan(sizeof(*count));
    return count;
}

std::vector<std::byte> payload_of(std::span<const HiveCommit> parts) {
    std::vector<std::byte> out;
    for (const HiveCommit& part : parts) {
        if (!part.reaches_a_file()) continue;
        const std::string& file = part.hive->file();
        put_count(out, static_cast<std::uint32_t>(file.size()));
        const Bytes name = rtl::as_bytes(file.data(), file.size());
        out.insert(out.end(), name.begin(), name.end());
        std::vector<std::byte> changes;
        std::uint32_t count = 0;
        for (const KeyChange& change : part.changes) {
            if (change.in_memory) continue;
            write_change(changes, change);
            ++count;
        }
        put_count(out, count);
        out.insert(out.end(), changes.begin(), changes.end());
    }
    return out;
}

std::optional<RecordedPart> take_part(Bytes& in) {
    RecordedPart part;
    const auto size = take_count(in);
    if (!size || *size > in.size()) return std::nullopt;
    part.file.assign(reinterpret_cast<const char*>(in.data()), *size);
    in = in.subspan(*size);
    const auto count = take_count(in);
    if (!count) return std::nullopt;
    for (std::uint32_t left = *count; left > 0; --left) {
        auto change = read_change(in);
        if (!change) return std::nullopt;
        part.changes.push_back(std::move(*change));
    }
    return part;
}

// What the file says is to be finished; nothing when it is retired, or was never whole.
Result<std::vector<RecordedPart>> read_record(rtl::File& file) {
    std::vector<RecordedPart> parts;
    Header header{};
    const std::size_t got = RG_TRY(file.read_at(0, std::as_writable_bytes(std::span(&header, 1))));
    if (got != sizeof(header) || header.signature != signature || header.version != 1 || header.size > largest)
        return parts;
    std::vector<std::byte> payload(header.size);
    const std::size_t read = RG_TRY(file.read_at(sizeof(header), payload));
    if (read != payload.size() || hive::marvin32(payload) != header.hash) return parts;
    for (Bytes in = payload; !in.empty();) {
        auto part = take_part(in);
        if (!part) return fail(STATUS_REGISTRY_CORRUPT);  // whole, and yet not ours
        parts.push_back(std::move(*part));
    }
    return parts;
}

Result<void> do_again(rtl::Env& env, const RecordedPart& part) {
    auto storage = hive::Hive::open(env, part.file, {});
    if (!storage) return std::unexpected(storage.error());
    for (const KeyChange& change : part.changes) RG_TRY(apply_change(**storage, change));
    return (*storage)->reconcile();
}

Result<void> clear_header(rtl::File& file) {
    const Header nothing{};
    RG_TRY(file.write_at(0, rtl::as_bytes(&nothing, sizeof(nothing))));
    return file.sync();
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
    ExclusiveGuard guard(lock_);
    file_ = std::move(*file);
    return {};
}

void CommitJournal::close() {
    ExclusiveGuard guard(lock_);
    static_cast<void>(finish_locked());
    held_.clear();
    file_.reset();
}

Result<void> CommitJournal::record(std::span<const HiveCommit> parts) {
    const std::vector<std::byte> payload = payload_of(parts);
    if (payload.size() > largest) return fail(STATUS_INSUFFICIENT_RESOURCES);
    Header header{};
    header.signature = signature;
    header.version = 1;
    header.size = payload.size();
    header.hash = hive::marvin32(payload);
    RG_TRY(file_->write_at(sizeof(header), payload));
    RG_TRY(file_->write_at(0, rtl::as_bytes(&header, sizeof(header))));
    return file_->sync();
}

Result<void> CommitJournal::retire() {
    if (file_) RG_TRY(clear_header(*file_));
    for (const auto& hive : held_) hive->release();
    held_.clear();
    return {};
}

Result<void> CommitJournal::flush_parts(bool flush) {
    flush_first_ = flush;
    return finish_locked();
}

Result<void> CommitJournal::finish_locked() {
    if (held_.empty()) return {};
    Result<void> done;
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
    auto file = env.open(path, rtl::OpenMode::read);
    if (file) return read_record(**file);
    const NTSTATUS status = file.error().code();
    if (status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND)
        return std::vector<RecordedPart>();
    return std::unexpected(file.error());
}

Result<void> CommitJournal::recover(rtl::Env& env, const std::string& path, std::vector<std::string>& messages) {
    auto file = env.open(path, rtl::OpenMode::read_write);
    if (!file) {
        if (file.error().code() == STATUS_OBJECT_NAME_NOT_FOUND) return {};
        return std::unexpected(file.error());
    }
    const auto parts = read_record(**file);
    if (!parts) return std::unexpected(parts.error());
    if (parts->empty()) return {};
    for (const RecordedPart& part : *parts) {
        const Result<void> done = do_again(env, part);
        const NTSTATUS status = rtl::to_ntstatus(done);
        const bool lost = status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_NOT_REGISTRY_FILE ||
                          status == STATUS_REGISTRY_CORRUPT;
        if (!done && !lost) return done;
        messages.push_back(part.file + (done ? ": an interrupted commit was finished"
                                             : ": an interrupted commit cannot be finished here"));
    }
    return clear_header(**file);
}

}  // namespace regent::cm
