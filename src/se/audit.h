// What a system access control list asks to be recorded of a decision about access.
#pragma once

#include <span>

#include "se/access_by_type.h"
#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {

// Is there an entry that may ask for a record? Lists with labels and attributes alone have none.
bool has_audit_entries(DescriptorView descriptor);

// Of the rights granted (or, when `granted` is false, asked for and refused) those of which the list wants a record.
// The entries of a list add up, and none stops the walk. An entry concerns a token that holds its SID, also as a group
// for denial only; a conditional entry applies unless its condition is FALSE (both inferred: a record too many is the
// safe side). MAXIMUM_ALLOWED that was refused asked for everything. An entry that names a type concerns the part of
// that type: it counts when the type is one of `types`, those of what was accessed and of what that is a part of.
ACCESS_MASK audited_rights(DescriptorView descriptor, const Token& token, ACCESS_MASK mask, bool granted,
                           const GENERIC_MAPPING& mapping, std::span<const TypeId> types = {});

}  // namespace regent::se
