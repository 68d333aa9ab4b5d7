// NtSaveKey, NtSaveKeyEx, NtSaveMergedKeys, NtRestoreKey, NtReplaceKey: keys to files and back.
#include "cm/callback.h"
#include "cm/registry.h"
#include "io/file.h"
#include "nt/open_keys.h"
#include "nt/privilege.h"
#include "nt/reg_key.h"
#include "nt/service.h"

namespace regent::nt {
namespace {

// A hive file is read whole; what is larger than a hive can be is none.
constexpr std::uint64_t max_hive_file = std::uint64_t{2} << 30;

// ERRORS: the handle's.
Result<std::unique_ptr<rtl::File>> open_host_file(HANDLE file, ACCESS_MASK desired) {
    const io::HostFile host = RG_TRY(io::reference_host_file(file, desired));
    return rtl::file_of_descriptor(host.descriptor);
}

Result<void> save(const cm::KeyBody& key, HANDLE file, ULONG format) {
    const auto out = open_host_file(file, FILE_WRITE_DATA);
    if (!out) return std::unexpected(out.error());
    return cm::save_key(key, **out, format == REG_STANDARD_FORMAT ? hive::Format::v1_3 : hive::Format::v1_5);
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

// ERRORS, in this order: the file handle's, NOT_REGISTRY_FILE and the like, ACCESS_DENIED (open keys at or below),
// cm::restore_key's.
Result<void> restore(cm::KeyBody& key, HANDLE key_handle, HANDLE file, ULONG flags) {
    if ((flags & REG_REFRESH_HIVE) != 0) return cm::refresh_hive(key);
    const auto in = open_host_file(file, FILE_READ_DATA);
    if (!in) return std::unexpected(in.error());
    const std::string image = RG_TRY(rtl::read_whole(**in, max_hive_file));
    hive::OpenOptions options;
    options.durability = hive::Durability::read_only;
    const auto source = hive::Hive::open_image(rtl::as_bytes(image.data(), image.size()), options);
    if (!source) return std::unexpected(source.error());
    if ((flags & REG_FORCE_RESTORE) == 0 && count_open_keys(key.block(), key_handle) != 0) {
        return fail(STATUS_ACCESS_DENIED);
    }
    return cm::restore_key(key, **source);
}

// What a restore may be asked for. ERRORS: INVALID_PARAMETER, NOT_SUPPORTED.
Result<void> check_restore_flags(ULONG flags, const cm::KeyBody& key) {
    constexpr ULONG legal = REG_WHOLE_HIVE_VOLATILE | REG_REFRESH_HIVE | REG_NO_LAZY_FLUSH | REG_FORCE_RESTORE;
    if ((flags & ~legal) != 0) return fail(STATUS_INVALID_PARAMETER);
    if ((flags & REG_WHOLE_HIVE_VOLATILE) != 0) {
        // Only \Registry\Machine and \Registry\User would take it, as a whole new tree.
        const cm::KeyControlBlock& block = key.block();
        const bool top = block.hive().options().master && block.depth() == 1;
        return fail(top ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER);
    }
    return {};
}

}  // namespace

namespace service {

NTSTATUS NtSaveKey(HANDLE KeyHandle, HANDLE FileHandle) { return save_key(KeyHandle, FileHandle, REG_STANDARD_FORMAT); }

NTSTATUS NtSaveKeyEx(HANDLE KeyHandle, HANDLE FileHandle, ULONG Format) {
    return save_key(KeyHandle, FileHandle, Format);
}

// ERRORS, in this order: PRIVILEGE_NOT_HELD, the key handles' (the first one's first), the callbacks', the file
// handle's, cm::save_merged_keys'.
NTSTATUS NtSaveMergedKeys(HANDLE HighPrecedenceKeyHandle, HANDLE LowPrecedenceKeyHandle, HANDLE FileHandle) {
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto high = reference_key(HighPrecedenceKeyHandle, 0);
    if (!high) return high.error().code();
    const auto low = reference_key(LowPrecedenceKeyHandle, 0);
    if (!low) return low.error().code();
    const auto work = [&] {
        const auto out = open_host_file(FileHandle, FILE_WRITE_DATA);
        return out ? rtl::to_ntstatus(cm::save_merged_keys(**high, **low, **out)) : out.error().code();
    };
    if (!cm::filter::any_registered()) return work();
    REG_SAVE_MERGED_KEY_INFORMATION info{};
    info.Object = high->get();
    info.FileHandle = FileHandle;
    info.HighKeyObject = high->get();
    info.LowKeyObject = low->get();
    cm::filter::Operation operation(RegNtPreSaveMergedKey, high->get(), &info);
    return operation.run(work);
}

// ERRORS, in this order: PRIVILEGE_NOT_HELD, the key handle's, INVALID_PARAMETER and NOT_SUPPORTED (flags),
// PRIVILEGE_NOT_HELD (TCB for a refresh), the callbacks', restore's.
NTSTATUS NtRestoreKey(HANDLE KeyHandle, HANDLE FileHandle, ULONG Flags) {
    if (!may(SE_RESTORE_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto key = reference_key(KeyHandle, 0);
    if (!key) return key.error().code();
    const auto legal = check_restore_flags(Flags, **key);
    if (!legal) return legal.error().code();
    if ((Flags & REG_REFRESH_HIVE) != 0 && !may(SE_TCB_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto work = [&] { return rtl::to_ntstatus(restore(**key, KeyHandle, FileHandle, Flags)); };
    if (!cm::filter::any_registered()) return work();
    REG_RESTORE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.FileHandle = FileHandle;
    info.Flags = Flags;
    cm::filter::Operation operation(RegNtPreRestoreKey, key->get(), &info);
    return operation.run(work);
}

// ERRORS, in this order: the attributes' (new, then old), PRIVILEGE_NOT_HELD, the key handle's, the callbacks', the
// file names', cm::replace_key's.
NTSTATUS NtReplaceKey(POBJECT_ATTRIBUTES NewFile, HANDLE TargetHandle, POBJECT_ATTRIBUTES OldFile) {
    CapturedAttributes fresh;
    CapturedAttributes old;
    auto ok = fresh.capture(NewFile, CapturedAttributes::Security::ignore);
    if (ok) ok = old.capture(OldFile, CapturedAttributes::Security::ignore);
    if (!ok) return ok.error().code();
    if (!may(SE_RESTORE_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto key = reference_key(TargetHandle, 0);
    if (!key) return key.error().code();
    const auto replace = [&]() -> Result<void> {
        const std::string new_path = RG_TRY(io::host_path(fresh.get().name));
        const std::string old_path = RG_TRY(io::host_path(old.get().name));
        const io::CallerIdentity as_caller;
        return cm::replace_key(**key, new_path, old_path);
    };
    const auto work = [&] { return rtl::to_ntstatus(replace()); };
    if (!cm::filter::any_registered()) return work();
    UNICODE_STRING old_name = rtl::unicode_string(old.get().name);
    UNICODE_STRING new_name = rtl::unicode_string(fresh.get().name);
    REG_REPLACE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.OldFileName = &old_name;
    info.NewFileName = &new_name;
    cm::filter::Operation operation(RegNtPreReplaceKey, key->get(), &info);
    return operation.run(work);
}

}  // namespace service
}  // namespace regent::nt
