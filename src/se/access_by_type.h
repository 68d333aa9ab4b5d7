// Access to an object and to its parts (property sets, properties), which entries name by GUIDs: what AccessCheckByType
// and AccessCheckByTypeResultList answer (MS-DTYP 2.5.3.2 with an object tree).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "se/access.h"

namespace regent::se {

using TypeId = std::array<std::byte, 16>;  // a GUID

// One element of the list of parts, depth first: the object itself is the first, at level 0.
struct ObjectType {
    unsigned level;
    TypeId type;
};
// The first element alone is at level 0; a level is at most 4 and one more than that of the element before it. An
// empty list is one.
bool is_object_tree(std::span<const ObjectType> types);

struct TypeAccess {
    NTSTATUS status;
    ACCESS_MASK granted;  // of what was asked; where the list refused, the part of it that it granted all the same
};

// One answer for each element. An entry without a type is about all of them; one whose type is in the list (the first
// such element) about that and those below it; others do not count. For each element the first entry that decides about
// a right wins. A part that is denied denies what it is a part of; what has all its parts granted is granted. `self` is
// whom PRINCIPAL SELF (S-1-5-10) means. With no `types` the object has no parts, as for access_check.
// `used` counts when an element was granted.
// ERRORS, in this order: INVALID_PARAMETER (no tree), access_check's of before the list (they are told of every element
// there).
Result<std::vector<TypeAccess>> access_check_by_type(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                                     const GENERIC_MAPPING& mapping, std::span<const ObjectType> types,
                                                     const Sid* self = nullptr, PrivilegeSet* used = nullptr);

}  // namespace regent::se
