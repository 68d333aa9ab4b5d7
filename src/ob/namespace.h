// The object namespace: directories, symbolic links, and the types that exist from the start.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "nt/ntobapi.h"
#include "ob/object.h"
#include "rtl/lock.h"

namespace regent::ob {

// Body of a "Directory" object. Its entries hold references; internally synchronised by lock_.
class Directory {
public:
    Directory() = default;
    ~Directory();

    ObjectRef<void> find(Utf16View name, bool case_insensitive) const;
    // ERRORS: OBJECT_NAME_COLLISION.
    Result<void> insert(void* object, Utf16View name);
    // ERRORS: OBJECT_NAME_NOT_FOUND.
    Result<void> remove(void* object);
    struct Item {
        Utf16 name;
        ObjectRef<void> object;
    };
    std::vector<Item> list() const;  // in folded-name order

private:
    struct Entry {
        Utf16 name;
        void* object;
    };
    using Entries = std::unordered_multimap<std::uint32_t, Entry>;  // by the hash of the folded name
    Entries::const_iterator find_locked(Utf16View name, bool case_insensitive) const RG_REQUIRES_SHARED(lock_);

    mutable rtl::SharedMutex<rtl::LockRank::ob_directory> lock_;
    Entries entries_ RG_GUARDED_BY(lock_);
};

// Body of a "SymbolicLink" object. Immutable.
struct SymbolicLink {
    Utf16 target;
};

// Types by name; cm, io and ex's glue add theirs. Types live as long as the process.
ObjectType& register_type(Utf16View name, const GENERIC_MAPPING& mapping, ACCESS_MASK valid_access,
                          const TypeProcedures& procedures);
ObjectType* find_type(Utf16View name);

namespace types {
ObjectType& type();
ObjectType& directory();
ObjectType& symbolic_link();
ObjectType& process();
ObjectType& thread();
ObjectType& event();
}  // namespace types

// Makes the root, \Device, \Driver, \Callback, \ObjectTypes, \BaseNamedObjects, \?? and the link \DosDevices, and the
// System process. Idempotent. `\Registry` is for cm.
void initialize();
// Takes all names away again (tests, stop of the executive).
void shutdown();
Directory& namespace_root();

// ERRORS: OBJECT_NAME_COLLISION, OBJECT_PATH_NOT_FOUND.
Result<ObjectRef<Directory>> create_directory(Utf16View path);
Result<ObjectRef<SymbolicLink>> create_symbolic_link(Utf16View path, Utf16View target);

}  // namespace regent::ob
