// NtLoadKey, NtLoadKey2, NtUnloadKey, NtUnloadKey2, NtSaveKey, NtSaveKeyEx: hives come and go.
#include "cm/callback.h"
#include "cm/registry.h"
#include "io/file.h"
#include "nt/hive_report.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/skeleton.h"
#include "nt/system.h"

namespace regent::nt {
namespace {

// How a hive is laid out and logged is not the caller's choice here: these are accepted and mean nothing.
constexpr ULONG load_hints =
    REG_HIVE_EXACT_FILE_GROWTH | REG_HIVE_NO_RM | REG_HIVE_SINGLE_LOG | REG_FLUSH_HIVE_FILE_GROWTH;
constexpr ULONG load_flags = load_hints | REG_NO_LAZY_FLUSH | REG_OPEN_READ_ONLY;
constexpr ULONG load_flags_of_nt = 0xFFFF;

bool may(unsigned privilege) { return ob::current().kernel() || ob::current().token().enabled(privilege); }

// hivelist says what is mounted, whoever asks; a store whose SYSTEM hive cannot take it has no list.
void list_hives() {
    const ob::CallerScope system(ob::system_process(), nullptr, ob::kernel_mode);
    static_cast<void>(sync_hive_list());
}

// The key object that stands for a path in load and unload: the root handle's key, else \Registry.
cm::KeyRef base_of(const ob::ObjectAttributes& target) {
    if (target.root != nullptr) {
        if (auto key = reference_key(target.root, 0)) return std::move(*key);
    }
    return cm::KeyRef::retain(&cm::registry().root());
}

Result<void> load(const ob::ObjectAttributes& target, const ob::ObjectAttributes& source, ULONG flags) {
    RG_TRY(cm::registry().check_mount_point(target));
    const std::string path = RG_TRY(io::host_path(source.name));
    LoadFindings findings;
    hive::OpenOptions options;
    options.findings = &findings;
    options.read_only = (flags & REG_OPEN_READ_ONLY) != 0;
    Result<std::unique_ptr<hive::Hive>> storage = [&] {
        const io::CallerIdentity as_caller;
        return hive::Hive::open(rtl::real_env(), path, options);
    }();
    if (const auto report = report_load(path, storage, findings)) log_message(*report);
    if (!storage) return std::unexpected(storage.error());
    cm::MountOptions how;
    how.no_lazy_flush = (flags & REG_NO_LAZY_FLUSH) != 0;
    RG_TRY(cm::registry().mount_at(target, std::move(*storage), how));
    list_hives();
    return {};
}

// ERRORS, in this order: the attributes', INVALID_PARAMETER (flags NT does not know), NOT_SUPPORTED (flags Regent does
// not), PRIVILEGE_NOT_HELD, the callbacks', the target's, the file's, the mount's.
NTSTATUS load_key(POBJECT_ATTRIBUTES target, POBJECT_ATTRIBUTES source, ULONG flags) {
    CapturedAttributes target_attributes;
    CapturedAttributes source_attributes;
    auto ok = target_attributes.capture(target, CapturedAttributes::Security::ignore);
    if (ok) ok = source_attributes.capture(source, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    if ((flags & ~load_flags_of_nt) != 0) return STATUS_INVALID_PARAMETER;
    if ((flags & ~load_flags) != 0) return STATUS_NOT_SUPPORTED;
    if (!may(SE_RESTORE_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto work = [&] { return rtl::to_ntstatus(load(target_attributes.get(), source_attributes.get(), flags)); };
    if (!cm::filter::any_registered()) return work();
    const cm::KeyRef base = base_of(target_attributes.get());
    UNICODE_STRING name = rtl::unicode_string(target_attributes.get().name);
    UNICODE_STRING file = rtl::unicode_string(source_attributes.get().name);
    REG_LOAD_KEY_INFORMATION_V2 info{};
    info.Object = base.get();
    info.KeyName = &name;
    info.SourceFile = &file;
    info.Flags = flags;
    cm::filter::Operation operation(RegNtPreLoadKey, base.get(), &info);
    return operation.run(work);
}

// The hive's root, opened for the callbacks' sake; null when it cannot be.
cm::KeyRef open_root(const ob::ObjectAttributes& target) {
    const ob::CallerScope kernel(ob::kernel_mode);
    cm::OpenRequest request;
    request.root = target.root;
    request.name = target.name;
    auto opened = cm::open_key(request);
    return opened ? std::move(opened->body) : cm::KeyRef();
}

// ERRORS, in this order: the attributes', INVALID_PARAMETER (flags), PRIVILEGE_NOT_HELD, the callbacks', the unmount's.
NTSTATUS unload_key(POBJECT_ATTRIBUTES target, ULONG flags) {
    CapturedAttributes attributes;
    const auto ok = attributes.capture(target, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    if ((flags & ~static_cast<ULONG>(REG_FORCE_UNLOAD)) != 0) return STATUS_INVALID_PARAMETER;
    if (!may(SE_RESTORE_PRIVILEGE) || !may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const bool force = (flags & REG_FORCE_UNLOAD) != 0;
    const auto work = [&](std::size_t own_keys) {
        const auto unmounted = cm::registry().unmount_at(attributes.get(), force, own_keys);
        if (unmounted) list_hives();
        return rtl::to_ntstatus(unmounted);
    };
    if (!cm::filter::any_registered()) return work(0);
    const cm::KeyRef root = open_root(attributes.get());
    if (!root) return work(0);  // nothing to show: the call fails for its name
    REG_UNLOAD_KEY_INFORMATION info{};
    info.Object = root.get();
    cm::filter::Operation operation(RegNtPreUnLoadKey, root.get(), &info);
    return operation.run([&] { return work(1); });
}

Result<void> save(const cm::KeyBody& key, HANDLE file, ULONG format) {
    const io::HostFile host = RG_TRY(io::reference_host_file(file, FILE_WRITE_DATA));
    const std::unique_ptr<rtl::File> out = RG_TRY(rtl::file_of_descriptor(host.descriptor));
    return cm::save_key(key, *out, format == REG_STANDARD_FORMAT ? hive::Format::v1_3 : hive::Format::v1_5);
}

// ERRORS, in this order: INVALID_PARAMETER (not exactly one format), PRIVILEGE_NOT_HELD, the key handle's,
// INVALID_PARAMETER (NO_COMPRESSION below a hive's root), the callbacks', the file handle's, cm::save_key's.
NTSTATUS save_key(HANDLE key_handle, HANDLE file, ULONG format) {
    if (format != REG_STANDARD_FORMAT && format != REG_LATEST_FORMAT && format != REG_NO_COMPRESSION) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto key = reference_key(key_handle, 0);
    if (!key) return key.error().code();
    if (format == REG_NO_COMPRESSION && !(*key)->block().is_hive_root()) return STATUS_INVALID_PARAMETER;
    const auto work = [&] { return rtl::to_ntstatus(save(**key, file, format)); };
    if (!cm::filter::any_registered()) return work();
    REG_SAVE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.FileHandle = file;
    info.Format = format;
    cm::filter::Operation operation(RegNtPreSaveKey, key->get(), &info);
    return operation.run(work);
}

}  // namespace

namespace service {

NTSTATUS NtLoadKey(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile) {
    return load_key(TargetKey, SourceFile, 0);
}

NTSTATUS NtLoadKey2(POBJECT_ATTRIBUTES TargetKey, POBJECT_ATTRIBUTES SourceFile, ULONG Flags) {
    return load_key(TargetKey, SourceFile, Flags);
}

NTSTATUS NtUnloadKey(POBJECT_ATTRIBUTES TargetKey) { return unload_key(TargetKey, 0); }

NTSTATUS NtUnloadKey2(POBJECT_ATTRIBUTES TargetKey, ULONG Flags) { return unload_key(TargetKey, Flags); }

NTSTATUS NtSaveKey(HANDLE KeyHandle, HANDLE FileHandle) { return save_key(KeyHandle, FileHandle, REG_STANDARD_FORMAT); }

NTSTATUS NtSaveKeyEx(HANDLE KeyHandle, HANDLE FileHandle, ULONG Format) {
    return save_key(KeyHandle, FileHandle, Format);
}

}  // namespace service
}  // namespace regent::nt
