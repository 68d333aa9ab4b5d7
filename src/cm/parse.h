// The way from a path to a key: components, hives, registry symbolic links, creation.
#pragma once

#include "cm/key.h"
#include "cm/mounted_hive.h"
#include "ob/lookup.h"

namespace regent::cm {

// What open_key hands through ob::lookup to the key type's parse procedure, and what comes back.
struct KeyParse : ob::ParseContext {
    explicit KeyParse(const OpenRequest& what) : ob::ParseContext(key_type()), request(what), bound(what.transaction) {}
    const OpenRequest& request;
    Ref<TransactionBinding> bound;  // the request's, or that of the key it starts from
    ULONG disposition = REG_OPENED_EXISTING_KEY;
    std::uint64_t link_class = 0;  // of the hive that is not trusted and whose link was followed; 0: none was

    // Where a path may end after such a link, and what it may pass on the way: \Registry and its parts are nobody's.
    bool may_end_in(const MountedHive& hive) const { return link_class == 0 || hive.trust_class() == link_class; }
    bool may_enter(const MountedHive& hive) const { return may_end_in(hive) || hive.options().master; }
};

// The type's parse procedure. Answers REPARSE at a registry link; the object manager starts again and counts the hops.
Result<ob::ParseOutcome> parse_key(ob::ParseRequest& request);

// The same from a key that the path so far leads to, at a moment of its own.
Result<ob::ParseOutcome> walk_below(ob::ParseRequest& request, KeyParse& parse, KeyControlBlock& start);

// open_key for paths of which the table of keys knows enough. Nothing: it has to go from the root of the namespace.
std::optional<Result<OpenedKey>> open_near(const OpenRequest& request);

// The calling thread's last call to create a key that had to look for it made it.
extern constinit thread_local bool expects_new_key __attribute__((tls_model("initial-exec")));

// More components than one path may have (HB-7): what a caller names below \Registry or his root key, and likewise what
// a link leads to with what followed the link. Separators, also at the end, are no components. The status is inferred:
// a link that leads below itself grows until there are too many, and that answers INVALID_PARAMETER since 1607, and
// NAME_TOO_LONG before (row 91).
bool too_many_components(Utf16View path);

// The first component of `rest`, which loses it and the separators around it (semantics NS-5). Empty at the end.
Utf16View take_component(Utf16View& rest);

}  // namespace regent::cm
