// Se*: security for drivers. It lies in this floor because a driver's subject is whoever is current.
#include "ob/process.h"
#include "se/access.h"
#include "wdk/wdm.h"

using namespace regent;

extern "C" {

BOOLEAN SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode) {
    if (PreviousMode == KernelMode) return TRUE;
    bool known = PrivilegeValue.HighPart == 0 && PrivilegeValue.LowPart < 64;
    return known && ob::current().token().enabled(PrivilegeValue.LowPart) ? TRUE : FALSE;
}

BOOLEAN SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                         KPROCESSOR_MODE AccessMode) {
    if (AccessMode == KernelMode) return TRUE;
    const auto& token = *static_cast<se::Token*>(SeQuerySubjectContextToken(SubjectSecurityContext));
    if (token.is_impersonation() && token.level() < SecurityImpersonation) return FALSE;
    ULONG held = 0;
    LUID_AND_ATTRIBUTES* entries = RequiredPrivileges->Privilege;
    for (ULONG i = 0; i < RequiredPrivileges->PrivilegeCount; ++i) {
        const LUID& wanted = entries[i].Luid;
        if (wanted.HighPart != 0 || wanted.LowPart >= 64 || !token.enabled(wanted.LowPart)) continue;
        entries[i].Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
        ++held;
    }
    const bool all = (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY) != 0;
    return (all ? held == RequiredPrivileges->PrivilegeCount : held != 0) ? TRUE : FALSE;
}

VOID SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext) {
    *SubjectContext = {};
    const ob::Context& context = ob::current();
    Ref<se::Token> token = context.process->token_ref();
    SubjectContext->PrimaryToken = token.release();
    if (&context.token() == SubjectContext->PrimaryToken) return;
    Ref<se::Token> client = context.token_ref();
    SubjectContext->ImpersonationLevel = client->level();
    SubjectContext->ClientToken = client.release();
}

VOID SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext) {
    Ref<se::Token>::adopt(static_cast<se::Token*>(SubjectContext->PrimaryToken));
    Ref<se::Token>::adopt(static_cast<se::Token*>(SubjectContext->ClientToken));
    SubjectContext->PrimaryToken = SubjectContext->ClientToken = nullptr;
}

// What changes in a token is atomic: there is nothing to lock.
VOID SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT) {}
VOID SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT) {}

BOOLEAN SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                      BOOLEAN, ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
                      PPRIVILEGE_SET* Privileges, PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode,
                      PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus) {
    if (Privileges != nullptr) *Privileges = nullptr;
    *GrantedAccess = 0;
    se::SecurityDescriptor descriptor;
    if (AccessMode != KernelMode) {
        auto captured = SecurityDescriptor != nullptr ? se::capture_descriptor(SecurityDescriptor)
                                                      : Result<se::SecurityDescriptor>(fail(STATUS_ACCESS_DENIED));
        if (!captured) {
            *AccessStatus = captured.error().code();
            return FALSE;
        }
        descriptor = std::move(*captured);
    }
    auto* token = static_cast<se::Token*>(SeQuerySubjectContextToken(SubjectSecurityContext));
    auto result =
        se::access_check(descriptor, *token, DesiredAccess, *GenericMapping, AccessMode, PreviouslyGrantedAccess);
    *AccessStatus = rtl::to_ntstatus(result);
    if (result) *GrantedAccess = *result;
    return result ? TRUE : FALSE;
}

TOKEN_TYPE SeTokenType(PACCESS_TOKEN Token) {
    return static_cast<se::Token*>(Token)->is_impersonation() ? TokenImpersonation : TokenPrimary;
}
BOOLEAN SeTokenIsRestricted(PACCESS_TOKEN Token) {
    return static_cast<se::Token*>(Token)->is_restricted() ? TRUE : FALSE;
}
BOOLEAN SeTokenIsAdmin(PACCESS_TOKEN Token) { return static_cast<se::Token*>(Token)->is_admin() ? TRUE : FALSE; }

}  // extern "C"
