// What the checks of access share: entries as they count, and whom they concern. Inside this floor only.
#pragma once

#include <cstring>
#include <optional>

#include "se/access.h"

namespace regent::se::walk {

inline constexpr ACCESS_MASK owner_implied = READ_CONTROL | WRITE_DAC;
// Rights that no entry can give.
inline constexpr ACCESS_MASK never_by_entry = ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED;

inline bool same_sid(Bytes a, const Sid& b) { return a.size() == b.size() && std::memcmp(a.data(), &b, a.size()) == 0; }

// What an entry holds behind its header, by the form of its kind (MS-DTYP 2.4.4.2 to 2.4.4.9).
struct AceContent {
    Bytes sid;
    Bytes type;        // of the part of the object that it is about, 16 bytes; empty: the whole
    Bytes expression;  // what is behind the SID
};
AceContent content_of(const AceView& ace, bool object_form);

// An entry of a DACL that is in force.
struct ListEntry {
    Match effect;
    ACCESS_MASK mask;
    AceContent content;
    bool conditional;
};
// Nothing: it is for subkeys only, or of a kind that does not count here.
std::optional<ListEntry> entry_of(const AceView& ace);

// One identity of the token, before one list.
struct Subject {
    DescriptorView descriptor;
    const Token& token;
    Identity identity;
    bool is_owner;
    const Sid* self;  // whom PRINCIPAL SELF means; may be null

    bool concerns(const ListEntry& entry) const;
    // An allowing condition must be TRUE; a denying one denies unless it is FALSE.
    bool applies(const ListEntry& entry) const;
};
bool owns(DescriptorView descriptor, const Token& token, Identity identity);

struct ByPrivilege {
    ACCESS_MASK granted = 0;
    PrivilegeSet used = 0;
};
// The privileges that stand in for entries. ERRORS: PRIVILEGE_NOT_HELD.
Result<ByPrivilege> by_privilege(const Token& token, ACCESS_MASK wanted);

// What the restricting SIDs of the token are not asked about (A-10; what counts as writing is inferred as in
// mandatory_rights).
ACCESS_MASK unrestricted_rights(const Token& token, const GENERIC_MAPPING& mapping);

}  // namespace regent::se::walk
