#include "se/access.h"

namespace regent::se {

ACCESS_MASK map_generic(ACCESS_MASK mask, const GENERIC_MAPPING& mapping) {
    ACCESS_MASK mapped = mask & 0x0FFFFFFF;
    if ((mask & GENERIC_READ) != 0) mapped |= mapping.GenericRead;
    if ((mask & GENERIC_WRITE) != 0) mapped |= mapping.GenericWrite;
    if ((mask & GENERIC_EXECUTE) != 0) mapped |= mapping.GenericExecute;
    if ((mask & GENERIC_ALL) != 0) mapped |= mapping.GenericAll;
    return mapped;
}

namespace {

constexpr ACCESS_MASK owner_implied = READ_CONTROL | WRITE_DAC;
// Rights that no entry can give.
constexpr ACCESS_MASK never_by_entry = ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED;

enum class Effect { none, allow, deny };

// What an entry's kind does in a DACL. The condition of a callback entry is not evaluated, so it is UNKNOWN: an
// allowing one is skipped, a denying one denies. Object entries concern directory services; denying ones are
// honoured by none of our types and are skipped with them.
Effect effect_of(const AceView& ace) {
    if ((ace.flags() & INHERIT_ONLY_ACE) != 0) return Effect::none;
    switch (ace.type()) {
        case ACCESS_ALLOWED_ACE_TYPE:
            return Effect::allow;
        case ACCESS_DENIED_ACE_TYPE:
        case 0x0A:
            return Effect::deny;
        default:
            return Effect::none;
    }
}

bool same_sid(Bytes a, const Sid& b) { return a.size() == b.size() && std::memcmp(a.data(), &b, a.size()) == 0; }

bool has_owner_rights_entry(const AclView& dacl) {
    for (AceView ace : dacl) {
        if (effect_of(ace) != Effect::none && same_sid(ace.sid_bytes(), well_known::owner_rights())) return true;
    }
    return false;
}

struct Walk {
    const AclView& dacl;
    const Token& token;
    const GENERIC_MAPPING& mapping;
    bool is_owner;

    bool concerns(const AceView& ace, Effect effect) const {
        Bytes sid = ace.sid_bytes();
        if (same_sid(sid, well_known::owner_rights())) return is_owner;
        return effect == Effect::allow ? token.matches_allow(sid) : token.matches_deny(sid);
    }

    // What of `wanted` the list grants; an earlier entry beats a later one, bit by bit. Stops as soon as every bit is
    // decided (`wanted` being everything: MAXIMUM_ALLOWED).
    ACCESS_MASK granted_of(ACCESS_MASK wanted) const {
        ACCESS_MASK granted = 0;
        ACCESS_MASK denied = 0;
        for (AceView ace : dacl) {
            Effect effect = effect_of(ace);
            if (effect == Effect::none || !concerns(ace, effect)) continue;
            ACCESS_MASK undecided = wanted & ~granted & ~denied;
            ACCESS_MASK mask = map_generic(ace.mask(), mapping) & ~never_by_entry & undecided;
            (effect == Effect::allow ? granted : denied) |= mask;
            if (mask == undecided) break;
        }
        return granted;
    }
};

// The privileges that stand in for entries. ERRORS: PRIVILEGE_NOT_HELD.
Result<ACCESS_MASK> by_privilege(const Token& token, ACCESS_MASK wanted, bool maximum) {
    ACCESS_MASK granted = 0;
    if ((wanted & ACCESS_SYSTEM_SECURITY) != 0) {
        if (!token.enabled(SE_SECURITY_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
        granted |= ACCESS_SYSTEM_SECURITY;
    }
    bool asks_owner = maximum || (wanted & WRITE_OWNER) != 0;
    if (asks_owner && token.enabled(SE_TAKE_OWNERSHIP_PRIVILEGE)) granted |= WRITE_OWNER;
    return granted;
}

ACCESS_MASK by_list(DescriptorView descriptor, const Token& token, const GENERIC_MAPPING& mapping, ACCESS_MASK wanted) {
    auto dacl = descriptor.dacl();
    if (!dacl) return wanted & ~never_by_entry;
    auto owner = descriptor.owner();
    bool is_owner = owner && token.matches_allow(owner->bytes());
    ACCESS_MASK granted = is_owner && !has_owner_rights_entry(*dacl) ? wanted & owner_implied : 0;
    Walk walk{*dacl, token, mapping, is_owner};
    return granted | walk.granted_of(wanted & ~granted);
}

}  // namespace

Result<ACCESS_MASK> access_check(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                 const GENERIC_MAPPING& mapping, KPROCESSOR_MODE mode, ACCESS_MASK previously_granted) {
    bool maximum = (desired & MAXIMUM_ALLOWED) != 0;
    ACCESS_MASK asked = map_generic(desired, mapping) & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED);
    if (mode == kernel_mode) return asked | previously_granted | (maximum ? mapping.GenericAll : 0);
    if (asked == 0 && previously_granted == 0 && !maximum) return fail(STATUS_ACCESS_DENIED);

    ACCESS_MASK granted = previously_granted;
    granted |= RG_TRY(by_privilege(token, asked & ~granted, maximum));
    ACCESS_MASK wanted = asked;
    if (maximum) wanted |= mapping.GenericAll | STANDARD_RIGHTS_REQUIRED;
    // Without MAXIMUM_ALLOWED nothing is left to ask of the list once privileges gave it all.
    ACCESS_MASK open = wanted & ~granted;
    if (open != 0) granted |= by_list(descriptor, token, mapping, open);
    if ((asked & ~granted) != 0 || granted == 0) return fail(STATUS_ACCESS_DENIED);
    return granted;
}

}  // namespace regent::se
