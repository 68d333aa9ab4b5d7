// Opening tokens and asking them: NtOpenProcessToken, NtOpenThreadToken, NtQueryInformationToken, NtPrivilegeCheck.
#include <bit>
#include <optional>
#include <utility>

#include "nt/capture.h"
#include "nt/service.h"
#include "nt/token.h"
#include "ob/namespace.h"

namespace regent::nt::service {
namespace {

constexpr ACCESS_MASK process_query = 0x0400;
constexpr ACCESS_MASK thread_query = 0x0040;

KPROCESSOR_MODE mode() { return ob::current().previous_mode; }

LUID luid(std::uint64_t number) { return {static_cast<ULONG>(number), static_cast<LONG>(number >> 32)}; }

template <typename T>
TokenAnswer plain(const T& value) {
    TokenAnswer answer(sizeof(T));
    answer.put(0, value);
    return answer;
}

TokenAnswer answer_sid(const se::Sid& sid, std::size_t size, std::optional<ULONG> attributes = {}) {
    TokenAnswer answer(size);
    if (attributes) answer.put(offsetof(SID_AND_ATTRIBUTES, Attributes), *attributes);
    answer.point(0, sid.bytes());
    return answer;
}

TokenAnswer answer_privileges(const se::Token& token) {
    const se::PrivilegeSet held = token.held();
    const auto count = static_cast<std::size_t>(std::popcount(held));
    TokenAnswer answer(offsetof(TOKEN_PRIVILEGES, Privileges) + count * sizeof(LUID_AND_ATTRIBUTES));
    answer.put(0, static_cast<ULONG>(count));
    std::size_t at = offsetof(TOKEN_PRIVILEGES, Privileges);
    for (unsigned privilege = 0; privilege < 64; ++privilege) {
        const se::PrivilegeSet bit = se::privilege_bit(privilege);
        if ((held & bit) == 0) continue;
        ULONG attributes = 0;
        if ((token.enabled_by_default() & bit) != 0) attributes |= SE_PRIVILEGE_ENABLED_BY_DEFAULT;
        if (token.enabled(privilege)) attributes |= SE_PRIVILEGE_ENABLED;
        answer.put(at, LUID_AND_ATTRIBUTES{luid(privilege), attributes});
        at += sizeof(LUID_AND_ATTRIBUTES);
    }
    return answer;
}

std::vector<se::TokenGroup> groups_of(const se::Token& token) {
    std::vector<se::TokenGroup> groups(token.groups().begin(), token.groups().end());
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i].attributes = token.group_attributes(i);
    return groups;
}

TokenAnswer answer_restricting(const se::Token& token) {
    std::vector<se::TokenGroup> groups;
    for (const se::Sid& sid : token.restricting()) groups.push_back({sid, se::usual_group});
    return answer_groups(groups);
}

TokenAnswer answer_dacl(const se::Token& token) {
    TokenAnswer answer(sizeof(TOKEN_DEFAULT_DACL));
    const auto acl = token.default_dacl();
    if (!acl.empty()) answer.point(0, acl);
    return answer;
}

TokenAnswer answer_statistics(const se::Token& token) {
    TOKEN_STATISTICS statistics{};
    statistics.TokenId = luid(token.id());
    statistics.AuthenticationId = luid(token.logon_id());
    statistics.ExpirationTime.QuadPart = INT64_MAX;
    statistics.TokenType = token.is_impersonation() ? TokenImpersonation : TokenPrimary;
    statistics.ImpersonationLevel = token.level();
    statistics.GroupCount = static_cast<ULONG>(token.groups().size());
    statistics.PrivilegeCount = static_cast<ULONG>(std::popcount(token.held()));
    statistics.ModifiedId = luid(token.answer_id());
    return plain(statistics);
}

TokenAnswer answer_source() {
    TOKEN_SOURCE source{};
    std::memcpy(source.SourceName, "Regent", 6);
    return plain(source);
}

// ERRORS: INVALID_INFO_CLASS.
Result<TokenAnswer> answer_class(const se::Token& token, TOKEN_INFORMATION_CLASS kind) {
    const bool elevated = token.is_admin() && token.integrity() >= SECURITY_MANDATORY_HIGH_RID;
    switch (kind) {
        case TokenUser:
            return answer_sid(token.user(), sizeof(TOKEN_USER),
                              token.user_is_deny_only() ? SE_GROUP_USE_FOR_DENY_ONLY : 0);
        case TokenGroups:
            return answer_groups(groups_of(token));
        case TokenPrivileges:
            return answer_privileges(token);
        case TokenOwner:
            return answer_sid(token.default_owner(), sizeof(TOKEN_OWNER));
        case TokenPrimaryGroup:
            return answer_sid(token.primary_group(), sizeof(TOKEN_PRIMARY_GROUP));
        case TokenDefaultDacl:
            return answer_dacl(token);
        case TokenSource:
            return answer_source();
        case TokenType:
            return plain(token.is_impersonation() ? TokenImpersonation : TokenPrimary);
        case TokenImpersonationLevel:
            if (!token.is_impersonation()) return fail(STATUS_INVALID_INFO_CLASS);
            return plain(token.level());
        case TokenStatistics:
            return answer_statistics(token);
        case TokenRestrictedSids:
            return answer_restricting(token);
        case TokenElevationType:
            return plain(TokenElevationTypeDefault);
        case TokenElevation:
            return plain(TOKEN_ELEVATION{elevated ? 1u : 0u});
        case TokenSandBoxInert:
            return plain(ULONG{token.is_sandbox_inert() ? 1u : 0u});
        case TokenHasRestrictions:
            return plain(ULONG{token.is_restricted() ? 1u : 0u});
        case TokenIntegrityLevel:
            return answer_sid(se::integrity_sid(token.integrity()), sizeof(TOKEN_MANDATORY_LABEL),
                              SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED);
        case TokenMandatoryPolicy:
            return plain(TOKEN_MANDATORY_POLICY{token.mandatory_policy()});
        // One session; no virtualization, no windows, no AppContainers.
        case TokenSessionId:
        case TokenVirtualizationAllowed:
        case TokenVirtualizationEnabled:
        case TokenUIAccess:
        case TokenIsAppContainer:
            return plain(ULONG{0});
        default:
            return fail(STATUS_INVALID_INFO_CLASS);
    }
}

// The token that checks whether a thread's token may be opened.
NTSTATUS open_thread_token(HANDLE thread, ACCESS_MASK desired, bool as_self, ULONG attributes, PHANDLE handle) {
    if (handle == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto found = ob::reference_as<ob::Thread>(thread, thread_query, ob::types::thread(), mode());
    if (!found) return found.error().code();
    auto token = (*found)->impersonation_ref();
    if (!token) return STATUS_NO_TOKEN;
    if (token->level() == SecurityAnonymous) return STATUS_CANT_OPEN_ANONYMOUS;
    const auto& context = ob::current();
    const se::Token& checked = as_self ? context.process->token() : context.token();
    const auto opened = open_token(std::move(token), desired, attributes, &checked);
    if (!opened) return opened.error().code();
    *handle = *opened;
    return STATUS_SUCCESS;
}

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION, the process handle's, ACCESS_DENIED (the token's descriptor).
NTSTATUS NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle) {
    return service::NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

NTSTATUS NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                              PHANDLE TokenHandle) {
    if (TokenHandle == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto found = ob::reference_as<ob::Process>(ProcessHandle, process_query, ob::types::process(), mode());
    if (!found) return found.error().code();
    const auto opened = open_token((*found)->token_ref(), DesiredAccess, HandleAttributes, &ob::current().token());
    if (!opened) return opened.error().code();
    *TokenHandle = *opened;
    return STATUS_SUCCESS;
}

// ERRORS, in this order: ACCESS_VIOLATION, the thread handle's, NO_TOKEN, CANT_OPEN_ANONYMOUS, ACCESS_DENIED.
NTSTATUS NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, PHANDLE TokenHandle) {
    return open_thread_token(ThreadHandle, DesiredAccess, OpenAsSelf != 0, 0, TokenHandle);
}

NTSTATUS NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, ULONG HandleAttributes,
                             PHANDLE TokenHandle) {
    return open_thread_token(ThreadHandle, DesiredAccess, OpenAsSelf != 0, HandleAttributes, TokenHandle);
}

// ERRORS, in this order: ACCESS_VIOLATION, the handle's, INVALID_INFO_CLASS, BUFFER_TOO_SMALL.
NTSTATUS NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                 PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength) {
    if (ReturnLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto found =
        reference_token(TokenHandle, TokenInformationClass == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY);
    if (!found) return found.error().code();
    const auto answer = answer_class(*found->token, TokenInformationClass);
    if (!answer) return answer.error().code();
    return answer->write(TokenInformation, TokenInformationLength, ReturnLength);
}

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER, the handle's, BAD_IMPERSONATION_LEVEL.
NTSTATUS NtPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result) {
    if (RequiredPrivileges == nullptr || Result == nullptr) return STATUS_ACCESS_VIOLATION;
    const ULONG count = RequiredPrivileges->PrivilegeCount;
    if (count > 4096) return STATUS_INVALID_PARAMETER;
    const auto found = reference_token(ClientToken, TOKEN_QUERY);
    if (!found) return found.error().code();
    const se::Token& token = *found->token;
    if (token.is_impersonation() && token.level() < SecurityIdentification) return STATUS_BAD_IMPERSONATION_LEVEL;
    LUID_AND_ATTRIBUTES* entries = RequiredPrivileges->Privilege;
    ULONG held = 0;
    for (ULONG i = 0; i < count; ++i) {
        const LUID& wanted = entries[i].Luid;
        if (wanted.HighPart != 0 || wanted.LowPart >= 64 || !token.enabled(wanted.LowPart)) continue;
        entries[i].Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
        ++held;
    }
    const bool all = (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY) != 0;
    *Result = (all ? held == count : held != 0) ? TRUE : FALSE;
    return STATUS_SUCCESS;
}

}  // namespace regent::nt::service
