#include "se/audit.h"

#include <algorithm>

#include "se/access_walk.h"
#include "se/condition.h"

namespace regent::se {
namespace {

constexpr std::uint8_t audit_callback_object_type = 0x0F;  // SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE

bool is_object_form(const AceView& ace) {
    return ace.type() == SYSTEM_AUDIT_OBJECT_ACE_TYPE || ace.type() == audit_callback_object_type;
}
bool is_conditional(const AceView& ace) {
    return ace.type() == SYSTEM_AUDIT_CALLBACK_ACE_TYPE || ace.type() == audit_callback_object_type;
}

// An entry about a part of an object is about nothing that a key, which has no `types`, has.
bool asks_for_records(const AceView& ace, std::span<const TypeId> types) {
    if ((ace.flags() & INHERIT_ONLY_ACE) != 0) return false;
    if (is_object_form(ace)) {
        const Bytes named = walk::content_of(ace, true).type;
        return named.empty() ||
               std::ranges::any_of(types, [&](const TypeId& type) { return std::ranges::equal(type, named); });
    }
    return ace.type() == SYSTEM_AUDIT_ACE_TYPE || is_conditional(ace);
}

bool applies(const AceView& ace, DescriptorView descriptor, const Token& token) {
    const walk::AceContent content = walk::content_of(ace, is_object_form(ace));
    if (!token.matches(content.sid, Match::deny)) return false;
    if (!is_conditional(ace)) return true;
    return evaluate_condition(content.expression, {token, Match::deny, Identity::whole, descriptor}) != Truth::no;
}

}  // namespace

bool has_audit_entries(DescriptorView descriptor) {
    const auto sacl = descriptor.sacl();
    if (!sacl) return false;
    for (AceView ace : *sacl) {
        if (asks_for_records(ace, {})) return true;
    }
    return false;
}

ACCESS_MASK audited_rights(DescriptorView descriptor, const Token& token, ACCESS_MASK mask, bool granted,
                           const GENERIC_MAPPING& mapping, std::span<const TypeId> types) {
    const auto sacl = descriptor.sacl();
    if (!sacl) return 0;
    ACCESS_MASK rights = map_generic(mask, mapping);
    if ((rights & MAXIMUM_ALLOWED) != 0) rights = (rights & ~ACCESS_MASK{MAXIMUM_ALLOWED}) | mapping.GenericAll;
    const std::uint8_t outcome = granted ? SUCCESSFUL_ACCESS_ACE_FLAG : FAILED_ACCESS_ACE_FLAG;
    ACCESS_MASK wanted = 0;
    for (AceView ace : *sacl) {
        if (!asks_for_records(ace, types) || (ace.flags() & outcome) == 0) continue;
        const ACCESS_MASK of_entry = map_generic(ace.mask(), mapping) & rights & ~wanted;
        if (of_entry != 0 && applies(ace, descriptor, token)) wanted |= of_entry;
    }
    return wanted;
}

}  // namespace regent::se
