// The audit alarms of advapi32: what a server with objects of its own hands in about its clients.
#include "nt/ntservices.h"
#include "win32/convert.h"
#include "win32/security.h"

using namespace regent;
using namespace regent::win32;

namespace {

// A counted string over a program's own; null stays null.
class Counted {
public:
    explicit Counted(LPCWSTR text) {
        if (text == nullptr) return;
        string_ = rtl::unicode_string(Utf16View(text).substr(0, longest));
        pointer_ = &string_;
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    PUNICODE_STRING get() { return pointer_; }

private:
    static constexpr std::size_t longest = 0x7FFE;  // as RtlInitUnicodeString cuts it
    UNICODE_STRING string_{};
    PUNICODE_STRING pointer_ = nullptr;
};

BOOLEAN boolean(BOOL value) { return value != FALSE ? TRUE : FALSE; }

}  // namespace

extern "C" {

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
    *AccessStatus = NT_SUCCESS(checked) ? TRUE : FALSE;
    if (!NT_SUCCESS(checked)) SetLastError(RtlNtStatusToDosError(checked));
    return TRUE;
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
