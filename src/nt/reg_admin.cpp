// What administrators and the system ask of the registry: open keys, freezing, locking, compaction, initialization.
#include <algorithm>

#include "cm/flush_gate.h"
#include "cm/registry.h"
#include "nt/open_keys.h"
#include "nt/privilege.h"
#include "nt/reg_key.h"
#include "nt/service.h"

namespace regent::nt {
namespace {

// The root of a mounted hive, or \Registry, named by the caller. ERRORS: the attributes', the opening's (any right will
// do: the caller needs to see the key, no more), INVALID_PARAMETER (not a hive's root).
Result<cm::KeyRef> open_hive_root(POBJECT_ATTRIBUTES target) {
    CapturedAttributes captured;
    RG_TRY(captured.capture(target, CapturedAttributes::Security::ignore));
    const ob::CallerScope kernel(ob::kernel_mode);
    cm::OpenRequest request;
    request.root = captured.get().root;
    request.name = captured.get().name;
    request.attributes = captured.get().attributes;
    auto opened = cm::open_key(request);
    if (!opened) return std::unexpected(opened.error());
    if (!opened->body->block().is_hive_root()) return fail(STATUS_INVALID_PARAMETER);
    return std::move(opened->body);
}

// Handles to keys below the root; the root itself is no subkey.
std::vector<OpenKey> open_subkeys(const cm::KeyBody& root) {
    std::vector<OpenKey> keys = open_keys(root.block());
    std::erase_if(keys, [&](const OpenKey& each) { return &each.key->block() == &root.block(); });
    return keys;
}

constexpr std::size_t max_string_units = 0x7FFF;  // of a UNICODE_STRING

struct NamedKey {
    std::uint32_t pid;
    Utf16 name;
};

// KEY_OPEN_SUBKEYS_INFORMATION: the count, the entries, then the names.
void write_open_subkeys(const std::vector<NamedKey>& keys, std::byte* buffer) {
    auto* info = reinterpret_cast<PKEY_OPEN_SUBKEYS_INFORMATION>(buffer);
    info->Count = static_cast<ULONG>(keys.size());
    std::byte* place = buffer + offsetof(KEY_OPEN_SUBKEYS_INFORMATION, KeyArray) + keys.size() * sizeof(KEY_PID_ARRAY);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::size_t size = keys[i].name.size() * sizeof(char16_t);
        KEY_PID_ARRAY& entry = info->KeyArray[i];
        entry.PID = reinterpret_cast<HANDLE>(std::uintptr_t{keys[i].pid});
        entry.KeyName.Length = static_cast<USHORT>(size);
        entry.KeyName.MaximumLength = static_cast<USHORT>(size);
        entry.KeyName.Buffer = reinterpret_cast<PWSTR>(place);
        if (size != 0) std::memcpy(place, keys[i].name.data(), size);
        place += size;
    }
}

}  // namespace

namespace service {

// ERRORS, in this order: ACCESS_VIOLATION, the root's.
NTSTATUS NtQueryOpenSubKeys(POBJECT_ATTRIBUTES TargetKey, PULONG HandleCount) {
    if (HandleCount == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto root = open_hive_root(TargetKey);
    if (!root) return root.error().code();
    *HandleCount = static_cast<ULONG>(open_subkeys(**root).size());
    return STATUS_SUCCESS;
}

// ERRORS, in this order: ACCESS_VIOLATION, PRIVILEGE_NOT_HELD, the root's, BUFFER_OVERFLOW (the size is told, nothing
// is written).
NTSTATUS NtQueryOpenSubKeysEx(POBJECT_ATTRIBUTES TargetKey, ULONG BufferLength, PVOID Buffer, PULONG RequiredSize) {
    if (RequiredSize == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(Buffer, BufferLength);
    if (!out) return out.error().code();
    if (!may(SE_RESTORE_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto root = open_hive_root(TargetKey);
    if (!root) return root.error().code();
    std::vector<NamedKey> keys;
    std::size_t size = offsetof(KEY_OPEN_SUBKEYS_INFORMATION, KeyArray);
    for (const OpenKey& open : open_subkeys(**root)) {
        Utf16 name = open.key->block().path();
        if (name.size() > max_string_units) name.clear();  // no UNICODE_STRING can say it (HB-8)
        size += sizeof(KEY_PID_ARRAY) + name.size() * sizeof(char16_t);
        keys.push_back({open.pid, std::move(name)});
    }
    *RequiredSize = static_cast<ULONG>(size);
    if (BufferLength < size) return STATUS_BUFFER_OVERFLOW;
    write_open_subkeys(keys, out->data());
    return STATUS_SUCCESS;
}

// The keys' cells lie beside each other afterwards, as everything does in their hives: those are compacted whole.
// ERRORS, in this order: ACCESS_VIOLATION, PRIVILEGE_NOT_HELD, the handles', cm::compact_hive's.
NTSTATUS NtCompactKeys(ULONG Count, PHANDLE KeyArray) {
    if (Count != 0 && KeyArray == nullptr) return STATUS_ACCESS_VIOLATION;
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    std::vector<cm::KeyRef> one_of_each;
    for (ULONG i = 0; i < Count; ++i) {
        auto key = reference_key(KeyArray[i], KEY_WRITE);
        if (!key) return key.error().code();
        const bool known = std::any_of(one_of_each.begin(), one_of_each.end(), [&](const cm::KeyRef& other) {
            return &other->block().hive() == &(*key)->block().hive();
        });
        if (!known) one_of_each.push_back(std::move(*key));
    }
    for (const cm::KeyRef& key : one_of_each) {
        if (const auto compacted = cm::compact_hive(*key); !compacted) return compacted.error().code();
    }
    return STATUS_SUCCESS;
}

// ERRORS, in this order: PRIVILEGE_NOT_HELD, the handle's, INVALID_PARAMETER (not a hive's root),
// cm::compact_hive's.
NTSTATUS NtCompressKey(HANDLE KeyHandle) {
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    const auto key = reference_key(KeyHandle, KEY_WRITE);
    if (!key) return key.error().code();
    if (!(*key)->block().is_hive_root()) return STATUS_INVALID_PARAMETER;
    return rtl::to_ntstatus(cm::compact_hive(**key));
}

// For kernel-mode callers. ERRORS, in this order: PRIVILEGE_NOT_HELD, the handle's, cm::lock_key's.
NTSTATUS NtLockRegistryKey(HANDLE KeyHandle) {
    if (!ob::current().kernel()) return STATUS_PRIVILEGE_NOT_HELD;
    const auto key = reference_key(KeyHandle, KEY_WRITE);
    if (!key) return key.error().code();
    return rtl::to_ntstatus(cm::lock_key(**key));
}

// Only the prototype is published: which keys, who may and what the answers mean nobody says, and here no product is to
// be activated. A success would tell of locked keys where none is; so nothing is locked and nothing written.
NTSTATUS NtLockProductActivationKeys(PULONG, PULONG) { return STATUS_NOT_IMPLEMENTED; }

// Flushes wait until NtThawRegistry, or until the time is over.
NTSTATUS NtFreezeRegistry(ULONG TimeOutInSeconds) {
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    cm::flush_gate().freeze(std::chrono::seconds(TimeOutInSeconds));
    return STATUS_SUCCESS;
}

NTSTATUS NtThawRegistry() {
    if (!may(SE_BACKUP_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD;
    cm::flush_gate().thaw();
    return STATUS_SUCCESS;
}

// The session manager's call, once, early in the boot; here the executive has done it by the time anybody can call.
NTSTATUS NtInitializeRegistry(USHORT) { return STATUS_ACCESS_DENIED; }

}  // namespace service
}  // namespace regent::nt
