#include "se/access.h"

#include "se/access_walk.h"
#include "se/condition.h"

namespace regent::se {

ACCESS_MASK map_generic(ACCESS_MASK mask, const GENERIC_MAPPING& mapping) {
    ACCESS_MASK mapped = mask & 0x0FFFFFFF;
    if ((mask & GENERIC_READ) != 0) mapped |= mapping.GenericRead;
    if ((mask & GENERIC_WRITE) != 0) mapped |= mapping.GenericWrite;
    if ((mask & GENERIC_EXECUTE) != 0) mapped |= mapping.GenericExecute;
    if ((mask & GENERIC_ALL) != 0) mapped |= mapping.GenericAll;
    return mapped;
}

Label label_of(DescriptorView descriptor) {
    const Label usual{SECURITY_MANDATORY_MEDIUM_RID, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP};
    const auto sacl = descriptor.sacl();
    if (!sacl) return usual;
    for (AceView ace : *sacl) {
        if (ace.type() != SYSTEM_MANDATORY_LABEL_ACE_TYPE || (ace.flags() & INHERIT_ONLY_ACE) != 0) continue;
        // A label that names no level is above all levels: it is not ignored.
        return {integrity_level(ace.sid_bytes()).value_or(UINT32_MAX), ace.mask()};
    }
    return usual;
}

ACCESS_MASK mandatory_rights(DescriptorView descriptor, const Token& token, const GENERIC_MAPPING& mapping) {
    constexpr ACCESS_MASK everything = ~ACCESS_MASK{0};
    if ((token.mandatory_policy() & TOKEN_MANDATORY_POLICY_NO_WRITE_UP) == 0) return everything;
    const Label label = label_of(descriptor);
    if (token.integrity() >= label.level) return everything;
    // What is neither reading nor executing counts as writing: DELETE, WRITE_DAC, WRITE_OWNER, and keys' links.
    const ACCESS_MASK passive = mapping.GenericRead | mapping.GenericExecute;
    ACCESS_MASK rights = ACCESS_SYSTEM_SECURITY;  // a privilege decides about it
    if ((label.policy & SYSTEM_MANDATORY_LABEL_NO_READ_UP) == 0) rights |= mapping.GenericRead;
    if ((label.policy & SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP) == 0) rights |= mapping.GenericExecute;
    if ((label.policy & SYSTEM_MANDATORY_LABEL_NO_WRITE_UP) == 0) rights |= mapping.GenericWrite | ~passive;
    if (token.enabled(SE_RELABEL_PRIVILEGE)) rights |= WRITE_OWNER;
    return rights;
}

namespace walk {

AceContent content_of(const AceView& ace, bool object_form) {
    constexpr std::uint32_t type_present = 1;
    constexpr std::uint32_t inherited_type_present = 2;
    const Bytes raw = ace.raw();
    AceContent content;
    std::size_t at = 8;
    if (object_form) {
        const std::uint32_t present = *rtl::load<std::uint32_t>(raw, at);
        at = 12;
        if ((present & type_present) != 0) {
            content.type = raw.subspan(at, 16);
            at += 16;
        }
        if ((present & inherited_type_present) != 0) at += 16;
    }
    content.sid = raw.subspan(at, 8 + 4 * std::to_integer<std::size_t>(raw[at + 1]));
    content.expression = raw.subspan(at + content.sid.size());
    return content;
}

std::optional<ListEntry> entry_of(const AceView& ace) {
    if ((ace.flags() & INHERIT_ONLY_ACE) != 0) return std::nullopt;
    switch (ace.type()) {
        case ACCESS_ALLOWED_ACE_TYPE:
            return ListEntry{Match::allow, ace.mask(), content_of(ace, false), false};
        case ACCESS_DENIED_ACE_TYPE:
            return ListEntry{Match::deny, ace.mask(), content_of(ace, false), false};
        case ACCESS_ALLOWED_CALLBACK_ACE_TYPE:
            return ListEntry{Match::allow, ace.mask(), content_of(ace, false), true};
        case ACCESS_DENIED_CALLBACK_ACE_TYPE:
            return ListEntry{Match::deny, ace.mask(), content_of(ace, false), true};
        case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
            return ListEntry{Match::allow, ace.mask(), content_of(ace, true), false};
        case ACCESS_DENIED_OBJECT_ACE_TYPE:
            return ListEntry{Match::deny, ace.mask(), content_of(ace, true), false};
        case ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE:
            return ListEntry{Match::allow, ace.mask(), content_of(ace, true), true};
        case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
            return ListEntry{Match::deny, ace.mask(), content_of(ace, true), true};
        default:
            return std::nullopt;
    }
}

bool Subject::concerns(const ListEntry& entry) const {
    if (same_sid(entry.content.sid, well_known::owner_rights())) return is_owner;
    if (self != nullptr && same_sid(entry.content.sid, Sid(5, {10})))
        return token.matches(self->bytes(), entry.effect, identity);
    return token.matches(entry.content.sid, entry.effect, identity);
}

bool Subject::applies(const ListEntry& entry) const {
    if (!entry.conditional) return true;
    const Truth truth = evaluate_condition(entry.content.expression, {token, entry.effect, identity, descriptor});
    return entry.effect == Match::allow ? truth == Truth::yes : truth != Truth::no;
}

bool owns(DescriptorView descriptor, const Token& token, Identity identity) {
    const auto owner = descriptor.owner();
    return owner && token.matches(owner->bytes(), Match::allow, identity);
}

Result<ByPrivilege> by_privilege(const Token& token, ACCESS_MASK wanted) {
    ByPrivilege result;
    if ((wanted & ACCESS_SYSTEM_SECURITY) != 0) {
        if (!token.enabled(SE_SECURITY_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
        result.granted |= ACCESS_SYSTEM_SECURITY;
        result.used |= privilege_bit(SE_SECURITY_PRIVILEGE);
    }
    if ((wanted & WRITE_OWNER) != 0 && token.enabled(SE_TAKE_OWNERSHIP_PRIVILEGE)) {
        result.granted |= WRITE_OWNER;
        result.used |= privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE);
    }
    return result;
}

ACCESS_MASK unrestricted_rights(const Token& token, const GENERIC_MAPPING& mapping) {
    return token.is_write_restricted() ? mapping.GenericRead | mapping.GenericExecute : 0;
}

}  // namespace walk

namespace {

using namespace walk;

// Entries about a part of an object are about nothing that an object without parts has.
bool has_owner_rights_entry(const AclView& dacl) {
    for (AceView ace : dacl) {
        const auto entry = entry_of(ace);
        if (entry && entry->content.type.empty() && same_sid(entry->content.sid, well_known::owner_rights()))
            return true;
    }
    return false;
}

// What of `wanted` the list grants; an earlier entry beats a later one, bit by bit. Stops as soon as every bit is
// decided (`wanted` being everything: MAXIMUM_ALLOWED).
ACCESS_MASK granted_of(const Subject& subject, const AclView& dacl, const GENERIC_MAPPING& mapping,
                       ACCESS_MASK wanted) {
    ACCESS_MASK granted = 0;
    ACCESS_MASK denied = 0;
    for (AceView ace : dacl) {
        const auto entry = entry_of(ace);
        if (!entry || !entry->content.type.empty() || !subject.concerns(*entry)) continue;
        const ACCESS_MASK undecided = wanted & ~granted & ~denied;
        const ACCESS_MASK mask = map_generic(entry->mask, mapping) & ~never_by_entry & undecided;
        if (mask == 0 || !subject.applies(*entry)) continue;
        (entry->effect == Match::allow ? granted : denied) |= mask;
        if (mask == undecided) break;
    }
    return granted;
}

ACCESS_MASK by_list(DescriptorView descriptor, const Token& token, const GENERIC_MAPPING& mapping, ACCESS_MASK wanted,
                    Identity identity) {
    const auto dacl = descriptor.dacl();
    if (!dacl) return wanted & ~never_by_entry;
    const Subject subject{descriptor, token, identity, owns(descriptor, token, identity), nullptr};
    const ACCESS_MASK granted = subject.is_owner && !has_owner_rights_entry(*dacl) ? wanted & owner_implied : 0;
    return granted | granted_of(subject, *dacl, mapping, wanted & ~granted);
}

// Of a restricted token both identities must grant; of a write-restricted one the second is asked about writing only
//
ACCESS_MASK by_lists(DescriptorView descriptor, const Token& token, const GENERIC_MAPPING& mapping,
                     ACCESS_MASK wanted) {
    const ACCESS_MASK granted = by_list(descriptor, token, mapping, wanted, Identity::whole);
    if (!token.is_restricted()) return granted;
    const ACCESS_MASK free = unrestricted_rights(token, mapping);
    return (granted & free) | by_list(descriptor, token, mapping, granted & ~free, Identity::restricting);
}

}  // namespace

Result<ACCESS_MASK> access_check(DescriptorView descriptor, const Token& token, ACCESS_MASK desired,
                                 const GENERIC_MAPPING& mapping, KPROCESSOR_MODE mode, ACCESS_MASK previously_granted,
                                 PrivilegeSet* used) {
    const bool maximum = (desired & MAXIMUM_ALLOWED) != 0;
    const ACCESS_MASK asked = map_generic(desired, mapping) & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED);
    if (mode == kernel_mode) return asked | previously_granted | (maximum ? mapping.GenericAll : 0);
    if (token.is_impersonation() && token.level() < SecurityImpersonation) return fail(STATUS_BAD_IMPERSONATION_LEVEL);
    if (asked == 0 && previously_granted == 0 && !maximum) return fail(STATUS_ACCESS_DENIED);

    ACCESS_MASK granted = previously_granted;
    const ACCESS_MASK mandatory = mandatory_rights(descriptor, token, mapping);
    if ((asked & ~granted & ~mandatory) != 0) return fail(STATUS_ACCESS_DENIED);
    ACCESS_MASK wanted = asked;
    if (maximum) wanted |= (mapping.GenericAll | STANDARD_RIGHTS_REQUIRED) & mandatory;
    const ByPrivilege privileged = RG_TRY(by_privilege(token, wanted & ~granted));
    granted |= privileged.granted;
    // Without MAXIMUM_ALLOWED nothing is left to ask of the list once privileges gave it all.
    const ACCESS_MASK open = wanted & ~granted;
    if (open != 0) granted |= by_lists(descriptor, token, mapping, open);
    if ((asked & ~granted) != 0 || granted == 0) return fail(STATUS_ACCESS_DENIED);
    if (used != nullptr) *used = privileged.used;
    return granted;
}

}  // namespace regent::se
