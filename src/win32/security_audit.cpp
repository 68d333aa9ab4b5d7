// The audit alarms of advapi32 that check no access: what a server with objects of its own hands in about its clients.
#include "nt/ntservices.h"
#include "win32/alarm_text.h"

using namespace regent;
using namespace regent::win32;

extern "C" {

BOOL WINAPI ObjectOpenAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, LPWSTR ObjectTypeName, LPWSTR ObjectName,
                                  PSECURITY_DESCRIPTOR pSecurityDescriptor, HANDLE ClientToken, DWORD DesiredAccess,
                                  DWORD GrantedAccess, PPRIVILEGE_SET Privileges, BOOL ObjectCreation,
                                  BOOL AccessGranted, LPBOOL GenerateOnClose) {
    Counted subsystem(SubsystemName), type(ObjectTypeName), name(ObjectName);
    BOOLEAN close = FALSE;
    const NTSTATUS status = NtOpenObjectAuditAlarm(subsystem.get(), HandleId, type.get(), name.get(),
                                                   pSecurityDescriptor, ClientToken, DesiredAccess, GrantedAccess,
                                                   Privileges, boolean(ObjectCreation), boolean(AccessGranted), &close);
    if (NT_SUCCESS(status)) *GenerateOnClose = close;
    return answer(status);
}
BOOL WINAPI ObjectOpenAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, LPSTR ObjectTypeName, LPSTR ObjectName,
                                  PSECURITY_DESCRIPTOR pSecurityDescriptor, HANDLE ClientToken, DWORD DesiredAccess,
                                  DWORD GrantedAccess, PPRIVILEGE_SET Privileges, BOOL ObjectCreation,
                                  BOOL AccessGranted, LPBOOL GenerateOnClose) {
    WideArgument type(ObjectTypeName), name(ObjectName);
    return ObjectOpenAuditAlarmW(WideArgument(SubsystemName).get(), HandleId, type.get_mutable(), name.get_mutable(),
                                 pSecurityDescriptor, ClientToken, DesiredAccess, GrantedAccess, Privileges,
                                 ObjectCreation, AccessGranted, GenerateOnClose);
}

BOOL WINAPI ObjectCloseAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose) {
    return answer(NtCloseObjectAuditAlarm(Counted(SubsystemName).get(), HandleId, boolean(GenerateOnClose)));
}
BOOL WINAPI ObjectCloseAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose) {
    return ObjectCloseAuditAlarmW(WideArgument(SubsystemName).get(), HandleId, GenerateOnClose);
}

BOOL WINAPI ObjectDeleteAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose) {
    return answer(NtDeleteObjectAuditAlarm(Counted(SubsystemName).get(), HandleId, boolean(GenerateOnClose)));
}
BOOL WINAPI ObjectDeleteAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, BOOL GenerateOnClose) {
    return ObjectDeleteAuditAlarmW(WideArgument(SubsystemName).get(), HandleId, GenerateOnClose);
}

BOOL WINAPI ObjectPrivilegeAuditAlarmW(LPCWSTR SubsystemName, LPVOID HandleId, HANDLE ClientToken, DWORD DesiredAccess,
                                       PPRIVILEGE_SET Privileges, BOOL AccessGranted) {
    return answer(NtPrivilegeObjectAuditAlarm(Counted(SubsystemName).get(), HandleId, ClientToken, DesiredAccess,
                                              Privileges, boolean(AccessGranted)));
}
BOOL WINAPI ObjectPrivilegeAuditAlarmA(LPCSTR SubsystemName, LPVOID HandleId, HANDLE ClientToken, DWORD DesiredAccess,
                                       PPRIVILEGE_SET Privileges, BOOL AccessGranted) {
    return ObjectPrivilegeAuditAlarmW(WideArgument(SubsystemName).get(), HandleId, ClientToken, DesiredAccess,
                                      Privileges, AccessGranted);
}

BOOL WINAPI PrivilegedServiceAuditAlarmW(LPCWSTR SubsystemName, LPCWSTR ServiceName, HANDLE ClientToken,
                                         PPRIVILEGE_SET Privileges, BOOL AccessGranted) {
    return answer(NtPrivilegedServiceAuditAlarm(Counted(SubsystemName).get(), Counted(ServiceName).get(), ClientToken,
                                                Privileges, boolean(AccessGranted)));
}
BOOL WINAPI PrivilegedServiceAuditAlarmA(LPCSTR SubsystemName, LPCSTR ServiceName, HANDLE ClientToken,
                                         PPRIVILEGE_SET Privileges, BOOL AccessGranted) {
    return PrivilegedServiceAuditAlarmW(WideArgument(SubsystemName).get(), WideArgument(ServiceName).get(), ClientToken,
                                        Privileges, AccessGranted);
}

}  // extern "C"
