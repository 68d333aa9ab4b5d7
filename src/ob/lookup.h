// From a path to an object: directories, symbolic links, and the parse procedures of types below which others continue.
#pragma once

#include "ob/audit.h"
#include "ob/object.h"
#include "ob/process.h"

namespace regent::ob {

inline constexpr unsigned max_reparses = 64;

// OBJECT_ATTRIBUTES after capture. `name` and `security` must outlive the call.
struct ObjectAttributes {
    HANDLE root = nullptr;
    Utf16View name;
    ULONG attributes = 0;
    const se::SecurityDescriptor* security = nullptr;
};

// Who asks for what; travels through parse procedures.
struct AccessState {
    const se::Token* token;
    KPROCESSOR_MODE mode;
    ACCESS_MASK desired;
    // Set by a parse procedure that made the check itself; then lookup's caller makes none.
    std::optional<ACCESS_MASK> granted;
    AuditMarks audit = {};  // what that check found out
    // The current context, asking for `desired`; OBJ_FORCE_ACCESS_CHECK makes a kernel caller a user.
    static AccessState for_current(ACCESS_MASK desired, ULONG attributes = 0);
};

// What a service hands through lookup to the parse procedure of the type it wants; derive from it. `type` says whose it
// is, so that a foreign parse procedure can answer OBJECT_TYPE_MISMATCH.
struct ParseContext {
    explicit ParseContext(const ObjectType& wanted) : type(&wanted) {}
    const ObjectType* type;
};

struct ParseRequest {
    void* object;             // whose type's procedure is called; referenced by the caller
    Utf16View complete_name;  // the whole path as it stands after reparses
    Utf16View remaining;      // what is left of it, without leading separators; empty: the object itself
    ULONG attributes;         // OBJ_CASE_INSENSITIVE, OBJ_OPENLINK, ...
    AccessState& access;
    ParseContext* context;      // null when the caller has none
    const ObjectType* desired;  // null: any
};

// What a parse procedure answers: an object, or a new absolute path to start from again.
struct ParseOutcome {
    ObjectRef<void> object;
    Utf16 reparse;  // used when `object` is null
    static ParseOutcome found(ObjectRef<void> object) { return {std::move(object), {}}; }
    static ParseOutcome again(Utf16 path) { return {nullptr, std::move(path)}; }
};

// ERRORS: OBJECT_PATH_SYNTAX_BAD (empty or relative name without root, absolute name with root), INVALID_HANDLE,
// OBJECT_NAME_NOT_FOUND (last component), OBJECT_PATH_NOT_FOUND (an earlier one), OBJECT_NAME_INVALID (empty
// component), OBJECT_TYPE_MISMATCH (not `desired`, or something goes on below an object that has no parse procedure),
// INVALID_PARAMETER (more than 64 reparses), or a parse procedure's. Directories are traversed without a check:
// everybody holds SeChangeNotifyPrivilege.
Result<ObjectRef<void>> lookup(const ObjectAttributes& attributes, const ObjectType* desired, AccessState& access,
                               ParseContext* context = nullptr);
// The same for a path the executive itself made up: absolute, kernel mode, case-insensitive.
Result<ObjectRef<void>> lookup_path(Utf16View path, const ObjectType* desired = nullptr);

// lookup, access check (unless the parse procedure made it), handle. ERRORS: lookup's, ACCESS_DENIED.
Result<HANDLE> open_by_name(const ObjectAttributes& attributes, const ObjectType& type, AccessState& access,
                            ParseContext* context = nullptr);

struct Inserted {
    HANDLE handle = nullptr;
    bool existed = false;  // OBJ_OPENIF found one: STATUS_OBJECT_NAME_EXISTS; `object` was dropped
};
// Names a new object as the attributes say (unnamed when the name is empty), gives it its descriptor and a handle.
// ERRORS: lookup's, OBJECT_NAME_COLLISION, ACCESS_DENIED.
Result<Inserted> insert_object(ObjectRef<void> object, const ObjectAttributes& attributes, AccessState& access);

// Names `object` without making a handle, for the executive's own objects: absolute path, kernel rights.
// ERRORS: OBJECT_NAME_COLLISION, OBJECT_PATH_NOT_FOUND.
Result<void> insert_named(Utf16View path, void* object, bool permanent);
// The object is permanent no more: its name goes with the last handle, at once when there is none.
void make_temporary(void* object);

// The full NT path; empty for an unnamed object.
Result<Utf16> query_name(void* object);

}  // namespace regent::ob
