// Changing tokens and making them from others; impersonation.
#include "nt/capture.h"
#include "nt/privilege.h"
#include "nt/service.h"
#include "nt/token.h"
#include "ob/namespace.h"

namespace regent::nt::service {
namespace {

constexpr ACCESS_MASK thread_set_token = 0x0080;
constexpr ACCESS_MASK thread_impersonate = 0x0100;

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

// The pointer that a structure of information begins with.
const void* pointer_in(const void* information) {
    const void* pointer = nullptr;
    std::memcpy(&pointer, information, sizeof(pointer));
    return pointer;
}

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_ACL, ALLOTTED_SPACE_EXCEEDED.
Result<std::vector<std::byte>> capture_acl(const void* acl) {
    if (acl == nullptr) return std::vector<std::byte>();
    ACL header;
    std::memcpy(&header, acl, sizeof(header));
    if (header.AclSize < sizeof(header)) return fail(STATUS_INVALID_ACL);
    const Bytes raw = rtl::as_bytes(acl, header.AclSize);
    std::vector<std::byte> copy(raw.begin(), raw.end());
    if (!se::AclView::validate(copy)) return fail(STATUS_INVALID_ACL);
    return copy;
}

// ERRORS: PRIVILEGE_NOT_HELD (higher than it is, without SeTcbPrivilege), INVALID_LABEL.
Result<void> set_integrity(se::Token& token, const void* sid) {
    const auto captured = RG_TRY(capture_sid(sid));
    const auto level = se::integrity_level(captured.bytes());
    if (!level) return fail(STATUS_INVALID_LABEL);
    if (*level > token.integrity() && !may(SE_TCB_PRIVILEGE)) return fail(STATUS_PRIVILEGE_NOT_HELD);
    token.set_integrity(*level);
    return {};
}

Result<void> set_information(se::Token& token, TOKEN_INFORMATION_CLASS kind, const void* pointer) {
    switch (kind) {
        case TokenOwner: {
            const auto sid = RG_TRY(capture_sid(pointer));
            return token.set_default_owner(sid);
        }
        case TokenPrimaryGroup: {
            const auto sid = RG_TRY(capture_sid(pointer));
            return token.set_primary_group(sid);
        }
        case TokenDefaultDacl: {
            auto acl = RG_TRY(capture_acl(pointer));
            token.set_default_dacl(std::move(acl));
            return {};
        }
        case TokenIntegrityLevel:
            return set_integrity(token, pointer);
        default:
            return fail(STATUS_INVALID_INFO_CLASS);
    }
}

ULONG state_of(const se::Token& token, unsigned privilege) {
    const bool by_default = (token.enabled_by_default() & se::privilege_bit(privilege)) != 0;
    return (token.enabled(privilege) ? SE_PRIVILEGE_ENABLED : 0u) | (by_default ? SE_PRIVILEGE_ENABLED_BY_DEFAULT : 0u);
}

struct PrivilegeChange {
    unsigned privilege;
    ULONG attributes;
};

// What changes of `wanted`; `all_held` tells whether the token holds them all.
std::vector<PrivilegeChange> changes_of(const se::Token& token, const std::vector<LUID_AND_ATTRIBUTES>& wanted,
                                        bool& all_held) {
    std::vector<PrivilegeChange> changes;
    all_held = true;
    for (const LUID_AND_ATTRIBUTES& entry : wanted) {
        const unsigned privilege = entry.Luid.LowPart;
        if (entry.Luid.HighPart != 0 || privilege >= 64 || !token.holds(privilege)) {
            all_held = false;
            continue;
        }
        const bool on = (entry.Attributes & SE_PRIVILEGE_ENABLED) != 0;
        const bool goes = (entry.Attributes & SE_PRIVILEGE_REMOVED) != 0;
        if (goes || on != token.enabled(privilege)) changes.push_back({privilege, entry.Attributes});
    }
    return changes;
}

NTSTATUS write_previous(const se::Token& token, const std::vector<PrivilegeChange>& changes, PVOID buffer, ULONG length,
                        PULONG needed) {
    TokenAnswer previous(offsetof(TOKEN_PRIVILEGES, Privileges) + changes.size() * sizeof(LUID_AND_ATTRIBUTES));
    previous.put(0, static_cast<ULONG>(changes.size()));
    std::size_t at = offsetof(TOKEN_PRIVILEGES, Privileges);
    for (const PrivilegeChange& change : changes) {
        previous.put(at, LUID_AND_ATTRIBUTES{{change.privilege, 0}, state_of(token, change.privilege)});
        at += sizeof(LUID_AND_ATTRIBUTES);
    }
    return previous.write(buffer, length, needed);
}

void apply(se::Token& token, const PrivilegeChange& change) {
    if ((change.attributes & SE_PRIVILEGE_REMOVED) != 0) return token.remove(change.privilege);
    // Whoever gave it up meanwhile has it no more.
    (void)token.enable(change.privilege, (change.attributes & SE_PRIVILEGE_ENABLED) != 0);
}

struct GroupChange {
    std::size_t index;
    bool on;
};

bool is_on(std::uint32_t attributes) { return (attributes & SE_GROUP_ENABLED) != 0; }

std::vector<GroupChange> group_changes(const se::Token& token, const std::vector<se::TokenGroup>& wanted,
                                       bool& all_found) {
    std::vector<GroupChange> changes;
    all_found = true;
    for (const se::TokenGroup& group : wanted) {
        bool found = false;
        for (std::size_t i = 0; i < token.groups().size(); ++i) {
            if (!(token.groups()[i].sid == group.sid)) continue;
            found = true;
            const bool on = is_on(group.attributes);
            if (on != is_on(token.group_attributes(i))) changes.push_back({i, on});
        }
        all_found = all_found && found;
    }
    return changes;
}

std::vector<GroupChange> group_defaults(const se::Token& token) {
    std::vector<GroupChange> changes;
    for (std::size_t i = 0; i < token.groups().size(); ++i) {
        const std::uint32_t attributes = token.group_attributes(i);
        const bool on = (attributes & SE_GROUP_ENABLED_BY_DEFAULT) != 0;
        if (on != is_on(attributes)) changes.push_back({i, on});
    }
    return changes;
}

// All or nothing. ERRORS: CANT_ENABLE_DENY_ONLY, CANT_DISABLE_MANDATORY.
NTSTATUS may_change(const se::Token& token, const std::vector<GroupChange>& changes) {
    for (const GroupChange& change : changes) {
        const std::uint32_t attributes = token.group_attributes(change.index);
        if (change.on && (attributes & SE_GROUP_USE_FOR_DENY_ONLY) != 0) return STATUS_CANT_ENABLE_DENY_ONLY;
        if (!change.on && (attributes & SE_GROUP_MANDATORY) != 0) return STATUS_CANT_DISABLE_MANDATORY;
    }
    return STATUS_SUCCESS;
}

}  // namespace

// ERRORS, in this order: the handle's, INVALID_INFO_CLASS, INFO_LENGTH_MISMATCH, ACCESS_VIOLATION, the class's own.
NTSTATUS NtSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                               PVOID TokenInformation, ULONG TokenInformationLength) {
    const auto found = reference_token(TokenHandle, TOKEN_ADJUST_DEFAULT);
    if (!found) return found.error().code();
    const bool settable = TokenInformationClass == TokenOwner || TokenInformationClass == TokenPrimaryGroup ||
                          TokenInformationClass == TokenDefaultDacl || TokenInformationClass == TokenIntegrityLevel;
    if (!settable) return STATUS_INVALID_INFO_CLASS;
    const ULONG least = TokenInformationClass == TokenIntegrityLevel ? sizeof(TOKEN_MANDATORY_LABEL) : sizeof(PVOID);
    if (TokenInformationLength < least) return STATUS_INFO_LENGTH_MISMATCH;
    if (TokenInformation == nullptr) return STATUS_ACCESS_VIOLATION;
    return rtl::to_ntstatus(set_information(*found->token, TokenInformationClass, pointer_in(TokenInformation)));
}

// NOT_ALL_ASSIGNED is a success: what the token does not hold was passed over.
// ERRORS, in this order: INVALID_PARAMETER (nothing to set), ACCESS_VIOLATION, the handle's, BUFFER_TOO_SMALL (nothing
// is changed then).
NTSTATUS NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
                                 ULONG BufferLength, PVOID PreviousState, PULONG ReturnLength) {
    if (DisableAllPrivileges == 0 && NewState == nullptr) return STATUS_INVALID_PARAMETER;
    if (PreviousState != nullptr && ReturnLength == nullptr) return STATUS_ACCESS_VIOLATION;
    auto wanted = capture_privileges(DisableAllPrivileges != 0 ? nullptr : NewState);
    if (!wanted) return wanted.error().code();
    const auto found =
        reference_token(TokenHandle, TOKEN_ADJUST_PRIVILEGES | (PreviousState != nullptr ? TOKEN_QUERY : 0));
    if (!found) return found.error().code();
    se::Token& token = *found->token;
    for (unsigned privilege = 0; DisableAllPrivileges != 0 && privilege < 64; ++privilege) {
        if (token.enabled(privilege)) wanted->push_back({{privilege, 0}, 0});
    }
    bool all_held = true;
    const auto changes = changes_of(token, *wanted, all_held);
    if (PreviousState != nullptr) {
        const NTSTATUS written = write_previous(token, changes, PreviousState, BufferLength, ReturnLength);
        if (!NT_SUCCESS(written)) return written;
    }
    for (const PrivilegeChange& change : changes) apply(token, change);
    return all_held ? STATUS_SUCCESS : STATUS_NOT_ALL_ASSIGNED;
}

// ERRORS, in this order: INVALID_PARAMETER, ACCESS_VIOLATION, INVALID_SID, the handle's, CANT_ENABLE_DENY_ONLY,
// CANT_DISABLE_MANDATORY, BUFFER_TOO_SMALL; nothing is changed then. NOT_ALL_ASSIGNED as above.
NTSTATUS NtAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState, ULONG BufferLength,
                             PVOID PreviousState, PULONG ReturnLength) {
    if (ResetToDefault == 0 && NewState == nullptr) return STATUS_INVALID_PARAMETER;
    if (PreviousState != nullptr && ReturnLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto wanted = capture_groups(ResetToDefault != 0 ? nullptr : NewState);
    if (!wanted) return wanted.error().code();
    const auto found = reference_token(TokenHandle, TOKEN_ADJUST_GROUPS | (PreviousState != nullptr ? TOKEN_QUERY : 0));
    if (!found) return found.error().code();
    se::Token& token = *found->token;
    bool all_found = true;
    const auto changes = ResetToDefault != 0 ? group_defaults(token) : group_changes(token, *wanted, all_found);
    const NTSTATUS allowed = may_change(token, changes);
    if (!NT_SUCCESS(allowed)) return allowed;
    if (PreviousState != nullptr) {
        std::vector<se::TokenGroup> before;
        for (const GroupChange& change : changes) {
            before.push_back({token.groups()[change.index].sid, token.group_attributes(change.index)});
        }
        const NTSTATUS written = answer_groups(before).write(PreviousState, BufferLength, ReturnLength);
        if (!NT_SUCCESS(written)) return written;
    }
    for (const GroupChange& change : changes) {
        const auto changed = token.enable_group(change.index, change.on);
        if (!changed) return changed.error().code();
    }
    return all_found ? STATUS_SUCCESS : STATUS_NOT_ALL_ASSIGNED;
}

// Without a quality of service the copy is anonymous. ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (type,
// level, attributes), the handle's, BAD_IMPERSONATION_LEVEL (more than the source has).
NTSTATUS NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                          BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle) {
    if (NewTokenHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    if (TokenType != TokenPrimary && TokenType != TokenImpersonation) return STATUS_INVALID_PARAMETER;
    ULONG attributes = 0;
    SECURITY_IMPERSONATION_LEVEL level = SecurityAnonymous;
    if (ObjectAttributes != nullptr) {
        if (ObjectAttributes->Length != sizeof(*ObjectAttributes)) return STATUS_INVALID_PARAMETER;
        attributes = ObjectAttributes->Attributes;
        if (ObjectAttributes->SecurityQualityOfService != nullptr) {
            SECURITY_QUALITY_OF_SERVICE quality;
            std::memcpy(&quality, ObjectAttributes->SecurityQualityOfService, sizeof(quality));
            level = quality.ImpersonationLevel;
        }
    }
    if (level > SecurityDelegation) return STATUS_INVALID_PARAMETER;
    const auto found = reference_token(ExistingTokenHandle, TOKEN_DUPLICATE);
    if (!found) return found.error().code();
    const se::Token& source = *found->token;
    const SECURITY_IMPERSONATION_LEVEL needed = TokenType == TokenPrimary ? SecurityImpersonation : level;
    if (source.is_impersonation() && source.level() < needed) return STATUS_BAD_IMPERSONATION_LEVEL;
    auto copy = se::duplicate_token(source, TokenType == TokenImpersonation, level, EffectiveOnly != 0);
    // No right named: those that the source's handle has.
    const bool same = DesiredAccess == 0;
    const auto opened = open_token(std::move(copy), same ? found->granted : DesiredAccess, attributes,
                                   same ? nullptr : &ob::current().token());
    if (!opened) return opened.error().code();
    *NewTokenHandle = *opened;
    return STATUS_SUCCESS;
}

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (flags, attributes of restricting SIDs), INVALID_SID, the
// handle's. Privileges and groups that the token does not have are passed over.
NTSTATUS NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
                       PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle) {
    if (NewTokenHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    constexpr ULONG known = DISABLE_MAX_PRIVILEGE | SANDBOX_INERT | LUA_TOKEN | WRITE_RESTRICTED;
    if ((Flags & ~known) != 0) return STATUS_INVALID_PARAMETER;
    const auto disabled = capture_groups(SidsToDisable);
    if (!disabled) return disabled.error().code();
    const auto removed = capture_privileges(PrivilegesToDelete);
    if (!removed) return removed.error().code();
    const auto restricting = capture_groups(RestrictedSids);
    if (!restricting) return restricting.error().code();
    se::TokenFilter filter;
    filter.flags = Flags;
    for (const se::TokenGroup& group : *disabled) filter.disabled.push_back(group.sid);
    for (const LUID_AND_ATTRIBUTES& one : *removed) {
        if (one.Luid.HighPart == 0 && one.Luid.LowPart < 64) filter.removed |= se::privilege_bit(one.Luid.LowPart);
    }
    for (const se::TokenGroup& group : *restricting) {
        if (group.attributes != 0) return STATUS_INVALID_PARAMETER;
        filter.restricting.push_back(group.sid);
    }
    const auto found = reference_token(ExistingTokenHandle, TOKEN_DUPLICATE);
    if (!found) return found.error().code();
    const auto opened = open_token(se::filter_token(*found->token, filter), found->granted, 0, nullptr);
    if (!opened) return opened.error().code();
    *NewTokenHandle = *opened;
    return STATUS_SUCCESS;
}

// ThreadImpersonationToken, for the calling thread: a handle, or null to work for the process again.
// ERRORS, in this order: INVALID_INFO_CLASS, INFO_LENGTH_MISMATCH, ACCESS_VIOLATION, the thread handle's, NOT_SUPPORTED
// (another thread), the token handle's, BAD_TOKEN_TYPE (a primary token).
NTSTATUS NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
                                ULONG ThreadInformationLength) {
    if (ThreadInformationClass != ThreadImpersonationToken) return STATUS_INVALID_INFO_CLASS;
    if (ThreadInformationLength != sizeof(HANDLE)) return STATUS_INFO_LENGTH_MISMATCH;
    if (ThreadInformation == nullptr) return STATUS_ACCESS_VIOLATION;
    HANDLE handle = nullptr;
    std::memcpy(&handle, ThreadInformation, sizeof(handle));
    const auto thread = ob::reference_as<ob::Thread>(ThreadHandle, thread_set_token, ob::types::thread(), mode());
    if (!thread) return thread.error().code();
    if (thread->get() != ob::current().thread) return STATUS_NOT_SUPPORTED;
    if (handle == nullptr) {
        (*thread)->impersonate(nullptr);
        return STATUS_SUCCESS;
    }
    const auto found = reference_token(handle, TOKEN_IMPERSONATE);
    if (!found) return found.error().code();
    if (!found->token->is_impersonation()) return STATUS_BAD_TOKEN_TYPE;
    (*thread)->impersonate(ob::impersonable(found->token));
    return STATUS_SUCCESS;
}

// ERRORS, in this order: the handle's, NOT_SUPPORTED (another thread), ACCESS_DENIED (the process is restricted).
NTSTATUS NtImpersonateAnonymousToken(HANDLE ThreadHandle) {
    const auto thread = ob::reference_as<ob::Thread>(ThreadHandle, thread_impersonate, ob::types::thread(), mode());
    if (!thread) return thread.error().code();
    if (thread->get() != ob::current().thread) return STATUS_NOT_SUPPORTED;
    if (ob::current().process->token().is_restricted()) return STATUS_ACCESS_DENIED;
    (*thread)->impersonate(se::duplicate_token(*se::Token::anonymous(), true, SecurityImpersonation, false));
    return STATUS_SUCCESS;
}

}  // namespace regent::nt::service
