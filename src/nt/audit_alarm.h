// What the audit alarms share, those that check an access and those that only hand in.
#pragma once

#include <span>

#include "nt/capture.h"
#include "se/access_by_type.h"
#include "se/token.h"

namespace regent::nt {

// Whether the caller's process may hand in.
bool may_record();

// What a program says about its object.
struct Named {
    CapturedString subsystem, type, name;
    // ERRORS: those of a string. Null: not told.
    Result<void> capture(PUNICODE_STRING of_subsystem, PUNICODE_STRING of_type, PUNICODE_STRING of_name) {
        RG_TRY(subsystem.capture(of_subsystem));
        if (of_type != nullptr) RG_TRY(type.capture(of_type));
        if (of_name != nullptr) RG_TRY(name.capture(of_name));
        return {};
    }
};

// One opening as a program tells it, or as we found it.
struct Opening {
    const Named& named;
    HANDLE handle;
    const se::SecurityDescriptor& descriptor;
    const se::Token& client;
    GENERIC_MAPPING mapping;
    ACCESS_MASK access;  // granted, or asked for
    bool granted;
    se::PrivilegeSet privileges;
    std::span<const se::TypeId> types;  // of what was accessed
};

// Whether policy and list want a record of it.
bool is_wanted(const Opening& opening);
// Records it where it is wanted; whether the end of the handle is to be handed in as well.
bool record_opening(const Opening& opening);

}  // namespace regent::nt
