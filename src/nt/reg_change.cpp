// NtDeleteKey, NtRenameKey, NtSetInformationKey, NtFlushKey.
#include "cm/callback.h"
#include "nt/reg_key.h"
#include "nt/service.h"

namespace regent::nt::service {

// ERRORS, in this order: the handle's, the callbacks', cm::delete_key's.
NTSTATUS NtDeleteKey(HANDLE KeyHandle) {
    const auto key = reference_key(KeyHandle, DELETE);
    if (!key) return key.error().code();
    const auto remove = [&] {
        if (((*key)->audited.load(std::memory_order_relaxed) & DELETE) == 0) [[likely]]
            return rtl::to_ntstatus(cm::delete_key(**key));
        const Utf16 name = (*key)->block().path();
        const auto deleted = cm::delete_key(**key);
        if (deleted) ob::record_delete(KeyHandle, key->get(), name);
        return rtl::to_ntstatus(deleted);
    };
    if (!cm::filter::any_registered()) return remove();
    REG_DELETE_KEY_INFORMATION info{};
    info.Object = key->get();
    cm::filter::Operation operation(RegNtPreDeleteKey, key->get(), &info);
    return operation.run(remove);
}

// ERRORS, in this order: ACCESS_VIOLATION (name), INVALID_HANDLE, OBJECT_TYPE_MISMATCH, INVALID_PARAMETER (empty name,
// also on a handle without the right), ACCESS_DENIED, the callbacks', cm::rename_key's.
NTSTATUS NtRenameKey(HANDLE KeyHandle, PUNICODE_STRING NewName) {
    CapturedString name;
    const auto captured = name.capture(NewName);
    if (!captured) return captured.error().code();
    if (const auto any = reference_key(KeyHandle, 0); !any) return any.error().code();
    if (name.view().empty()) return STATUS_INVALID_PARAMETER;
    const auto key = reference_key(KeyHandle, KEY_WRITE);
    if (!key) return key.error().code();
    const auto& context = ob::current();
    const auto rename = [&] {
        return rtl::to_ntstatus(cm::rename_key(**key, name.view(), context.token(), context.previous_mode));
    };
    if (!cm::filter::any_registered()) return rename();
    UNICODE_STRING string = rtl::unicode_string(name.view());
    REG_RENAME_KEY_INFORMATION info{};
    info.Object = key->get();
    info.NewName = context.kernel() ? NewName : &string;  // R60
    cm::filter::Operation operation(RegNtPreRenameKey, key->get(), &info);
    return operation.run(rename);
}

// ERRORS, in this order: INVALID_PARAMETER (class), ACCESS_VIOLATION, INFO_LENGTH_MISMATCH (longer than any class), the
// handle's, the callbacks', cm::set_key_information's.
NTSTATUS NtSetInformationKey(HANDLE KeyHandle, KEY_SET_INFORMATION_CLASS KeySetInformationClass,
                             PVOID KeySetInformation, ULONG KeySetInformationLength) {
    if (KeySetInformationClass < 0 || KeySetInformationClass >= MaxKeySetInfoClass) return STATUS_INVALID_PARAMETER;
    if (KeySetInformationLength > sizeof(KEY_WRITE_TIME_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
    CapturedInput information;
    const auto copied = information.capture(KeySetInformation, KeySetInformationLength);
    if (!copied) return copied.error().code();
    // Tags belong to the handle, not to the key: they need no right, as they need none to be read.
    const bool tags = KeySetInformationClass == KeySetHandleTagsInformation;
    const auto key = reference_key(KeyHandle, tags ? 0 : KEY_SET_VALUE);
    if (!key) return key.error().code();
    const auto set = [&] {
        return rtl::to_ntstatus(cm::set_key_information(**key, KeySetInformationClass, information.view()));
    };
    if (!cm::filter::any_registered()) return set();
    REG_SET_INFORMATION_KEY_INFORMATION info{};
    info.Object = key->get();
    info.KeySetInformationClass = KeySetInformationClass;
    info.KeySetInformation = information.pointer();
    info.KeySetInformationLength = KeySetInformationLength;
    cm::filter::Operation operation(RegNtPreSetInformationKey, key->get(), &info);
    return operation.run(set);
}

// Needs no right. ERRORS, in this order: the handle's, the callbacks', cm::flush_key's.
NTSTATUS NtFlushKey(HANDLE KeyHandle) {
    const auto key = reference_key(KeyHandle, 0);
    if (!key) return key.error().code();
    const auto flush = [&] { return rtl::to_ntstatus(cm::flush_key(**key)); };
    if (!cm::filter::any_registered()) return flush();
    REG_FLUSH_KEY_INFORMATION info{};
    info.Object = key->get();
    cm::filter::Operation operation(RegNtPreFlushKey, key->get(), &info);
    return operation.run(flush);
}

}  // namespace regent::nt::service
