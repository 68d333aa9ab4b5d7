// The object namespace: directories, symbolic links, and the types that exist from the start.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "nt/ntobapi.h"
#include "ob/object.h"
#include "rtl/lock.h"

namespace regent::ob {

// One lock for all directories and the names in object headers: a path is read under it in one piece, and names change
// rarely.
using NamespaceLock = rtl::SharedMutex<rtl::LockRank::ob_directory>;
NamespaceLock& namespace_lock();

// Body of a "Directory" object. Its entries hold references. Internally synchronised by the namespace lock.
class Directory {
public:
    Directory() = default;
    ~Directory();

    // A name of another case is found too when asked, and when what it names folds case itself (\Registry; NS-7).
    ObjectRef<void> find(Utf16View name, bool case_insensitive) const;
    // Names `object`, which must have no name yet. ERRORS: OBJECT_NAME_COLLISION.
    Result<void> insert(void* object, Utf16View name);
    struct Item {
        Utf16 name;
        ObjectRef<void> object;
    };
    std::vector<Item> list() const;  // in folded-name order

private:
    friend bool remove_name(void* object, bool only_if_unused);
    using Entries = std::unordered_multimap<std::uint32_t, void*>;  // by the hash of the folded name

    Entries entries_ RG_GUARDED_BY(namespace_lock());
};

// Takes the object out of its directory; with `only_if_unused` only a temporary object without handles.
// False when nothing was removed.
bool remove_name(void* object, bool only_if_unused);

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
ObjectType& mutant();
ObjectType& semaphore();
ObjectType& timer();
}  // namespace types

// Makes the root, \Device, \Driver, \Callback, \ObjectTypes, \BaseNamedObjects, \?? and the link \DosDevices, and the
// System process. Idempotent. `\Registry` is for cm.
void initialize();
// Takes all names away again (tests, stop of the executive).
void shutdown();
// The root directory. REQUIRES: ob::initialize().
Directory& namespace_root();

// ERRORS: OBJECT_NAME_COLLISION, OBJECT_PATH_NOT_FOUND.
Result<ObjectRef<Directory>> create_directory(Utf16View path);
Result<ObjectRef<SymbolicLink>> create_symbolic_link(Utf16View path, Utf16View target);

}  // namespace regent::ob
