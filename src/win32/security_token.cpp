// Tokens, privileges and impersonation over the Nt services.
#include <vector>

#include "nt/ntservices.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace {

NTSTATUS duplicate(HANDLE token, ACCESS_MASK access, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level,
                   ULONG attributes, PHANDLE made) {
    SECURITY_QUALITY_OF_SERVICE quality{sizeof(quality), level, 0, 0};
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, nullptr, attributes, nullptr, nullptr);
    object.SecurityQualityOfService = &quality;
    return NtDuplicateToken(token, access, &object, FALSE, type, made);
}

NTSTATUS set_thread_token(HANDLE thread, HANDLE token) {
    return NtSetInformationThread(thread, ThreadImpersonationToken, &token, sizeof(token));
}

// SIDs as the service takes them.
std::vector<std::byte> as_groups(DWORD count, const SID_AND_ATTRIBUTES* sids) {
    std::vector<std::byte> bytes(sizeof(TOKEN_GROUPS) + count * sizeof(SID_AND_ATTRIBUTES));
    std::memcpy(bytes.data(), &count, sizeof(count));
    if (count != 0) std::memcpy(bytes.data() + offsetof(TOKEN_GROUPS, Groups), sids, count * sizeof(*sids));
    return bytes;
}

ULONG number_of(HANDLE token, TOKEN_INFORMATION_CLASS kind) {
    ULONG value = 0;
    ULONG needed = 0;
    return NT_SUCCESS(NtQueryInformationToken(token, kind, &value, sizeof(value), &needed)) ? value : 0;
}

// Closes the handle at the end.
class Owned {
public:
    ~Owned() {
        if (handle_ != nullptr) NtClose(handle_);
    }
    PHANDLE out() { return &handle_; }
    HANDLE get() const { return handle_; }

private:
    HANDLE handle_ = nullptr;
};

}  // namespace

extern "C" {

BOOL WINAPI OpenProcessToken(HANDLE ProcessHandle, DWORD DesiredAccess, PHANDLE TokenHandle) {
    return answer(NtOpenProcessToken(ProcessHandle, DesiredAccess, TokenHandle));
}
BOOL WINAPI OpenThreadToken(HANDLE ThreadHandle, DWORD DesiredAccess, BOOL OpenAsSelf, PHANDLE TokenHandle) {
    return answer(NtOpenThreadToken(ThreadHandle, DesiredAccess, OpenAsSelf ? TRUE : FALSE, TokenHandle));
}
BOOL WINAPI GetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                LPVOID TokenInformation, DWORD TokenInformationLength, PDWORD ReturnLength) {
    return answer(NtQueryInformationToken(TokenHandle, TokenInformationClass, TokenInformation, TokenInformationLength,
                                          ReturnLength));
}
BOOL WINAPI SetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                LPVOID TokenInformation, DWORD TokenInformationLength) {
    return answer(NtSetInformationToken(TokenHandle, TokenInformationClass, TokenInformation, TokenInformationLength));
}

// Succeeds also when not all privileges are there; then the last error says so.
BOOL WINAPI AdjustTokenPrivileges(HANDLE TokenHandle, BOOL DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
                                  DWORD BufferLength, PTOKEN_PRIVILEGES PreviousState, PDWORD ReturnLength) {
    const NTSTATUS status = NtAdjustPrivilegesToken(TokenHandle, DisableAllPrivileges ? TRUE : FALSE, NewState,
                                                    BufferLength, PreviousState, ReturnLength);
    if (NT_SUCCESS(status)) SetLastError(status == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS);
    return answer(status);
}
BOOL WINAPI AdjustTokenGroups(HANDLE TokenHandle, BOOL ResetToDefault, PTOKEN_GROUPS NewState, DWORD BufferLength,
                              PTOKEN_GROUPS PreviousState, PDWORD ReturnLength) {
    const NTSTATUS status = NtAdjustGroupsToken(TokenHandle, ResetToDefault ? TRUE : FALSE, NewState, BufferLength,
                                                PreviousState, ReturnLength);
    if (NT_SUCCESS(status)) SetLastError(status == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS);
    return answer(status);
}

BOOL WINAPI DuplicateTokenEx(HANDLE hExistingToken, DWORD dwDesiredAccess, LPSECURITY_ATTRIBUTES lpTokenAttributes,
                             SECURITY_IMPERSONATION_LEVEL ImpersonationLevel, TOKEN_TYPE TokenType,
                             PHANDLE phNewToken) {
    const bool inherits = lpTokenAttributes != nullptr && lpTokenAttributes->bInheritHandle;
    return answer(duplicate(hExistingToken, dwDesiredAccess, TokenType, ImpersonationLevel, inherits ? OBJ_INHERIT : 0,
                            phNewToken));
}
BOOL WINAPI DuplicateToken(HANDLE ExistingTokenHandle, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
                           PHANDLE DuplicateTokenHandle) {
    return answer(duplicate(ExistingTokenHandle, TOKEN_IMPERSONATE | TOKEN_QUERY, TokenImpersonation,
                            ImpersonationLevel, 0, DuplicateTokenHandle));
}

BOOL WINAPI CreateRestrictedToken(HANDLE ExistingTokenHandle, DWORD Flags, DWORD DisableSidCount,
                                  PSID_AND_ATTRIBUTES SidsToDisable, DWORD DeletePrivilegeCount,
                                  PLUID_AND_ATTRIBUTES PrivilegesToDelete, DWORD RestrictedSidCount,
                                  PSID_AND_ATTRIBUTES SidsToRestrict, PHANDLE NewTokenHandle) {
    auto disabled = as_groups(DisableSidCount, SidsToDisable);
    auto restricting = as_groups(RestrictedSidCount, SidsToRestrict);
    std::vector<std::byte> removed(sizeof(TOKEN_PRIVILEGES) + DeletePrivilegeCount * sizeof(LUID_AND_ATTRIBUTES));
    std::memcpy(removed.data(), &DeletePrivilegeCount, sizeof(DWORD));
    if (DeletePrivilegeCount != 0) {
        std::memcpy(removed.data() + offsetof(TOKEN_PRIVILEGES, Privileges), PrivilegesToDelete,
                    DeletePrivilegeCount * sizeof(LUID_AND_ATTRIBUTES));
    }
    return answer(NtFilterToken(ExistingTokenHandle, Flags, reinterpret_cast<PTOKEN_GROUPS>(disabled.data()),
                                reinterpret_cast<PTOKEN_PRIVILEGES>(removed.data()),
                                reinterpret_cast<PTOKEN_GROUPS>(restricting.data()), NewTokenHandle));
}

BOOL WINAPI IsTokenRestricted(HANDLE TokenHandle) {
    SetLastError(ERROR_SUCCESS);
    return number_of(TokenHandle, TokenHasRestrictions) != 0 ? TRUE : FALSE;
}

// Whether the SID is enabled, in the restricting SIDs too: an access check against a list that names it alone.
BOOL WINAPI CheckTokenMembership(HANDLE TokenHandle, PSID SidToCheck, PBOOL IsMember) {
    *IsMember = FALSE;
    const auto sid = sid_at(SidToCheck);
    if (!sid) return refuse(ERROR_INVALID_SID);
    Owned opened, copy;
    HANDLE token = TokenHandle;
    if (token == nullptr) {
        NTSTATUS status = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, opened.out());
        if (status == STATUS_NO_TOKEN) {
            status = NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, opened.out());
        }
        if (!NT_SUCCESS(status)) return answer(status);
        const NTSTATUS copied =
            duplicate(opened.get(), TOKEN_QUERY, TokenImpersonation, SecurityIdentification, 0, copy.out());
        if (!NT_SUCCESS(copied)) return answer(copied);
        token = copy.get();
    } else if (number_of(token, TokenType) != TokenImpersonation) {
        return refuse(ERROR_NO_IMPERSONATION_TOKEN);
    }
    se::Sid everyone(1, {0});
    se::Sid nobody;
    alignas(4) std::byte list[sizeof(ACL) + 8 + SECURITY_MAX_SID_SIZE];
    auto* acl = reinterpret_cast<PACL>(list);
    se::Sid named = *sid;
    SECURITY_DESCRIPTOR descriptor;
    if (!InitializeAcl(acl, sizeof(list), ACL_REVISION) || !AddAccessAllowedAce(acl, ACL_REVISION, 1, &named))
        return FALSE;
    InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorOwner(&descriptor, &nobody, FALSE);
    SetSecurityDescriptorGroup(&descriptor, &everyone, FALSE);
    SetSecurityDescriptorDacl(&descriptor, TRUE, acl, FALSE);
    GENERIC_MAPPING mapping{1, 1, 1, 1};
    PRIVILEGE_SET used{};
    ULONG length = sizeof(used);
    ACCESS_MASK granted = 0;
    NTSTATUS checked = STATUS_SUCCESS;
    const NTSTATUS status = NtAccessCheck(&descriptor, token, 1, &mapping, &used, &length, &granted, &checked);
    if (NT_SUCCESS(status)) *IsMember = NT_SUCCESS(checked) ? TRUE : FALSE;
    return answer(status);
}

BOOL WINAPI PrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, LPBOOL pfResult) {
    BOOLEAN held = FALSE;
    const NTSTATUS status = NtPrivilegeCheck(ClientToken, RequiredPrivileges, &held);
    if (NT_SUCCESS(status)) *pfResult = held;
    return answer(status);
}

BOOL WINAPI SetThreadToken(PHANDLE Thread, HANDLE Token) {
    return answer(set_thread_token(Thread != nullptr ? *Thread : NtCurrentThread(), Token));
}
BOOL WINAPI RevertToSelf(void) { return answer(set_thread_token(NtCurrentThread(), nullptr)); }

BOOL WINAPI ImpersonateSelf(SECURITY_IMPERSONATION_LEVEL ImpersonationLevel) {
    Owned own, copy;
    NTSTATUS status = NtOpenProcessToken(NtCurrentProcess(), TOKEN_DUPLICATE, own.out());
    if (NT_SUCCESS(status)) {
        status = duplicate(own.get(), TOKEN_IMPERSONATE, TokenImpersonation, ImpersonationLevel, 0, copy.out());
    }
    if (NT_SUCCESS(status)) status = set_thread_token(NtCurrentThread(), copy.get());
    return answer(status);
}

// A primary token is impersonated by a copy.
BOOL WINAPI ImpersonateLoggedOnUser(HANDLE hToken) {
    if (number_of(hToken, TokenType) == TokenImpersonation) return answer(set_thread_token(NtCurrentThread(), hToken));
    Owned copy;
    NTSTATUS status =
        duplicate(hToken, TOKEN_IMPERSONATE | TOKEN_QUERY, TokenImpersonation, SecurityImpersonation, 0, copy.out());
    if (NT_SUCCESS(status)) status = set_thread_token(NtCurrentThread(), copy.get());
    return answer(status);
}
BOOL WINAPI ImpersonateAnonymousToken(HANDLE ThreadHandle) { return answer(NtImpersonateAnonymousToken(ThreadHandle)); }
}
