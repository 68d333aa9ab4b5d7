// Hives that leave by themselves: application hives below \Registry\A, and what NtUnloadKeyEx found in use.
#include "cm/key_lock.h"
#include "cm/registry.h"

namespace regent::cm {

namespace {

constexpr Utf16View application_prefix = u"\\REGISTRY\\A\\";

// ERRORS: those of creating the body.
Result<KeyRef> open_root(const Ref<KeyControlBlock>& root) {
    const ReadKey key(*root);
    RG_TRY(key.alive());
    return ob::create_body<KeyBody>(key_type(), root);
}

}  // namespace

std::optional<Utf16View> application_hive_name(Utf16View path) {
    if (path.size() <= application_prefix.size()) return std::nullopt;
    if (!rtl::equal_folded(path.substr(0, application_prefix.size()), application_prefix)) return std::nullopt;
    const Utf16View name = path.substr(application_prefix.size());
    if (name.size() > hive::max_key_name || name.find(u'\\') != Utf16View::npos) return std::nullopt;
    return name;
}

Result<KeyRef> Registry::find_application_hive(const std::string& file) {
    ExclusiveGuard guard(lock_);
    for (const Mount& mount : mounts_) {
        const MountOptions& options = mount.hive->options();
        if (!options.application || mount.hive->file() != file) continue;
        if (options.process_private) return fail(STATUS_SHARING_VIOLATION);
        return open_root(mount.root);
    }
    return KeyRef();
}

Result<KeyRef> Registry::mount_application_hive(Utf16View name, std::unique_ptr<hive::Hive> storage,
                                                bool process_private, Ref<UnloadWaiter> waiter) {
    RG_TRY(finish_interrupted(*storage));
    MountOptions options;
    options.application = true;
    options.process_private = process_private;
    const hive::CellIndex root = storage->root();
    const std::uint16_t flags = storage->flags(root);
    Mount mount;
    mount.hive = rtl::make_ref<MountedHive>(std::move(storage), Utf16(application_prefix) + Utf16(name), options);
    set_lazy_writer(*mount.hive);
    mount.hive->leave_when_unused();
    if (waiter) mount.waiters.push_back(std::move(waiter));
    ExclusiveGuard guard(lock_);
    for (const Mount& each : mounts_) {
        if (rtl::equal_folded(each.hive->mount_path(), mount.hive->mount_path())) {
            return fail(STATUS_OBJECT_NAME_COLLISION);
        }
    }
    // No path leads to it (NS-15): names that pass \Registry\A are refused before the table is asked.
    mount.root = key_table().ensure(*application_parent_, name, *mount.hive, root, flags);
    auto opened = open_root(mount.root);
    if (opened) mounts_.push_back(std::move(mount));
    return opened;
}

void Registry::unload_unused(const MountedHive& hive) {
    Mount mount;
    std::unique_ptr<hive::Hive> storage;
    {
        ExclusiveGuard guard(lock_);
        const auto listed =
            std::find_if(mounts_.begin(), mounts_.end(), [&](const Mount& each) { return each.hive.get() == &hive; });
        if (listed == mounts_.end()) return;
        const auto parent = Ref<KeyControlBlock>::retain(listed->root->parent());
        auto taken = take_out_locked(*listed, *parent, 0);
        if (!taken) return;  // opened again meanwhile
        storage = std::move(*taken);
        mount = std::move(*listed);
        mounts_.erase(listed);
    }
    // Whoever closes a last handle is not told of a write that failed; NtFlushKey is there for those who care.
    static_cast<void>(let_go(mount, *storage));
    if (!hive.options().application) notifier().report(*mount.root->parent(), REG_NOTIFY_CHANGE_NAME);
}

}  // namespace regent::cm
