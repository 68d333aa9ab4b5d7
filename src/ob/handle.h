// Handles of the calling context: what NtClose, NtDuplicateObject and ObReferenceObjectByHandle are made of.
#pragma once

#include "nt/ntobapi.h"
#include "ob/audit.h"
#include "ob/object.h"
#include "ob/process.h"

namespace regent::ob {

// A handle of `process`, kernel value or not; no attribute is looked at but OBJ_INHERIT and protection. `audit`: what
// of it is recorded, as pack_audit() gives it.
Result<HANDLE> insert_handle_into(Process& process, bool kernel_value, ObjectRef<void> object, ACCESS_MASK granted,
                                  ULONG attributes, OpenReason reason, std::uint32_t audit = 0);
// A handle to `object` for the current process, or, with OBJ_KERNEL_HANDLE in `attributes`, for the System process (bit
// 31 of such a value is set). Runs the type's open procedure. ERRORS: INSUFFICIENT_RESOURCES, or the procedure's.
Result<HANDLE> insert_handle(ObjectRef<void> object, ACCESS_MASK granted, ULONG attributes,
                             OpenReason reason = OpenReason::open);
// The same where the check of access found out what is recorded, beginning with the opening itself.
Result<HANDLE> insert_audited_handle(ObjectRef<void> object, ACCESS_MASK granted, ULONG attributes, OpenReason reason,
                                     const AuditMarks& marks);

struct Referenced {
    ObjectRef<void> object;
    ACCESS_MASK granted = 0;
    ULONG attributes = 0;
};
// ERRORS, in this order: INVALID_HANDLE, OBJECT_TYPE_MISMATCH, ACCESS_DENIED. `type` null: any. In kernel mode the
// access is not compared. A kernel handle is INVALID_HANDLE for a user-mode caller. NtCurrentProcess/NtCurrentThread
// work.
Result<Referenced> reference_by_handle(HANDLE handle, ACCESS_MASK desired, const ObjectType* type,
                                       KPROCESSOR_MODE mode);
// The same for those who want the object alone: its body, with one reference.
Result<void*> reference_body(HANDLE handle, ACCESS_MASK desired, const ObjectType& type, KPROCESSOR_MODE mode);
template <typename T>
Result<ObjectRef<T>> reference_as(HANDLE handle, ACCESS_MASK desired, const ObjectType& type, KPROCESSOR_MODE mode) {
    const Result<void*> found = reference_body(handle, desired, type, mode);
    if (!found) return std::unexpected(found.error());
    return ObjectRef<T>::adopt(static_cast<T*>(*found));
}

// ERRORS: INVALID_HANDLE, HANDLE_NOT_CLOSABLE.
Result<void> close_handle(HANDLE handle, KPROCESSOR_MODE mode);

// Closes one entry of a process's table, running the type's close procedure. `value` is for the record of it.
void release_handle(Process& process, HandleEntry entry, ULONG_PTR value);

struct DuplicateRequest {
    HANDLE source_process;
    HANDLE source;
    HANDLE target_process;  // null with DUPLICATE_CLOSE_SOURCE: only close
    ACCESS_MASK desired;
    ULONG attributes;
    ULONG options;
};
// ERRORS: INVALID_HANDLE, ACCESS_DENIED (asked for more than the source has and the object's descriptor does not allow
// it).
Result<HANDLE> duplicate_handle(const DuplicateRequest& request, KPROCESSOR_MODE mode);

// Checks `desired` against the object's descriptor and makes the handle (ObOpenObjectByPointer).
Result<HANDLE> open_by_pointer(ObjectRef<void> object, ACCESS_MASK desired, ULONG attributes, KPROCESSOR_MODE mode);

// NtQueryObject's ObjectBasicInformation.
Result<OBJECT_BASIC_INFORMATION> query_basic(HANDLE handle, KPROCESSOR_MODE mode);
// OBJECT_NAME_INFORMATION for `name`; `needed` counts the structure, the name and its NUL (only the structure when the
// name is empty). SUCCESS, INFO_LENGTH_MISMATCH (not even the structure fits), BUFFER_OVERFLOW.
NTSTATUS write_name_information(Utf16View name, void* buffer, ULONG length, ULONG* needed);

}  // namespace regent::ob
