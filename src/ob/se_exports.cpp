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

VOID SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext) {
    *SubjectContext = {};
    Ref<se::Token> token = ob::current().process->token_ref();
    SubjectContext->PrimaryToken = token.release();
}

VOID SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext) {
    Ref<se::Token>::adopt(static_cast<se::Token*>(SubjectContext->PrimaryToken));
    SubjectContext->PrimaryToken = nullptr;
}

// Tokens do not change but for atomic privileges: there is nothing to lock.
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

BOOLEAN SeTokenIsAdmin(PACCESS_TOKEN Token) { return static_cast<se::Token*>(Token)->is_admin() ? TRUE : FALSE; }

}  // extern "C"
