#include "cm/registry.h"

#include <system_error>

#include "cm/flush_gate.h"
#include "cm/key_lock.h"
#include "ex/debug_sink.h"
#include "ob/namespace.h"
#include "ob/process.h"
#include "wdk/wdm.h"

namespace regent::cm {

namespace {

std::atomic<Registry*> running{nullptr};

filter::ObjectContexts* hook_contexts(void* object) {
    KeyBody* body = key_body_of(object);
    return body == nullptr ? nullptr : &body->contexts();
}
ULONG_PTR hook_key_id(void* object) { return key_body_of(object)->block().id(); }
PCUNICODE_STRING hook_cached_name(void* object) { return key_body_of(object)->cached_name(); }
Result<Utf16> hook_current_name(void* object) { return key_body_of(object)->block().path(); }
void* hook_bound_transaction(void* object) {
    const TransactionBinding* bound = key_body_of(object)->bound();
    return bound == nullptr ? nullptr : bound->object.get();
}

// What a disk did to a hive is not only one caller's to know.
void tell_io_error(const std::string& file, const char* call, int error) {
    const std::string line = "registry: " + file + ": " + call + " failed: " + std::generic_category().message(error) +
                             " (errno " + std::to_string(error) + ")\n";
    ex::DebugSink::instance().print(DPFLTR_CONFIG_ID, DPFLTR_ERROR_LEVEL, line);
}

constexpr Utf16View container_name = u"WC";  // where differencing hives of containers would stand (NS-16)

// "\Registry\Machine\X" in two: the path of the parent and X. Nothing when there is no separator.
std::optional<std::pair<Utf16View, Utf16View>> split_last(Utf16View path) {
    while (!path.empty() && path.back() == u'\\') path.remove_suffix(1);
    const std::size_t at = path.rfind(u'\\');
    if (at == Utf16View::npos) return std::nullopt;
    return std::pair(path.substr(0, at), path.substr(at + 1));
}

// Opens the key below which a hive is mounted, as the executive itself.
Result<KeyRef> open_parent(const ob::ObjectAttributes& target, Utf16View path) {
    const ob::CallerScope kernel(ob::kernel_mode);
    OpenRequest request;
    request.root = target.root;
    request.name = path;
    auto opened = open_key(request);
    if (!opened) return std::unexpected(opened.error());
    return std::move(opened->body);
}

struct MountPoint {
    KeyRef parent;
    Utf16View name;
};
Result<MountPoint> resolve_mount_point(const ob::ObjectAttributes& target) {
    MountPoint point;
    Utf16View path;
    point.name = target.name;
    if (const auto parts = split_last(target.name)) {
        path = parts->first;
        point.name = parts->second;
    } else if (target.root == nullptr) {
        return fail(STATUS_OBJECT_PATH_SYNTAX_BAD);
    }
    if (point.name.empty()) return fail(STATUS_INVALID_PARAMETER);
    auto parent = open_parent(target, path);
    if (!parent) return std::unexpected(parent.error());
    point.parent = std::move(*parent);
    RG_TRY(not_in_transaction(*point.parent));
    // \Registry\Machine and \Registry\User take hives, nothing else does (HV-1).
    const KeyControlBlock& block = point.parent->block();
    if (!block.hive().options().master || block.depth() != 1) return fail(STATUS_INVALID_PARAMETER);
    if (rtl::equal_folded(block.name(), container_name)) return fail(STATUS_INVALID_PARAMETER);
    return point;
}

}  // namespace

KeyTable& key_table() {
    static KeyTable& table = *new KeyTable;
    return table;
}

AccessCache& access_cache() {
    static AccessCache& cache = *new AccessCache;
    return cache;
}

Notifier& notifier() {
    static Notifier& instance = *new Notifier;
    return instance;
}

Registry* running_registry() { return running.load(std::memory_order_acquire); }

Registry& registry() {
    Registry* instance = running_registry();
    RG_ASSERT(instance != nullptr);
    return *instance;
}

Result<std::unique_ptr<Registry>> Registry::start(const Options& options) {
    auto registry = std::unique_ptr<Registry>(new Registry);
    registry->options_ = options;
    if (!options.commit_journal.empty()) RG_TRY(commit_journal().open(*options.env, options.commit_journal));
    RG_TRY(registry->make_master());
    publish_key_type();
    filter::set_key_object_hooks({&hook_contexts, &hook_key_id, &hook_cached_name, &hook_current_name,
                                  [](void* object) { return ob::referenced_again(object); }, &hook_bound_transaction});
    rtl::set_io_error_sink(&tell_io_error);
    running.store(registry.get(), std::memory_order_release);
    if (options.lazy_flush_seconds > 0 && hive::writes_files(options.durability)) {
        registry->flusher_ = std::thread([self = registry.get()] { self->run_lazy_writer(); });
    }
    return registry;
}

Result<void> Registry::make_master() {
    hive::HiveOptions options;
    options.root_name = u"REGISTRY";
    auto storage = hive::Hive::create(rtl::real_env(), options);
    if (!storage) return std::unexpected(storage.error());
    const hive::CellIndex root = (*storage)->root();
    const Bytes inherited = (*storage)->security(root);
    const std::vector<std::byte> descriptor(inherited.begin(), inherited.end());
    const std::int64_t now = rtl::nt_time_now();
    hive::CellIndex applications = hive::nil_cell;
    for (const Utf16View name :
         {Utf16View(u"MACHINE"), Utf16View(u"USER"), Utf16View(container_name), Utf16View(u"A")}) {
        applications = RG_TRY((*storage)->create_subkey(root, name, {}, descriptor, hive::StorageType::stable, now));
    }
    MountOptions how;
    how.volatile_hive = true;
    how.boot = true;
    how.master = true;
    master_ = rtl::make_ref<MountedHive>(std::move(*storage), Utf16(root_path), how);
    auto block = key_table().make_root(master_, u"REGISTRY", root);
    auto body = ob::create_body<KeyBody>(key_type(), std::move(block));
    if (!body) return std::unexpected(body.error());
    root_ = std::move(*body);
    application_parent_ = key_table().ensure(root_->block(), u"A", *master_, applications, 0);
    return ob::insert_named(root_path, root_.get(), true);
}

Registry::~Registry() {
    if (flusher_.joinable()) {
        {
            ExclusiveGuard guard(flusher_lock_);
            flusher_stops_ = true;
        }
        flusher_wakes_.notify_all();
        flusher_.join();
    }
    static_cast<void>(stop());
    Registry* self = this;
    running.compare_exchange_strong(self, nullptr);
}

// What transactions have pending in the hive goes: its keys are about to.
static void roll_back_in(const MountedHive& hive) {
    while (const auto transaction = intents().any_in(hive)) transaction->give_way();
}

std::vector<Registry::Unflushed> Registry::stop() {
    std::vector<Unflushed> unflushed;
    if (root_) static_cast<void>(ob::make_temporary(root_.get()));
    std::vector<Mount> mounts;
    {
        ExclusiveGuard guard(lock_);
        mounts.swap(mounts_);
    }
    // Handles that are still open answer HIVE_UNLOADED from now on.
    for (const Mount& mount : mounts) {
        roll_back_in(*mount.hive);
        std::unique_ptr<hive::Hive> storage;
        {
            ExclusiveGuard guard(mount.hive->lock());
            storage = mount.hive->detach_locked();
        }
        key_table().remove(*mount.root);
        if (const auto written = let_go(mount, *storage); !written) {
            unflushed.push_back({mount.hive->file(), written.error()});
        }
    }
    if (master_) {
        ExclusiveGuard guard(master_->lock());
        if (!master_->unloaded()) static_cast<void>(master_->detach_locked());
    }
    commit_journal().close();
    unlock_all_keys();
    application_parent_ = nullptr;
    key_table().drop_all_delayed();
    return unflushed;
}

Result<void> Registry::mount(Utf16View path, std::unique_ptr<hive::Hive> storage, const MountOptions& options) {
    ob::ObjectAttributes target;
    target.name = path;
    return mount_at(target, std::move(storage), options);
}

Result<void> Registry::mount_at(const ob::ObjectAttributes& target, std::unique_ptr<hive::Hive> storage,
                                const MountOptions& options, Ref<UnloadWaiter> waiter) {
    auto point = resolve_mount_point(target);
    if (!point) return std::unexpected(point.error());
    KeyControlBlock& parent = point->parent->block();
    RG_TRY(mount_below(parent, point->name, std::move(storage), options, std::move(waiter)));
    notifier().report(parent, REG_NOTIFY_CHANGE_NAME);
    return {};
}

Result<void> Registry::check_mount_point(const ob::ObjectAttributes& target) {
    RG_TRY(resolve_mount_point(target));
    return {};
}

void Registry::set_lazy_writer(MountedHive& hive) {
    if (!flusher_.joinable()) return;
    hive.set_lazy_writer([this] {
        ExclusiveGuard guard(flusher_lock_);
        write_back_wanted_ = true;
        flusher_wakes_.notify_all();
    });
}

Result<void> Registry::mount_below(KeyControlBlock& parent, Utf16View name, std::unique_ptr<hive::Hive> storage,
                                   const MountOptions& options, Ref<UnloadWaiter> waiter) {
    RG_TRY(finish_interrupted(*storage));
    const hive::CellIndex root = storage->root();
    const std::uint16_t flags = storage->flags(root);
    Mount mount;
    mount.hive = rtl::make_ref<MountedHive>(std::move(storage), parent.path() + u"\\" + Utf16(name), options);
    set_lazy_writer(*mount.hive);
    if (!options.to_be_filled) mount.hive->hold_to(options_.durability);
    if (waiter) mount.waiters.push_back(std::move(waiter));
    ExclusiveGuard guard(lock_);
    {
        // The mount point and the block of the mounted root appear together: whoever finds the one finds the other.
        const WriteKey key(parent);
        RG_TRY(key.alive());
        const Bytes above = key.storage().security(key.cell());
        const std::vector<std::byte> descriptor(above.begin(), above.end());
        RG_TRY(key.storage().create_subkey(key.cell(), name, {}, descriptor, hive::StorageType::stable,
                                           key.next_time(key.cell())));
        mount.root = key_table().ensure(parent, name, *mount.hive, root, flags);
    }
    mounts_.push_back(std::move(mount));
    return {};
}

std::uint64_t Registry::trust_class(Utf16View mount_path) const {
    ExclusiveGuard guard(lock_);
    for (const Mount& mount : mounts_) {
        if (rtl::equal_folded(mount.hive->mount_path(), mount_path)) return mount.hive->trust_class();
    }
    return 0;
}

Result<Registry::Mount> Registry::find_mount(const KeyControlBlock& parent, Utf16View name) const {
    ExclusiveGuard guard(lock_);
    for (const Mount& mount : mounts_) {
        if (mount.root->parent() == &parent && rtl::equal_folded(mount.root->name(), name)) return mount;
    }
    return fail(STATUS_INVALID_PARAMETER);
}

// ERRORS, in this order: the path's, INVALID_PARAMETER (nothing mounted there), ACCESS_DENIED (boot hive).
Result<Registry::Mount> Registry::unmounting(const ob::ObjectAttributes& target, KeyRef& parent) const {
    auto point = resolve_mount_point(target);
    if (!point) {
        // An unmounted name is a bad parameter, whatever the path walk says of it (verdict 19).
        const NTSTATUS status = point.error().code();
        return fail(status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_INVALID_PARAMETER : status);
    }
    parent = std::move(point->parent);
    auto mount = find_mount(parent->block(), point->name);
    if (mount && mount->hive->options().boot) return fail(STATUS_ACCESS_DENIED);
    return mount;
}

Result<void> Registry::unmount_at(const ob::ObjectAttributes& target, bool force, std::size_t own_keys) {
    KeyRef parent;
    auto mount = unmounting(target, parent);
    if (!mount) return std::unexpected(mount.error());
    return leave(std::move(*mount), parent->block(), force ? SIZE_MAX : own_keys, force);
}

Result<bool> Registry::unmount_when_unused(const ob::ObjectAttributes& target, std::size_t own_keys,
                                           Ref<UnloadWaiter> waiter) {
    KeyRef parent;
    auto mount = unmounting(target, parent);
    if (!mount) return std::unexpected(mount.error());
    {
        ExclusiveGuard guard(lock_);
        const auto listed = std::find_if(mounts_.begin(), mounts_.end(),
                                         [&](const Mount& each) { return each.hive.get() == mount->hive.get(); });
        if (listed == mounts_.end()) return fail(STATUS_INVALID_PARAMETER);
        listed->waiters.push_back(std::move(waiter));
        listed->hive->leave_when_unused();
    }
    // Whoever closes the last key from now on unloads the hive; if that was before, we do.
    const Result<void> left = leave(std::move(*mount), parent->block(), own_keys, false);
    if (left) return true;
    const NTSTATUS status = left.error().code();
    if (status == STATUS_CANNOT_DELETE) return false;
    if (status == STATUS_INVALID_PARAMETER) return true;  // another thread was first
    return std::unexpected(left.error());
}

Result<void> Registry::leave(Mount mount, KeyControlBlock& parent, std::size_t allowed, bool force) {
    if (force) roll_back_in(*mount.hive);
    if (mount.hive->open_keys() > allowed) return fail(STATUS_CANNOT_DELETE);
    // Before the point of no return: a hive that cannot be written stays mounted, unless it has to go.
    const Result<void> written = mount.hive->reconcile();
    if (!written && !force) return written;
    std::unique_ptr<hive::Hive> storage = RG_TRY(take_out(mount, parent, allowed));
    const Result<void> finished = let_go(mount, *storage);
    notifier().report(parent, REG_NOTIFY_CHANGE_NAME);
    return finished;
}

// ERRORS: INVALID_PARAMETER (another thread was first), CANNOT_DELETE.
Result<std::unique_ptr<hive::Hive>> Registry::take_out(Mount& mount, KeyControlBlock& parent, std::size_t allowed) {
    ExclusiveGuard guard(lock_);
    const auto listed = std::find_if(mounts_.begin(), mounts_.end(),
                                     [&](const Mount& each) { return each.hive.get() == mount.hive.get(); });
    if (listed == mounts_.end()) return fail(STATUS_INVALID_PARAMETER);
    auto storage = take_out_locked(mount, parent, allowed);
    if (!storage) return storage;
    mount.waiters = std::move(listed->waiters);
    mounts_.erase(listed);
    return storage;
}

// REQUIRES: the lock of the mounts. ERRORS: CANNOT_DELETE.
Result<std::unique_ptr<hive::Hive>> Registry::take_out_locked(const Mount& mount, KeyControlBlock& parent,
                                                              std::size_t allowed) {
    std::unique_ptr<hive::Hive> storage;
    {
        ExclusiveGuard hive_guard(mount.hive->lock());
        storage = mount.hive->detach_unless_open_locked(allowed);
        if (storage == nullptr) return fail(STATUS_CANNOT_DELETE);
    }
    const WriteKey key(parent);
    if (key.alive()) {
        if (const auto cell = key.storage().find_subkey(key.cell(), mount.root->name())) {
            RG_TRY(key.storage().delete_key(*cell, key.next_time(key.cell())));
        }
    }
    key_table().remove(*mount.root);
    return storage;
}

Result<void> Registry::let_go(const Mount& mount, hive::Hive& storage) {
    key_table().drop_delayed(*mount.hive);
    notifier().report_unloaded(*mount.hive);
    const Result<void> finished = mount.hive->finish(storage);
    for (const auto& waiter : mount.waiters) waiter->unloaded();
    return finished;
}

std::vector<Ref<MountedHive>> Registry::snapshot() const {
    std::vector<Ref<MountedHive>> all;
    ExclusiveGuard guard(lock_);
    for (const Mount& mount : mounts_) all.push_back(mount.hive);
    return all;
}

std::vector<HiveListing> Registry::hives() const {
    std::vector<HiveListing> list;
    for (const auto& hive : snapshot()) {
        list.push_back({hive->mount_path(), hive->file(), hive->options().volatile_hive});
    }
    return list;
}

hive::Durability Registry::opening_durability() const {
    return options_.durability == hive::Durability::read_only ? hive::Durability::in_memory : options_.durability;
}

Result<void> Registry::hold_to_durability() {
    for (const auto& hive : snapshot()) hive->hold_to(options_.durability);
    return options_.durability == hive::Durability::every_operation ? flush_all() : Result<void>();
}

// A commit over several hives that the crash came between: of a hive that no file is written of, here; of one that was
// not there when the others got their part, too.
Result<void> Registry::finish_interrupted(hive::Hive& storage) const {
    for (const RecordedPart& part : options_.interrupted) {
        if (!same_file(part.file, storage.path())) continue;
        for (const KeyChange& change : part.changes) RG_TRY(apply_change(storage, change));
    }
    return commit_journal().finish_part(storage);
}

Result<void> Registry::flush_all() {
    Result<void> first;
    for (const auto& hive : snapshot()) {
        const Result<void> flushed = hive->flush();
        if (!flushed && first && flushed.error().code() != STATUS_HIVE_UNLOADED) first = flushed;
    }
    return first;
}

Result<void> Registry::reconcile_all() {
    Result<void> first;
    for (const auto& hive : snapshot()) {
        const Result<void> written = hive->reconcile();
        if (!written && first && written.error().code() != STATUS_HIVE_UNLOADED) first = written;
    }
    return first;
}

void Registry::run_lazy_writer() {
    const auto interval = std::chrono::seconds(options_.lazy_flush_seconds);
    auto deadline = std::chrono::steady_clock::now() + interval;
    for (;;) {
        bool woken = false;
        {
            ExclusiveGuard guard(flusher_lock_);
            woken = flusher_wakes_.wait_until(flusher_lock_, deadline,
                                              [this]() RG_NO_ANALYSIS { return flusher_stops_ || write_back_wanted_; });
            if (flusher_stops_) return;
            write_back_wanted_ = false;
        }
        lazy_round(!woken);
        if (woken) continue;
        lazy_flushes_.fetch_add(1, std::memory_order_relaxed);
        deadline = std::chrono::steady_clock::now() + interval;
    }
}

// A changed hive is flushed. One whose log is long, or that nobody changed for an interval, gets its primary file
// written. A failure is met again, and reported, by whoever asks for durability.
void Registry::lazy_round(bool interval_over) {
    if (flush_gate().shut()) return;
    for (const auto& hive : snapshot()) {
        const bool dirty = hive->dirty();
        const bool lazy = !hive->options().no_lazy_flush;
        const std::uint64_t last = hive->last_flush();
        const bool idle = interval_over && !dirty && !hive->reconciled() && last == hive->flush_at_rest;
        if (interval_over && lazy && dirty) static_cast<void>(hive->flush());
        if (interval_over) hive->flush_at_rest = hive->last_flush();
        if (idle)
            static_cast<void>(hive->reconcile());
        else if (hive->reconcile_due())
            static_cast<void>(hive->write_back());
    }
}

}  // namespace regent::cm
