// Checks of access, with and without a record of the outcome: AccessCheck and its kin over the Nt services.
#include <vector>

#include "nt/ntservices.h"
#include "win32/alarm_text.h"

using namespace regent;
using namespace regent::win32;

namespace {

// A check that was made: whether access is granted, and if not why, as the last error.
BOOL tell(NTSTATUS checked, LPBOOL allowed) {
    *allowed = NT_SUCCESS(checked) ? TRUE : FALSE;
    if (!NT_SUCCESS(checked)) SetLastError(RtlNtStatusToDosError(checked));
    return TRUE;
}

// Statuses of parts, which become errors where the program wants them: the two are of one size.
NTSTATUS* as_statuses(LPDWORD errors) { return reinterpret_cast<NTSTATUS*>(errors); }
BOOL tell_each(NTSTATUS status, LPDWORD errors, DWORD count) {
    if (!NT_SUCCESS(status)) return answer(status);
    for (DWORD i = 0; i < count; ++i) errors[i] = RtlNtStatusToDosError(static_cast<NTSTATUS>(errors[i]));
    return TRUE;
}

}  // namespace

extern "C" {

BOOL WINAPI AccessCheck(PSECURITY_DESCRIPTOR pSecurityDescriptor, HANDLE ClientToken, DWORD DesiredAccess,
                        PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, LPDWORD PrivilegeSetLength,
                        LPDWORD GrantedAccess, LPBOOL AccessStatus) {
    NTSTATUS checked = STATUS_SUCCESS;
    const NTSTATUS status = NtAccessCheck(pSecurityDescriptor, ClientToken, DesiredAccess, GenericMapping, PrivilegeSet,
                                          PrivilegeSetLength, GrantedAccess, &checked);
    return NT_SUCCESS(status) ? tell(checked, AccessStatus) : answer(status);
}
BOOL WINAPI AccessCheckByType(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
                              DWORD DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength,
                              PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, LPDWORD PrivilegeSetLength,
                              LPDWORD GrantedAccess, LPBOOL AccessStatus) {
    NTSTATUS checked = STATUS_SUCCESS;
    const NTSTATUS status = NtAccessCheckByType(pSecurityDescriptor, PrincipalSelfSid, ClientToken, DesiredAccess,
                                                ObjectTypeList, ObjectTypeListLength, GenericMapping, PrivilegeSet,
                                                PrivilegeSetLength, GrantedAccess, &checked);
    return NT_SUCCESS(status) ? tell(checked, AccessStatus) : answer(status);
}
BOOL WINAPI AccessCheckByTypeResultList(PSECURITY_DESCRIPTOR pSecurityDescriptor, PSID PrincipalSelfSid,
                                        HANDLE ClientToken, DWORD DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList,
                                        DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
                                        PPRIVILEGE_SET PrivilegeSet, LPDWORD PrivilegeSetLength,
                                        LPDWORD GrantedAccessList, LPDWORD AccessStatusList) {
    return tell_each(
        NtAccessCheckByTypeResultList(pSecurityDescriptor, PrincipalSelfSid, ClientToken, DesiredAccess, ObjectTypeList,
                                      ObjectTypeListLength, GenericMapping, PrivilegeSet, PrivilegeSetLength,
                                      GrantedAccessList, as_statuses(AccessStatusList)),
        AccessStatusList, ObjectTypeListLength);
}

VOID WINAPI MapGenericMask(PDWORD AccessMask, PGENERIC_MAPPING GenericMapping) {
    const DWORD asked = *AccessMask;
    DWORD mapped = asked & 0x0FFFFFFF;
    if ((asked & GENERIC_READ) != 0) mapped |= GenericMapping->GenericRead;
    if ((asked & GENERIC_WRITE) != 0) mapped |= GenericMapping->GenericWrite;
    if ((asked & GENERIC_EXECUTE) != 0) mapped |= GenericMapping->GenericExecute;
    if ((asked & GENERIC_ALL) != 0) mapped |= GenericMapping->GenericAll;
    *AccessMask = mapped;
}
BOOL WINAPI AreAllAccessesGranted(DWORD GrantedAccess, DWORD DesiredAccess) {
    return (GrantedAccess & DesiredAccess) == DesiredAccess ? TRUE : FALSE;
}
BOOL WINAPI AreAnyAccessesGranted(DWORD GrantedAccess, DWORD DesiredAccess) {
    return (GrantedAccess & DesiredAccess) != 0 ? TRUE : FALSE;
}

BOOL WINAPI AccessCheckAndAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, LPWSTR ObjectTypeName, LPWSTR ObjectName,
                                      PSECURITY_DESCRIPTOR SecurityDescriptor, DWORD DesiredAccess,
                                      PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccess,
                                      LPBOOL AccessStatus, LPBOOL pfGenerateOnClose) {
    Counted subsystem(SubsystemName), type(ObjectTypeName), name(ObjectName);
    NTSTATUS checked = STATUS_SUCCESS;
    BOOLEAN close = FALSE;
    const NTSTATUS status =
        NtAccessCheckAndAuditAlarm(subsystem.get(), HandleId, type.get(), name.get(), SecurityDescriptor, DesiredAccess,
                                   GenericMapping, boolean(ObjectCreation), GrantedAccess, &checked, &close);
    if (!NT_SUCCESS(status)) return answer(status);
    *pfGenerateOnClose = close;
    return tell(checked, AccessStatus);
}
BOOL WINAPI AccessCheckAndAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPSTR ObjectTypeName, LPSTR ObjectName,
                                      PSECURITY_DESCRIPTOR SecurityDescriptor, DWORD DesiredAccess,
                                      PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccess,
                                      LPBOOL AccessStatus, LPBOOL pfGenerateOnClose) {
    WideArgument type(ObjectTypeName), name(ObjectName);
    return AccessCheckAndAuditAlarmW(WideArgument(SubsystemName).get(), HandleId, type.get_mutable(),
                                     name.get_mutable(), SecurityDescriptor, DesiredAccess, GenericMapping,
                                     ObjectCreation, GrantedAccess, AccessStatus, pfGenerateOnClose);
}

BOOL WINAPI AccessCheckByTypeAndAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, LPCWSTR ObjectTypeName,
                                            LPCWSTR ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
                                            DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength,
                                            PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccess,
                                            LPBOOL AccessStatus, LPBOOL pfGenerateOnClose) {
    Counted subsystem(SubsystemName), type(ObjectTypeName), name(ObjectName);
    NTSTATUS checked = STATUS_SUCCESS;
    BOOLEAN close = FALSE;
    const NTSTATUS status = NtAccessCheckByTypeAndAuditAlarm(
        subsystem.get(), HandleId, type.get(), name.get(), SecurityDescriptor, PrincipalSelfSid, DesiredAccess,
        AuditType, Flags, ObjectTypeList, ObjectTypeListLength, GenericMapping, boolean(ObjectCreation), GrantedAccess,
        &checked, &close);
    if (!NT_SUCCESS(status)) return answer(status);
    *pfGenerateOnClose = close;
    return tell(checked, AccessStatus);
}
BOOL WINAPI AccessCheckByTypeAndAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPCSTR ObjectTypeName,
                                            LPCSTR ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
                                            DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength,
                                            PGENERIC_MAPPING GenericMapping, BOOL ObjectCreation, LPDWORD GrantedAccess,
                                            LPBOOL AccessStatus, LPBOOL pfGenerateOnClose) {
    return AccessCheckByTypeAndAuditAlarmW(
        WideArgument(SubsystemName).get(), HandleId, WideArgument(ObjectTypeName).get(), WideArgument(ObjectName).get(),
        SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags, ObjectTypeList, ObjectTypeListLength,
        GenericMapping, ObjectCreation, GrantedAccess, AccessStatus, pfGenerateOnClose);
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmW(
    LPCWSTR SubsystemName, LPVOID HandleId, LPCWSTR ObjectTypeName, LPCWSTR ObjectName,
    PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
    DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
    BOOL ObjectCreation, LPDWORD GrantedAccessList, LPDWORD AccessStatusList, LPBOOL pfGenerateOnClose) {
    Counted subsystem(SubsystemName), type(ObjectTypeName), name(ObjectName);
    BOOLEAN close = FALSE;
    const NTSTATUS status = NtAccessCheckByTypeResultListAndAuditAlarm(
        subsystem.get(), HandleId, type.get(), name.get(), SecurityDescriptor, PrincipalSelfSid, DesiredAccess,
        AuditType, Flags, ObjectTypeList, ObjectTypeListLength, GenericMapping, boolean(ObjectCreation),
        GrantedAccessList, as_statuses(AccessStatusList), &close);
    if (NT_SUCCESS(status)) *pfGenerateOnClose = close;
    return tell_each(status, AccessStatusList, ObjectTypeListLength);
}
BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmA(
    LPCSTR SubsystemName, LPVOID HandleId, LPCSTR ObjectTypeName, LPCSTR ObjectName,
    PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
    DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
    BOOL ObjectCreation, LPDWORD GrantedAccessList, LPDWORD AccessStatusList, LPBOOL pfGenerateOnClose) {
    return AccessCheckByTypeResultListAndAuditAlarmW(
        WideArgument(SubsystemName).get(), HandleId, WideArgument(ObjectTypeName).get(), WideArgument(ObjectName).get(),
        SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags, ObjectTypeList, ObjectTypeListLength,
        GenericMapping, ObjectCreation, GrantedAccessList, AccessStatusList, pfGenerateOnClose);
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmByHandleW(
    LPCWSTR SubsystemName, LPVOID HandleId, HANDLE ClientToken, LPCWSTR ObjectTypeName, LPCWSTR ObjectName,
    PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
    DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
    BOOL ObjectCreation, LPDWORD GrantedAccessList, LPDWORD AccessStatusList, LPBOOL pfGenerateOnClose) {
    Counted subsystem(SubsystemName), type(ObjectTypeName), name(ObjectName);
    BOOLEAN close = FALSE;
    const NTSTATUS status = NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
        subsystem.get(), HandleId, ClientToken, type.get(), name.get(), SecurityDescriptor, PrincipalSelfSid,
        DesiredAccess, AuditType, Flags, ObjectTypeList, ObjectTypeListLength, GenericMapping, boolean(ObjectCreation),
        GrantedAccessList, as_statuses(AccessStatusList), &close);
    if (NT_SUCCESS(status)) *pfGenerateOnClose = close;
    return tell_each(status, AccessStatusList, ObjectTypeListLength);
}
BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmByHandleA(
    LPCSTR SubsystemName, LPVOID HandleId, HANDLE ClientToken, LPCSTR ObjectTypeName, LPCSTR ObjectName,
    PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, DWORD DesiredAccess, AUDIT_EVENT_TYPE AuditType,
    DWORD Flags, POBJECT_TYPE_LIST ObjectTypeList, DWORD ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
    BOOL ObjectCreation, LPDWORD GrantedAccessList, LPDWORD AccessStatusList, LPBOOL pfGenerateOnClose) {
    return AccessCheckByTypeResultListAndAuditAlarmByHandleW(
        WideArgument(SubsystemName).get(), HandleId, ClientToken, WideArgument(ObjectTypeName).get(),
        WideArgument(ObjectName).get(), SecurityDescriptor, PrincipalSelfSid, DesiredAccess, AuditType, Flags,
        ObjectTypeList, ObjectTypeListLength, GenericMapping, ObjectCreation, GrantedAccessList, AccessStatusList,
        pfGenerateOnClose);
}

}  // extern "C"
