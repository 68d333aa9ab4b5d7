// The verbs on an open key: what the registry services do once arguments are captured, the handle is referenced and
// the callbacks have agreed. Only nt/reg_*.cpp and the boot code call them.
//
// Every verb answers HIVE_UNLOADED, then KEY_DELETED, then, for a transacted key, TRANSACTION_NOT_ACTIVE, before
// anything else it can answer (semantics HB-1); through a transacted key it sees and changes what the transaction has,
// and what works on whole trees or files (rename, save, restore, replace, lock) is NOT_SUPPORTED (TX-9). Access was
// checked by the caller against the handle, unless a verb says that it checks descriptors. No verb returns or calls out
// with a lock held.
#pragma once

#include <optional>

#include "cm/info_writer.h"
#include "cm/key_body.h"
#include "nt/ntregapi.h"
#include "ob/audit.h"
#include "rtl/env.h"
#include "se/descriptor.h"
#include "se/token.h"

namespace regent::cm {

// ---- create and open: the key type's parse procedure does the work; `ob::lookup` carries this through the path
struct KeyParse;

struct OpenRequest {
    HANDLE root = nullptr;  // of any type that ob can continue below
    Utf16View name;
    ULONG attributes = 0;  // OBJ_x
    ACCESS_MASK desired = 0;
    ULONG options = 0;  // REG_OPTION_x
    // create only
    bool create = false;
    Utf16View class_name;
    const se::SecurityDescriptor* security = nullptr;
    // The transaction that the opening is part of. Without one, it is part of its root key's, if that has one.
    Ref<TransactionBinding> transaction = nullptr;
};
struct OpenedKey {
    KeyRef body;
    ACCESS_MASK granted = 0;
    ULONG disposition = REG_OPENED_EXISTING_KEY;
    ob::AuditMarks audit = {};
};
// For the caller in ob::current(). ERRORS: ob::lookup's; OBJECT_NAME_NOT_FOUND (any component), OBJECT_NAME_COLLISION
// (CREATE_LINK on an existing key), OBJECT_NAME_INVALID (relative link target), CHILD_MUST_BE_VOLATILE, ACCESS_DENIED,
// INVALID_PARAMETER (more than 32 components in the name, or in what a link leads to; below \Registry itself,
// \Registry\Machine and \Registry\User nothing is created; name too long; too deep; too many links), the hive's.
// Transacted: TRANSACTION_NOT_ACTIVE, RM_NOT_ACTIVE, TRANSACTIONAL_CONFLICT, INVALID_PARAMETER (another transaction
// than the root key's).
Result<OpenedKey> open_key(const OpenRequest& request);
// The rights that the caller may get on an existing key (CmCallback bypass, ObOpenObjectByPointer).
Result<ACCESS_MASK> check_key_access(const KeyBody& key, const se::Token& token, ACCESS_MASK desired,
                                     KPROCESSOR_MODE mode, ob::AuditMarks* marks = nullptr);

// ---- queries: answers go straight from the hive to `out`
// ERRORS besides QueryOutcome's: INVALID_PARAMETER (class).
QueryOutcome query_key(const KeyBody& key, KEY_INFORMATION_CLASS what, MutableBytes out);
// ERRORS: INVALID_PARAMETER (class), NO_MORE_ENTRIES.
QueryOutcome enumerate_key(const KeyBody& key, ULONG index, KEY_INFORMATION_CLASS what, MutableBytes out);
// ERRORS: INVALID_PARAMETER (class), OBJECT_NAME_NOT_FOUND.
QueryOutcome query_value(const KeyBody& key, Utf16View name, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out);
// ERRORS: INVALID_PARAMETER (class), NO_MORE_ENTRIES.
QueryOutcome enumerate_value(const KeyBody& key, ULONG index, KEY_VALUE_INFORMATION_CLASS what, MutableBytes out);

// One question of query_values(), and its answer.
struct ValueEntry {
    Utf16View name;
    bool answered = false;
    std::uint32_t type = 0;
    std::uint32_t offset = 0;  // of the data in `out`, a multiple of 4
    std::uint32_t length = 0;
};
struct ValuesOutcome {
    NTSTATUS status;  // SUCCESS or BUFFER_OVERFLOW: entries up to the first that does not fit are answered
    std::uint32_t used;
    std::uint32_t needed;
};
// Several values of one moment. ERRORS: OBJECT_NAME_NOT_FOUND (any of them).
Result<ValuesOutcome> query_values(const KeyBody& key, std::span<ValueEntry> entries, MutableBytes out);

// ---- changes
// ERRORS: INVALID_PARAMETER (name longer than 16383 units), ACCESS_DENIED (a link key takes REG_LINK
// SymbolicLinkValue only), INSUFFICIENT_RESOURCES (data too large), the hive's.
Result<void> set_value(KeyBody& key, Utf16View name, ULONG type, Bytes data);
Result<void> delete_value(KeyBody& key, Utf16View name);  // ERRORS: OBJECT_NAME_NOT_FOUND
// A key already deleted is a success. ERRORS: CANNOT_DELETE (subkeys, hive root).
Result<void> delete_key(KeyBody& key);
// ERRORS, in this order: INVALID_PARAMETER (empty, '\', longer than 255 units), CANNOT_DELETE (hive root, own name,
// existing sibling), ACCESS_DENIED (KEY_CREATE_SUB_KEY on the parent, DELETE on a key of the subtree; user mode only).
Result<void> rename_key(KeyBody& key, Utf16View name, const se::Token& token, KPROCESSOR_MODE mode);
// ERRORS: INVALID_PARAMETER (class), INFO_LENGTH_MISMATCH, NOT_SUPPORTED (virtualization, debug, layers).
Result<void> set_key_information(KeyBody& key, KEY_SET_INFORMATION_CLASS what, Bytes information);

// ---- security
Result<se::SecurityDescriptor> query_key_security(const KeyBody& key);
Result<void> set_key_security(KeyBody& key, SECURITY_INFORMATION what, se::DescriptorView modification,
                              const se::Token& token);

// ---- durability and hives
Result<void> flush_key(KeyBody& key);
// The subtree as a loadable hive. ERRORS: ACCESS_DENIED (\Registry, \Registry\Machine, \Registry\User), the hive's.
// Compacts the key's whole hive, in memory and in its file. ERRORS: KEY_DELETED, HIVE_UNLOADED, MEDIA_WRITE_PROTECTED,
// SHARING_VIOLATION (being compacted), the storage's. REQUIRES: no lock of this floor held.
Result<void> compact_hive(const KeyBody& key);
Result<void> save_key(const KeyBody& key, rtl::File& out, hive::Format format);

// Both subtrees in one hive file, `high`'s values winning; the one is read after the other. ERRORS: INVALID_PARAMETER
// (one key twice), as save_key.
Result<void> save_merged_keys(const KeyBody& high, const KeyBody& low, rtl::File& out);
// The key's values, subkeys and descriptor become those of `source`'s root; its name and class stay. Keys that were
// below it are deleted. Nobody is notified (NO-11). A restore that fails leaves what was there, without its volatile
// keys. ERRORS: ACCESS_DENIED (\Registry and its two mount points), the hive's.
Result<void> restore_key(KeyBody& key, const hive::Hive& source);
// Back to the last flush: restore_key from the hive's own file. ERRORS: INVALID_PARAMETER (not the root of a hive that
// is loaded with no_lazy_flush), the file's, restore_key's.
Result<void> refresh_hive(KeyBody& key);
// A hive's file becomes `new_file` at the next start; what is loaded goes on in `old_file`. Both are host paths on one
// file system. ERRORS: INVALID_PARAMETER (not a hive's root, no file), the hive's (new_file), OBJECT_NAME_COLLISION
// (old_file exists), the file system's.
Result<void> replace_key(KeyBody& key, const std::string& new_file, const std::string& old_file);
// Until restart nothing changes the key or anything below it: ACCESS_DENIED.
Result<void> lock_key(KeyBody& key);

// ---- notification
// ERRORS: HIVE_UNLOADED, KEY_DELETED.
Result<void> notify_change(KeyBody& key, ULONG filter, bool watch_tree, Ref<NotifyRequest> request);
// Takes back a request that was not completed; false when it was.
bool cancel_notify(KeyBody& key, const NotifyRequest& request);
// Takes back what `thread` waits for; the caller tells it.
std::vector<Ref<NotifyRequest>> take_notifies_of(const ob::Thread& thread);

}  // namespace regent::cm
