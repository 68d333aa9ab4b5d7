// NtAccessCheck, NtAccessCheckByType, NtAccessCheckByTypeResultList. The order of their errors is that of tests on
// Windows where those tell it, else inferred.
#include <bit>
#include <utility>

#include "nt/access_check.h"
#include "nt/probe.h"
#include "nt/service.h"
#include "nt/token.h"

namespace regent::nt {
namespace {

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER.
Result<std::vector<se::ObjectType>> capture_types(const OBJECT_TYPE_LIST* types, ULONG count) {
    if (types == nullptr && count != 0) return fail(STATUS_ACCESS_VIOLATION);
    std::vector<se::ObjectType> captured(count);
    for (ULONG i = 0; i < count; ++i) {
        OBJECT_TYPE_LIST given;  // a copy: the caller may change its list meanwhile
        std::memcpy(&given, &types[i], sizeof(given));
        if (given.ObjectType == nullptr) return fail(STATUS_ACCESS_VIOLATION);
        captured[i].level = given.Level;
        std::memcpy(captured[i].type.data(), given.ObjectType, sizeof(GUID));
    }
    if (!se::is_object_tree(captured)) return fail(STATUS_INVALID_PARAMETER);
    return captured;
}

// The privileges that an access rests on, into the caller's buffer. ERRORS: BUFFER_TOO_SMALL.
NTSTATUS write_used(se::PrivilegeSet used, PVOID buffer, PULONG length) {
    const auto count = static_cast<ULONG>(std::popcount(used));
    const auto needed =
        static_cast<ULONG>(offsetof(PRIVILEGE_SET, Privilege) + std::max(count, 1u) * sizeof(LUID_AND_ATTRIBUTES));
    const ULONG given = std::exchange(*length, needed);
    if (given < needed) return STATUS_BUFFER_TOO_SMALL;
    if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
    std::vector<std::byte> bytes(needed);
    auto* out = bytes.data();
    std::memcpy(out, &count, sizeof(count));
    std::size_t at = offsetof(PRIVILEGE_SET, Privilege);
    for (unsigned privilege = 0; privilege < 64; ++privilege) {
        if ((used & se::privilege_bit(privilege)) == 0) continue;
        const LUID_AND_ATTRIBUTES entry{{privilege, 0}, SE_PRIVILEGE_USED_FOR_ACCESS};
        std::memcpy(out + at, &entry, sizeof(entry));
        at += sizeof(entry);
    }
    std::memcpy(buffer, bytes.data(), bytes.size());
    return STATUS_SUCCESS;
}

// ERRORS, in this order: check_arguments', reference_client's, AccessQuestion::capture's, BUFFER_TOO_SMALL.
Result<AccessQuestion::Answer> check(const AccessArguments& arguments, HANDLE client, PVOID used, PULONG used_length,
                                     const void* granted, const void* status) {
    const bool complete = used_length != nullptr && granted != nullptr && status != nullptr;
    const NTSTATUS sound = check_arguments(arguments, complete);
    if (!NT_SUCCESS(sound)) return fail(sound);
    const auto token = RG_TRY(reference_client(client));
    const AccessQuestion question = RG_TRY(AccessQuestion::capture(arguments));
    auto answer = question.ask(*token);
    const NTSTATUS written = write_used(answer.used, used, used_length);
    if (!NT_SUCCESS(written)) return fail(written);
    return answer;
}

// Of the whole object. Whether access is granted is told by AccessStatus.
NTSTATUS check_whole(const AccessArguments& arguments, HANDLE client, PVOID used, PULONG used_length,
                     ACCESS_MASK* granted, NTSTATUS* status) {
    const auto answer = check(arguments, client, used, used_length, granted, status);
    if (!answer) return answer.error().code();
    *granted = answer->granted();
    *status = answer->status();
    return STATUS_SUCCESS;
}

}  // namespace

NTSTATUS check_arguments(const AccessArguments& arguments, bool complete) {
    if (arguments.type_count > probe::max_object_types) return STATUS_INVALID_PARAMETER;
    if (!complete || arguments.mapping == nullptr) return STATUS_ACCESS_VIOLATION;
    return (arguments.desired & 0xF0000000) != 0 ? STATUS_GENERIC_NOT_MAPPED : STATUS_SUCCESS;
}

Result<Ref<se::Token>> reference_client(HANDLE handle) {
    const auto found = RG_TRY(reference_token(handle, TOKEN_QUERY));
    if (!found.token->is_impersonation()) return fail(STATUS_NO_IMPERSONATION_TOKEN);
    if (found.token->level() < SecurityIdentification) return fail(STATUS_BAD_IMPERSONATION_LEVEL);
    // A token that only identifies opens nothing, but may be asked what it could open.
    if (found.token->level() >= SecurityImpersonation) return found.token;
    return se::duplicate_token(*found.token, true, SecurityImpersonation, false);
}

Result<AccessQuestion> AccessQuestion::capture(const AccessArguments& arguments) {
    auto types = RG_TRY(capture_types(arguments.types, arguments.type_count));
    if (arguments.each_part && types.empty()) return fail(STATUS_INVALID_PARAMETER);
    if (arguments.descriptor == nullptr) return fail(STATUS_INVALID_SECURITY_DESCR);
    auto descriptor = RG_TRY(se::capture_descriptor(arguments.descriptor));
    if (!descriptor.view().owner() || !descriptor.view().group()) return fail(STATUS_INVALID_SECURITY_DESCR);
    std::optional<se::Sid> self;
    if (arguments.self != nullptr) {
        const auto sid = RG_TRY(capture_sid(arguments.self));
        self = sid;
    }
    return AccessQuestion{std::move(types), std::move(descriptor), self, arguments.desired, *arguments.mapping};
}

AccessQuestion::Answer AccessQuestion::ask(const se::Token& client) const {
    Answer answer;
    const se::Sid* const principal = self ? &*self : nullptr;
    answer.parts = *se::access_check_by_type(descriptor, client, desired, mapping, types, principal, &answer.used);
    return answer;
}

void AccessQuestion::Answer::write_parts(ACCESS_MASK* granted, NTSTATUS* statuses) const {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        granted[i] = parts[i].granted;
        statuses[i] = parts[i].status;
    }
}

namespace service {

// ERRORS, in this order: ACCESS_VIOLATION, GENERIC_NOT_MAPPED, the token handle's, NO_IMPERSONATION_TOKEN,
// BAD_IMPERSONATION_LEVEL, INVALID_SECURITY_DESCR (null), the descriptor's, INVALID_SECURITY_DESCR (no owner or group),
// BUFFER_TOO_SMALL.
NTSTATUS NtAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
                       GENERIC_MAPPING* GenericMapping, PVOID PrivilegeSet, PULONG PrivilegeSetLength,
                       ACCESS_MASK* GrantedAccess, NTSTATUS* AccessStatus) {
    return check_whole({SecurityDescriptor, nullptr, DesiredAccess, nullptr, 0, GenericMapping}, ClientToken,
                       PrivilegeSet, PrivilegeSetLength, GrantedAccess, AccessStatus);
}

// As NtAccessCheck, which it is without types. ERRORS beside: INVALID_PARAMETER (too many types, before all; no tree,
// before the descriptor's), INVALID_SID (after the descriptor's).
NTSTATUS NtAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
                             ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
                             GENERIC_MAPPING* GenericMapping, PVOID PrivilegeSet, PULONG PrivilegeSetLength,
                             ACCESS_MASK* GrantedAccess, NTSTATUS* AccessStatus) {
    return check_whole(
        {SecurityDescriptor, PrincipalSelfSid, DesiredAccess, ObjectTypeList, ObjectTypeListLength, GenericMapping},
        ClientToken, PrivilegeSet, PrivilegeSetLength, GrantedAccess, AccessStatus);
}

// An answer for each type. ERRORS beside NtAccessCheckByType's: INVALID_PARAMETER (no types, after the token's).
NTSTATUS NtAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
                                       HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList,
                                       ULONG ObjectTypeListLength, GENERIC_MAPPING* GenericMapping, PVOID PrivilegeSet,
                                       PULONG PrivilegeSetLength, ACCESS_MASK* GrantedAccess, NTSTATUS* AccessStatus) {
    const auto answer = check({SecurityDescriptor, PrincipalSelfSid, DesiredAccess, ObjectTypeList,
                               ObjectTypeListLength, GenericMapping, true},
                              ClientToken, PrivilegeSet, PrivilegeSetLength, GrantedAccess, AccessStatus);
    if (!answer) return answer.error().code();
    answer->write_parts(GrantedAccess, AccessStatus);
    return STATUS_SUCCESS;
}

}  // namespace service
}  // namespace regent::nt
