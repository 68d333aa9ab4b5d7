// The descriptor of a new object: what its creator gave, what its container passes on, what the token defaults to.
#include "se/access.h"
#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {
namespace {

constexpr std::uint8_t propagation_flags =
    OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | NO_PROPAGATE_INHERIT_ACE | INHERIT_ONLY_ACE;
constexpr std::uint8_t inherit_flags = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE;
constexpr ACCESS_MASK generic_bits = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;

struct NewObject {
    Sid owner;
    Sid group;
    const GENERIC_MAPPING& mapping;
    bool is_container;
};

std::uint8_t without(std::uint8_t flags, std::uint8_t bits) { return static_cast<std::uint8_t>(flags & ~bits); }

// The SID that an entry speaks of once it is effective on the object.
Sid concrete(const Sid& sid, const NewObject& object) {
    if (sid == well_known::creator_owner()) return object.owner;
    if (sid == well_known::creator_group()) return object.group;
    return sid;
}

// Adds an entry that stands on the object with `flags`: CREATOR entries and generic rights become concrete in the
// effective copy and stay as they are in the inheritable one (MS-DTYP 2.5.3.4.4; semantics SE-2).
void add_entry(AclBuilder& list, const AceView& ace, std::uint8_t flags, const NewObject& object) {
    if (!ace.is_basic()) {
        std::vector<std::byte> raw(ace.raw().begin(), ace.raw().end());
        raw[1] = std::byte{flags};
        list.add_raw(raw);
        return;
    }
    Sid sid = ace.sid();
    auto put = [&](unsigned put_flags, ACCESS_MASK mask, const Sid& account) {
        Bytes tail = ace.raw().subspan(8 + ace.sid_bytes().size());
        list.add(ace.type(), static_cast<std::uint8_t>(put_flags), mask, account, tail);
    };
    if ((flags & INHERIT_ONLY_ACE) != 0) {
        put(flags, ace.mask(), sid);
        return;
    }
    Sid effective = concrete(sid, object);
    ACCESS_MASK mask = map_generic(ace.mask(), object.mapping);
    bool special = !(effective == sid) || (ace.mask() & generic_bits) != 0;
    if (!special || (flags & inherit_flags) == 0) {
        put(special ? without(flags, propagation_flags) : flags, mask, effective);
        return;
    }
    put(without(flags, propagation_flags), mask, effective);
    put(flags | INHERIT_ONLY_ACE, ace.mask(), sid);
}

// The flags that a parent's entry has on the child, or nothing when it does not reach it.
std::optional<std::uint8_t> inherited_flags(std::uint8_t flags, bool is_container) {
    bool for_containers = (flags & CONTAINER_INHERIT_ACE) != 0;
    bool for_leaves = (flags & OBJECT_INHERIT_ACE) != 0;
    bool stops = (flags & NO_PROPAGATE_INHERIT_ACE) != 0;
    std::uint8_t kept = without(flags, propagation_flags) | INHERITED_ACE;
    if (!is_container) return for_leaves ? std::optional(kept) : std::nullopt;
    if (for_containers) return stops ? kept : static_cast<std::uint8_t>(kept | (flags & inherit_flags));
    // For leaves below the container only: passed on, not effective here.
    if (for_leaves && !stops) return static_cast<std::uint8_t>(kept | OBJECT_INHERIT_ACE | INHERIT_ONLY_ACE);
    return std::nullopt;
}

void add_inherited(AclBuilder& list, const AclView& parent, const NewObject& object) {
    for (AceView ace : parent) {
        if (auto flags = inherited_flags(ace.flags(), object.is_container)) add_entry(list, ace, *flags, object);
    }
}

void add_explicit(AclBuilder& list, const AclView& given, const NewObject& object) {
    for (AceView ace : given) {
        // What the creator copied from somewhere as inherited is computed anew from the parent.
        if ((ace.flags() & INHERITED_ACE) == 0) add_entry(list, ace, ace.flags(), object);
    }
}

struct ListSource {
    bool given;  // the creator's descriptor has this list (perhaps NULL)
    std::optional<AclView> list;
    bool protected_;
    std::optional<AclView> parent;
};

struct NewList {
    bool present = false;
    bool inherited = false;
    std::optional<std::vector<std::byte>> acl;
};

// `defaults` null: nothing takes the place of an empty list.
Result<NewList> new_list(const ListSource& source, const Token* defaults, const NewObject& object) {
    NewList made;
    if (source.given && !source.list) {  // NULL: the creator wants no restriction
        made.present = true;
        return made;
    }
    AclBuilder list;
    if (source.given) add_explicit(list, *source.list, object);
    if (source.parent && !source.protected_) {
        add_inherited(list, *source.parent, object);
        made.inherited = true;
    }
    if (!source.given && list.empty()) {
        made.inherited = false;
        const auto default_list = defaults != nullptr ? defaults->default_dacl() : std::vector<std::byte>();
        auto fallback = AclView::validate(default_list);
        if (!fallback) return made;
        for (AceView ace : *fallback) add_entry(list, ace, ace.flags(), object);
    }
    made.present = true;
    made.acl = RG_TRY(list.finish());
    return made;
}

ListSource source_of(const DescriptorView* given, const DescriptorView* parent, USHORT present, USHORT is_protected,
                     std::optional<AclView> (DescriptorView::*list)() const) {
    ListSource source{false, std::nullopt, false, std::nullopt};
    if (given != nullptr) {
        source.given = (given->control() & present) != 0;
        source.list = (given->*list)();
        source.protected_ = (given->control() & is_protected) != 0;
    }
    if (parent != nullptr) source.parent = (parent->*list)();
    return source;
}

// ERRORS: PRIVILEGE_NOT_HELD, may_label's.
Result<void> may_give_sacl(const ListSource& audit, const Token& token) {
    if (!audit.given) return {};
    bool only_labels = audit.list && audit.list->count() != 0;
    if (audit.list) {
        for (AceView ace : *audit.list) only_labels = only_labels && ace.type() == SYSTEM_MANDATORY_LABEL_ACE_TYPE;
        const Bytes raw = audit.list->raw();
        RG_TRY(may_label(std::vector<std::byte>(raw.begin(), raw.end()), token));
    }
    if (!only_labels && !token.enabled(SE_SECURITY_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    return {};
}

// Nobody below medium could change what it made itself, were it not labelled.
Result<void> label_if_low(NewList& sacl, const Token& token) {
    if (token.integrity() >= SECURITY_MANDATORY_MEDIUM_RID) return {};
    AclBuilder list;
    if (sacl.acl) {
        for (AceView ace : AclView(*sacl.acl)) {
            const bool effective = (ace.flags() & INHERIT_ONLY_ACE) == 0;
            if (ace.type() == SYSTEM_MANDATORY_LABEL_ACE_TYPE && effective) return {};
            list.add_raw(ace.raw());
        }
    }
    list.add(SYSTEM_MANDATORY_LABEL_ACE_TYPE, 0, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, integrity_sid(token.integrity()));
    sacl.acl = RG_TRY(list.finish());
    sacl.present = true;
    return {};
}

}  // namespace

Result<SecurityDescriptor> assign_descriptor(const DescriptorView* parent, const DescriptorView* explicit_descriptor,
                                             const Token& token, const GENERIC_MAPPING& mapping, bool is_container,
                                             bool kernel_caller) {
    std::optional<Sid> owner, group;
    if (explicit_descriptor != nullptr) {
        owner = explicit_descriptor->owner();
        group = explicit_descriptor->group();
        if (owner && !kernel_caller && !token.may_assign_owner(*owner)) return fail(STATUS_INVALID_OWNER);
    }
    NewObject object{owner.value_or(token.default_owner()), group.value_or(token.primary_group()), mapping,
                     is_container};
    ListSource audit =
        source_of(explicit_descriptor, parent, SE_SACL_PRESENT, SE_SACL_PROTECTED, &DescriptorView::sacl);
    if (!kernel_caller) RG_TRY(may_give_sacl(audit, token));
    ListSource access =
        source_of(explicit_descriptor, parent, SE_DACL_PRESENT, SE_DACL_PROTECTED, &DescriptorView::dacl);
    NewList dacl = RG_TRY(new_list(access, &token, object));
    NewList sacl = RG_TRY(new_list(audit, nullptr, object));
    RG_TRY(label_if_low(sacl, token));

    unsigned control = 0;
    if (dacl.present) control |= SE_DACL_PRESENT;
    if (dacl.inherited) control |= SE_DACL_AUTO_INHERITED;
    if (access.protected_) control |= SE_DACL_PROTECTED;
    // An audit list that nobody gave and nothing filled is none.
    bool keeps_sacl = sacl.present && (audit.given || (sacl.acl && AclView(*sacl.acl).count() != 0));
    if (keeps_sacl) control |= SE_SACL_PRESENT;
    if (keeps_sacl && sacl.inherited) control |= SE_SACL_AUTO_INHERITED;
    if (audit.protected_) control |= SE_SACL_PROTECTED;
    SecurityDescriptor::Parts parts;
    parts.control = static_cast<USHORT>(control);
    parts.owner = object.owner;
    parts.group = object.group;
    parts.dacl = std::move(dacl.acl);
    parts.sacl = std::move(sacl.acl);
    return SecurityDescriptor::build(parts);
}

}  // namespace regent::se
