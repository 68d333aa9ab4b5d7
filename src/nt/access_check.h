// What the services that check an access share: their arguments, copied, and the answers.
#pragma once

#include <optional>
#include <vector>

#include "nt/nttoken.h"
#include "rtl/ref.h"
#include "se/access_by_type.h"

namespace regent::nt {

struct AccessArguments {
    PSECURITY_DESCRIPTOR descriptor;
    PSID self;  // null: nobody is PRINCIPAL SELF
    ACCESS_MASK desired;
    const OBJECT_TYPE_LIST* types;  // null, or none: an object without parts
    ULONG type_count;
    const GENERIC_MAPPING* mapping;
    bool each_part = false;  // an answer for each type is wanted
};
// `complete`: no output is null that may not be. ERRORS, in this order: INVALID_PARAMETER (more types than
// nt::probe::max_object_types), ACCESS_VIOLATION (not complete, or no mapping), GENERIC_NOT_MAPPED.
NTSTATUS check_arguments(const AccessArguments& arguments, bool complete);

// The token of a client that is asked about: one that only identifies may be asked what it could open. ERRORS, in this
// order: the handle's, NO_IMPERSONATION_TOKEN, BAD_IMPERSONATION_LEVEL.
Result<Ref<se::Token>> reference_client(HANDLE handle);

struct AccessQuestion {
    std::vector<se::ObjectType> types;
    se::SecurityDescriptor descriptor;
    std::optional<se::Sid> self;
    ACCESS_MASK desired;
    GENERIC_MAPPING mapping;

    // ERRORS, in this order: ACCESS_VIOLATION (types, or one's GUID, that are null), INVALID_PARAMETER (no tree, or no
    // types where an answer for each is wanted), INVALID_SECURITY_DESCR (null), the descriptor's,
    // INVALID_SECURITY_DESCR (no owner or group), INVALID_SID.
    static Result<AccessQuestion> capture(const AccessArguments& arguments);

    struct Answer {
        std::vector<se::TypeAccess> parts;  // one for each type; without types one
        se::PrivilegeSet used = 0;
        // Of the whole. Nothing of a refused one is granted.
        NTSTATUS status() const { return parts.front().status; }
        ACCESS_MASK granted() const { return NT_SUCCESS(status()) ? parts.front().granted : 0; }
        // Each part's, into arrays of as many.
        void write_parts(ACCESS_MASK* granted, NTSTATUS* statuses) const;
    };
    Answer ask(const se::Token& client) const;
};

}  // namespace regent::nt
