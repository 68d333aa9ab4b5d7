// Parts of a descriptor taken out (query) and put in (set).
#include "se/access.h"
#include "se/descriptor.h"
#include "se/token.h"

namespace regent::se {
namespace {

constexpr USHORT dacl_control =
    SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED | SE_DACL_AUTO_INHERIT_REQ;
constexpr USHORT sacl_control =
    SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED | SE_SACL_AUTO_INHERIT_REQ;

// What one list's part of the control word becomes. AUTO_INHERITED is taken over only from a creator who also says
// AUTO_INHERIT_REQ, which itself is not stored.
struct ListBits {
    USHORT present, defaulted, is_protected, auto_inherited, auto_request;
    SECURITY_INFORMATION protect, unprotect;
};
constexpr ListBits dacl_bits{SE_DACL_PRESENT,
                             SE_DACL_DEFAULTED,
                             SE_DACL_PROTECTED,
                             SE_DACL_AUTO_INHERITED,
                             SE_DACL_AUTO_INHERIT_REQ,
                             PROTECTED_DACL_SECURITY_INFORMATION,
                             UNPROTECTED_DACL_SECURITY_INFORMATION};
constexpr ListBits sacl_bits{SE_SACL_PRESENT,
                             SE_SACL_DEFAULTED,
                             SE_SACL_PROTECTED,
                             SE_SACL_AUTO_INHERITED,
                             SE_SACL_AUTO_INHERIT_REQ,
                             PROTECTED_SACL_SECURITY_INFORMATION,
                             UNPROTECTED_SACL_SECURITY_INFORMATION};

USHORT list_control(const ListBits& bits, USHORT given, SECURITY_INFORMATION what) {
    unsigned control = given & (bits.present | bits.defaulted | bits.is_protected);
    if ((given & bits.auto_inherited) != 0 && (given & bits.auto_request) != 0) control |= bits.auto_inherited;
    if ((what & bits.protect) != 0) control |= bits.is_protected;
    if ((what & bits.unprotect) != 0) control &= ~unsigned{bits.is_protected};
    return static_cast<USHORT>(control);
}

// Generic rights become the type's; inherit-only entries keep them for the objects they will reach.
Result<std::optional<std::vector<std::byte>>> mapped(std::optional<std::vector<std::byte>> acl,
                                                     const GENERIC_MAPPING& mapping) {
    if (!acl) return acl;
    auto view = AclView::validate(*acl);
    if (!view) return fail(STATUS_INVALID_ACL);
    std::size_t offset = sizeof(ACL);
    for (AceView ace : *view) {
        if (ace.is_basic() && (ace.flags() & INHERIT_ONLY_ACE) == 0) {
            ACCESS_MASK mask = map_generic(ace.mask(), mapping);
            std::memcpy(acl->data() + offset + 4, &mask, sizeof(mask));
        }
        offset += ace.raw().size();
    }
    return acl;
}

void replace_control(USHORT& control, USHORT bits, USHORT value) {
    control = static_cast<USHORT>((control & ~bits) | value);
}

// Which information class an entry of a SACL belongs to (each can be asked for and set alone; which entries
// SACL_SECURITY_INFORMATION leaves out is inferred).
SECURITY_INFORMATION class_of(const AceView& ace) {
    switch (ace.type()) {
        case SYSTEM_MANDATORY_LABEL_ACE_TYPE:
            return LABEL_SECURITY_INFORMATION;
        case SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE:
            return ATTRIBUTE_SECURITY_INFORMATION;
        case SYSTEM_SCOPED_POLICY_ID_ACE_TYPE:
            return SCOPE_SECURITY_INFORMATION;
        default:
            return SACL_SECURITY_INFORMATION;
    }
}
constexpr SECURITY_INFORMATION sacl_classes = SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION |
                                              ATTRIBUTE_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION;

using Acl = std::optional<std::vector<std::byte>>;

// Adds the entries of `acl` whose class is in `classes`.
void add_classes(AclBuilder& list, const Acl& acl, SECURITY_INFORMATION classes) {
    const auto view = acl ? AclView::validate(*acl) : std::nullopt;
    if (!view) return;
    for (AceView ace : *view) {
        if ((class_of(ace) & classes) != 0) list.add_raw(ace.raw());
    }
}

SECURITY_INFORMATION whole(SECURITY_INFORMATION what) {
    if ((what & BACKUP_SECURITY_INFORMATION) == 0) return what;
    return what | OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | sacl_classes;
}

// ERRORS: INVALID_ACL, PRIVILEGE_NOT_HELD (a label above the token's own level).
Result<void> merge_sacl(SecurityDescriptor::Parts& parts, SecurityDescriptor::Parts& given, SECURITY_INFORMATION what,
                        const Token& token, const GENERIC_MAPPING& mapping) {
    const SECURITY_INFORMATION classes = what & sacl_classes;
    if ((classes & LABEL_SECURITY_INFORMATION) != 0) RG_TRY(may_label(given.sacl, token));
    const Acl taken = RG_TRY(mapped(std::move(given.sacl), mapping));
    AclBuilder list;
    add_classes(list, taken, classes);
    add_classes(list, parts.sacl, sacl_classes & ~classes);
    const bool audits = (classes & SACL_SECURITY_INFORMATION) != 0;
    if (audits) replace_control(parts.control, sacl_control, list_control(sacl_bits, given.control, what));
    if (list.empty() && !(audits && taken)) {
        if (!audits && (parts.control & SE_SACL_PRESENT) == 0) return {};
        parts.sacl.reset();
        if (!audits) replace_control(parts.control, SE_SACL_PRESENT, 0);
        return {};
    }
    parts.control |= SE_SACL_PRESENT;
    parts.sacl = RG_TRY(list.finish());
    return {};
}

}  // namespace

Result<void> may_label(const std::optional<std::vector<std::byte>>& sacl, const Token& token) {
    const auto view = sacl ? AclView::validate(*sacl) : std::nullopt;
    if (!view) return {};
    for (AceView ace : *view) {
        if (ace.type() != SYSTEM_MANDATORY_LABEL_ACE_TYPE) continue;
        const auto level = integrity_level(ace.sid_bytes());
        if (!level) return fail(STATUS_INVALID_LABEL);
        if (*level > token.integrity() && !token.enabled(SE_RELABEL_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    }
    return {};
}

SecurityDescriptor query_descriptor(DescriptorView from, SECURITY_INFORMATION asked) {
    const SECURITY_INFORMATION wanted = whole(asked);
    SecurityDescriptor::Parts parts = parts_of(from);
    if ((wanted & OWNER_SECURITY_INFORMATION) == 0) parts.owner.reset();
    if ((wanted & GROUP_SECURITY_INFORMATION) == 0) parts.group.reset();
    if ((wanted & DACL_SECURITY_INFORMATION) == 0) replace_control(parts.control, dacl_control, 0);
    AclBuilder list;
    add_classes(list, parts.sacl, wanted & sacl_classes);
    const bool audits = (wanted & SACL_SECURITY_INFORMATION) != 0;
    if (!audits) replace_control(parts.control, sacl_control, list.empty() ? USHORT{0} : USHORT{SE_SACL_PRESENT});
    // Entries of a valid list, and parts of a valid descriptor, make valid ones.
    if (parts.sacl) parts.sacl = std::move(list.finish()).value();
    return std::move(SecurityDescriptor::build(parts)).value();
}

Result<SecurityDescriptor> merge_descriptor(DescriptorView current, DescriptorView modification,
                                            SECURITY_INFORMATION asked, const Token& token,
                                            const GENERIC_MAPPING& mapping) {
    const SECURITY_INFORMATION what = whole(asked);
    SecurityDescriptor::Parts parts = parts_of(current);
    SecurityDescriptor::Parts given = parts_of(modification);
    if ((what & OWNER_SECURITY_INFORMATION) != 0) {
        if (!given.owner || !token.may_assign_owner(*given.owner)) return fail(STATUS_INVALID_OWNER);
        parts.owner = given.owner;
    }
    if ((what & GROUP_SECURITY_INFORMATION) != 0) {
        if (!given.group) return fail(STATUS_INVALID_PRIMARY_GROUP);
        parts.group = given.group;
    }
    if ((what & DACL_SECURITY_INFORMATION) != 0) {
        replace_control(parts.control, dacl_control, list_control(dacl_bits, given.control, what));
        parts.dacl = RG_TRY(mapped(std::move(given.dacl), mapping));
    }
    if ((what & sacl_classes) != 0) RG_TRY(merge_sacl(parts, given, what, token, mapping));
    return SecurityDescriptor::build(parts);
}

ACCESS_MASK access_to_query(SECURITY_INFORMATION what) {
    ACCESS_MASK access = 0;
    if ((what & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                 LABEL_SECURITY_INFORMATION | ATTRIBUTE_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION |
                 BACKUP_SECURITY_INFORMATION)) != 0) {
        access |= READ_CONTROL;
    }
    if ((what & (SACL_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)) != 0) access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

ACCESS_MASK access_to_set(SECURITY_INFORMATION what) {
    ACCESS_MASK access = 0;
    if ((what & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION |
                 BACKUP_SECURITY_INFORMATION)) != 0) {
        access |= WRITE_OWNER;
    }
    if ((what & (DACL_SECURITY_INFORMATION | ATTRIBUTE_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)) != 0) {
        access |= WRITE_DAC;
    }
    if ((what & (SACL_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)) != 0) {
        access |= ACCESS_SYSTEM_SECURITY;
    }
    return access;
}

}  // namespace regent::se
