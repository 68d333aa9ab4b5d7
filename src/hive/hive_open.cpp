// Loading: map the file, apply the logs, write a recovered primary back, then validate and heal, or leave that to the
// first touch of each part (ADR 0009).
#include <algorithm>
#include <cstring>

#include "hive/check.h"
#include "hive/hive_impl.h"
#include "hive/old_format.h"
#include "hive/recovery.h"

namespace regent::hive {

namespace {

constexpr std::uint64_t max_log = 1ULL << 31;

// Passes findings on and counts them.
class CountingSink final : public FindingSink {
public:
    explicit CountingSink(FindingSink* next) : next_(next) {}
    void report(Finding finding) override {
        ++count_;
        if (next_ != nullptr) next_->report(std::move(finding));
    }
    std::size_t count() const { return count_; }

private:
    FindingSink* next_;
    std::size_t count_ = 0;
};

struct Loaded {
    Recovery recovery;
    bool base_changed = false;  // the base block on disk is not what the hive in memory has
};

std::uint64_t bins_in_file(std::uint64_t file_size) {
    return file_size < bins_start ? 0 : (file_size - bins_start) / page_size * page_size;
}

// How many bytes of bins to take: what a good base block says, else all there are.
std::uint64_t bins_to_take(const BaseBlock& base, std::uint64_t file_size) {
    const std::uint64_t there = std::min<std::uint64_t>(bins_in_file(file_size), max_storage);
    if (!base_block_good(base)) return there;
    return std::min<std::uint64_t>(base.bins_size / page_size * page_size, there);
}

// From raw bins in the storage and the logs to a recovered base block and bins of its size.
Result<Loaded> recover_raw(Cells& cells, const BaseBlock& first, const std::vector<LogFile>& logs,
                           const OpenOptions& options, FindingSink& sink) {
    Loaded loaded;
    loaded.recovery = RG_TRY(recover(first, cells.stable(), logs, sink));
    BaseBlock& base = loaded.recovery.base;
    if (loaded.recovery.log_unusable && !options.tolerate_bad_log) return fail(STATUS_REGISTRY_CORRUPT);
    if (loaded.recovery.state != LoadState::recovered && !loaded.recovery.base_was_good) {
        sink.report({FindingKind::base_block, offsetof(BaseBlock, checksum), std::to_string(checksum(first)),
                     std::to_string(first.checksum), "checksum corrected"});
        loaded.base_changed = true;
    }
    if (!check_base_block(base, sink, &loaded.base_changed)) return fail(STATUS_REGISTRY_CORRUPT);
    const std::uint32_t have = cells.stable().size();
    if (base.bins_size > have) {
        sink.report({FindingKind::bin, std::uint64_t{bins_start} + have,
                     std::to_string(base.bins_size) + " bytes of bins", std::to_string(have), "the hive ends here"});
        base.bins_size = have;
        loaded.base_changed = true;
    }
    cells.stable().shrink_raw(base.bins_size);
    if (base.root_cell >= base.bins_size) {
        sink.report({FindingKind::base_block,
                     offsetof(BaseBlock, root_cell),
                     "a cell inside the bins",
                     std::to_string(base.root_cell),
                     {}});
        return fail(STATUS_REGISTRY_CORRUPT);
    }
    cells.minor = base.minor;
    return loaded;
}

// The base block of a clean primary that this program wrote after it had verified all of it.
bool proven(const BaseBlock& base) {
    return base.proof_signature == proof_signature && base.proof_sequence == base.secondary_sequence;
}

bool may_be_lazy(const Loaded& loaded, const OpenOptions& options) {
    if (options.validation == Validation::full) return false;
    if (loaded.recovery.state != LoadState::clean || !loaded.recovery.base_was_good || loaded.base_changed)
        return false;
    return options.validation == Validation::on_touch || proven(loaded.recovery.base);
}

// REQUIRES: recover_raw succeeded.
Result<void> validate(HiveImpl& impl, const OpenOptions& options, CountingSink& sink) {
    Storage& stable = impl.cells.stable();
    bool changed = false;
    stable.load_bins(sink, &changed);
    TreeCheck check(impl.cells, impl.root, sink, true);
    if (!check.run()) return fail(STATUS_REGISTRY_CORRUPT);
    if (sink.count() != 0 && !options.self_heal) return fail(STATUS_REGISTRY_CORRUPT);
    for (CellIndex cell : check.security_cells()) impl.security.add(impl.cells, cell);
    impl.healed = changed || check.changed();
    if (!impl.healed || !writes_files(options.durability)) stable.clear_dirty();
    return {};
}

// REQUIRES: as validate.
Result<void> validate_on_touch(HiveImpl& impl, CountingSink& sink) {
    impl.cells.stable().be_lazy();
    impl.security.be_lazy(impl.root);
    if (const char* defect = key_record_defect(impl.cells.data(impl.root), true)) {
        sink.report({FindingKind::key, std::uint64_t{bins_start} + impl.root, "the root key", defect, {}});
        return fail(STATUS_REGISTRY_CORRUPT);
    }
    return {};
}

Result<void> take_over(HiveImpl& impl, const Loaded& loaded, const OpenOptions& options, CountingSink& sink) {
    impl.root = impl.base.root_cell;
    const bool lazy = may_be_lazy(loaded, options);
    impl.verified = !lazy || proven(loaded.recovery.base);
    const auto done = lazy ? validate_on_touch(impl, sink) : validate(impl, options, sink);
    // Zeros in the place of pages that could not be read are nothing to repair from.
    if (impl.cells.stable().lost_page()) return fail(STATUS_REGISTRY_IO_FAILED);
    return done;
}

// A hive of 1.0 or 1.1: a new one in memory takes its content over.
HiveOptions like_old(const HiveImpl& old) {
    HiveOptions options;
    options.root_name = old_key_name(old.cells.stable().bytes(), old.base.root_cell);
    options.format = Format::v1_3;
    return options;
}
Result<void> copy_old(const HiveImpl& old, Hive& made, const OpenOptions& options, CountingSink& sink) {
    RG_TRY(copy_old_tree(old.cells.stable().bytes(), old.base.root_cell, made, sink));
    if (old.cells.stable().lost_page()) return fail(STATUS_REGISTRY_IO_FAILED);
    if (sink.count() != 0 && !options.self_heal) return fail(STATUS_REGISTRY_CORRUPT);
    return {};
}
void wear(HiveImpl& made, const HiveImpl& old) {
    made.path = old.path;
    made.durability = old.durability;
    made.load_state = old.load_state;
    made.base.last_written = old.base.last_written;
}

// The original beside the file, before repairs replace it.
Result<void> keep_original(rtl::Env& env, rtl::File& file, const std::string& path) {
    const std::string content = RG_TRY(rtl::read_whole(file, std::uint64_t{max_storage} + bins_start));
    const std::string copy_path = path + ".corrupt";
    const auto copy = RG_TRY(env.open_like(copy_path, rtl::OpenMode::truncate, path));
    RG_TRY(copy->write_at(0, rtl::as_bytes(content.data(), content.size())));
    return copy->sync();
}

// In memory there is nothing that a folder could lack.
bool may_create(Status missing, const OpenOptions& options) {
    if (!options.create_if_missing || options.durability == Durability::read_only) return false;
    if (missing.code() == STATUS_OBJECT_NAME_NOT_FOUND) return true;
    return missing.code() == STATUS_OBJECT_PATH_NOT_FOUND && options.durability == Durability::in_memory;
}

Result<BaseBlock> map_raw(Cells& cells, rtl::File& file) {
    const std::uint64_t size = RG_TRY(file.size());
    BaseBlock first;
    const MutableBytes out(reinterpret_cast<std::byte*>(&first), sizeof(first));
    const std::size_t got = RG_TRY(file.read_at(0, out));
    if (got < sizeof(first)) return fail(STATUS_NOT_REGISTRY_FILE);
    RG_TRY(cells.stable().map(file, bins_start, static_cast<std::uint32_t>(bins_to_take(first, size))));
    return first;
}

// Read-write: what recovery did goes to the primary before anything else is changed.
Result<void> attach(HiveImpl& impl, rtl::Env& env, std::unique_ptr<rtl::File> file, const Loaded& loaded) {
    const Recovery& recovery = loaded.recovery;
    const bool dirty = recovery.state != LoadState::clean || loaded.base_changed || !recovery.base_was_good;
    impl.log = std::make_unique<LogWriter>(env, impl.path, std::move(file), recovery.base, dirty);
    if (recovery.state != LoadState::recovered) return {};
    return impl.log->write_recovered(impl.cells.stable().bytes(), recovery.pages);
}

}  // namespace

void check_all(const HiveImpl& impl, FindingSink& sink) {
    impl.cells.stable().check(sink);
    // Without repair the walk changes nothing; it only shares its code with the one that does.
    TreeCheck check(const_cast<Cells&>(impl.cells), impl.root, sink, false);
    check.run();
}

Result<std::vector<LogFile>> read_logs(rtl::Env& env, const std::string& path) {
    std::vector<LogFile> logs;
    for (const char* suffix : {".LOG1", ".LOG2", ".LOG"}) {
        auto file = env.open(path + suffix, rtl::OpenMode::read);
        if (!file && file.error().code() == STATUS_OBJECT_NAME_NOT_FOUND) continue;
        if (!file) return std::unexpected(file.error());
        std::string content = RG_TRY(rtl::read_whole(**file, max_log));
        const std::size_t slash = path.rfind('/');
        const std::string base_name = slash == std::string::npos ? path : path.substr(slash + 1);
        logs.push_back({base_name + suffix, std::move(content)});
    }
    return logs;
}

Result<std::unique_ptr<Hive>> Hive::open(rtl::Env& env, const std::string& path, const OpenOptions& options) {
    const bool writes = writes_files(options.durability);
    auto opened = env.open(path, writes ? rtl::OpenMode::read_write : rtl::OpenMode::read);
    if (!opened && may_create(opened.error(), options)) {
        HiveOptions create_options = options.create;
        create_options.path = path;
        create_options.durability = options.durability;
        return create(env, create_options);
    }
    std::unique_ptr<rtl::File> file = RG_TRY(std::move(opened));
    if (writes) RG_TRY(file->lock());

    auto impl = std::make_unique<HiveImpl>();
    impl->path = path;
    impl->durability = options.durability;
    CountingSink sink(options.findings);
    const BaseBlock first = RG_TRY(map_raw(impl->cells, *file));
    const bool clean = base_block_good(first) && first.primary_sequence == first.secondary_sequence;
    std::vector<LogFile> logs;
    if (!clean) logs = RG_TRY(read_logs(env, path));
    const Loaded loaded = RG_TRY(recover_raw(impl->cells, first, logs, options, sink));
    impl->base = loaded.recovery.base;
    impl->load_state = loaded.recovery.state;
    if (impl->base.minor < first_minor_of_today) {
        // Copied, and nothing is written in that format.
        if (writes) return fail(STATUS_NOT_SUPPORTED);
        auto made = RG_TRY(create(env, like_old(*impl)));
        RG_TRY(copy_old(*impl, *made, options, sink));
        wear(*made->impl_, *impl);
        return made;
    }
    rtl::File* const primary = file.get();
    if (writes) RG_TRY(attach(*impl, env, std::move(file), loaded));
    RG_TRY(take_over(*impl, loaded, options, sink));
    if (impl->log && (impl->healed || loaded.base_changed)) RG_TRY(keep_original(env, *primary, path));
    return std::unique_ptr<Hive>(new Hive(std::move(impl)));
}

Result<std::unique_ptr<Hive>> Hive::open_image(Bytes image, const OpenOptions& options) {
    const auto* first = rtl::record_at<BaseBlock>(image);
    if (first == nullptr) return fail(STATUS_NOT_REGISTRY_FILE);
    OpenOptions in_memory = options;
    if (writes_files(options.durability)) in_memory.durability = Durability::in_memory;
    auto impl = std::make_unique<HiveImpl>();
    impl->durability = in_memory.durability;
    CountingSink sink(options.findings);
    RG_TRY(impl->cells.stable().grow_raw(bins_to_take(*first, image.size())));
    const MutableBytes bins = impl->cells.stable().mutable_bytes();
    if (!bins.empty()) std::memcpy(bins.data(), image.data() + bins_start, bins.size());
    const Loaded loaded = RG_TRY(recover_raw(impl->cells, *first, {}, in_memory, sink));
    impl->base = loaded.recovery.base;
    impl->load_state = loaded.recovery.state;
    if (impl->base.minor < first_minor_of_today) {
        auto made = RG_TRY(create(rtl::real_env(), like_old(*impl)));
        RG_TRY(copy_old(*impl, *made, in_memory, sink));
        wear(*made->impl_, *impl);
        return made;
    }
    RG_TRY(take_over(*impl, loaded, in_memory, sink));
    return std::unique_ptr<Hive>(new Hive(std::move(impl)));
}

Result<RecoveredFile> recover_file(rtl::Env& env, const std::string& path, FindingSink& sink) {
    const auto file = RG_TRY(env.open(path, rtl::OpenMode::read));
    Cells cells;
    const BaseBlock first = RG_TRY(map_raw(cells, *file));
    const std::vector<LogFile> logs = RG_TRY(read_logs(env, path));
    const Loaded loaded = RG_TRY(recover_raw(cells, first, logs, {}, sink));
    RecoveredFile result;
    result.recovery = loaded.recovery;
    result.recovery.base.checksum = checksum(result.recovery.base);
    const Bytes bins = cells.stable().bytes();
    result.content.assign(bins_start, '\0');
    std::memcpy(result.content.data(), &result.recovery.base, sizeof(BaseBlock));
    result.content.append(reinterpret_cast<const char*>(bins.data()), bins.size());
    return result;
}

std::size_t Hive::check(FindingSink& sink) const {
    CountingSink counting(&sink);
    check_all(*impl_, counting);
    return counting.count();
}

}  // namespace regent::hive
