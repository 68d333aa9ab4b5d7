// The audit alarms: what programs that keep objects of their own hand in. All need SeAuditPrivilege of the process,
// also where the thread impersonates its client. Where Windows is silent about the order of checks, it is inferred.
#include "nt/audit_alarm.h"
#include "nt/service.h"
#include "nt/token.h"
#include "ob/audit.h"
#include "se/audit.h"

namespace regent::nt {
namespace {

ob::AuditRecord make_record(ob::AuditEvent event, bool success, const se::Token& client, const Named& named,
                            HANDLE handle) {
    ob::AuditRecord record = ob::make_audit_record(event, success);
    record.subject = client.user();
    record.logon_id = client.logon_id();
    record.server = named.subsystem.view();
    record.type = named.type.view();
    record.name = named.name.view();
    record.handle = reinterpret_cast<std::uintptr_t>(handle);
    return record;
}

}  // namespace

bool may_record() {
    const ob::Context& context = ob::current();
    return context.kernel() || context.process->token().enabled(SE_AUDIT_PRIVILEGE);
}

bool is_wanted(const Opening& opening) {
    return ob::audits(ob::AuditCategory::other, opening.granted) &&
           se::audited_rights(opening.descriptor, opening.client, opening.access, opening.granted, opening.mapping,
                              opening.types) != 0;
}

bool record_opening(const Opening& opening) {
    if (!is_wanted(opening)) return false;
    ob::AuditRecord record =
        make_record(ob::AuditEvent::handle_requested, opening.granted, opening.client, opening.named, opening.handle);
    record.access = opening.access;
    record.privileges = opening.privileges;
    ob::AuditLog::instance().add(std::move(record));
    return opening.granted;
}

namespace service {
namespace {

constexpr ULONG max_privileges = 4096;

// ERRORS: ACCESS_VIOLATION (null, when it may not be), INVALID_PARAMETER (too many).
Result<se::PrivilegeSet> capture_set(const PRIVILEGE_SET* privileges, bool optional) {
    if (privileges == nullptr && optional) return se::PrivilegeSet{0};
    if (privileges == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    if (privileges->PrivilegeCount > max_privileges) return fail(STATUS_INVALID_PARAMETER);
    se::PrivilegeSet set = 0;
    for (ULONG i = 0; i < privileges->PrivilegeCount; ++i) {
        const LUID& luid = privileges->Privilege[i].Luid;
        if (luid.HighPart == 0 && luid.LowPart < 64) set |= se::privilege_bit(luid.LowPart);
    }
    return set;
}

// The record of the end of a handle, or of its object.
NTSTATUS record_end(ob::AuditEvent event, PUNICODE_STRING subsystem, HANDLE handle, BOOLEAN generate) {
    Named named;
    const auto captured = named.capture(subsystem, nullptr, nullptr);
    if (!captured) return captured.error().code();
    if (!may_record()) return STATUS_PRIVILEGE_NOT_HELD;
    if (generate == FALSE || !ob::audits(ob::AuditCategory::other, true)) return STATUS_SUCCESS;
    ob::AuditLog::instance().add(make_record(event, true, ob::current().token(), named, handle));
    return STATUS_SUCCESS;
}

// The record of a privilege's use. ERRORS, in this order: the strings', the privileges', the token handle's,
// BAD_IMPERSONATION_LEVEL, PRIVILEGE_NOT_HELD.
struct PrivilegeUse {
    ob::AuditEvent event;
    HANDLE handle;
    HANDLE client;
    ACCESS_MASK desired;
    const PRIVILEGE_SET* privileges;
    bool granted;
};
NTSTATUS record_privilege_use(const PrivilegeUse& use, const Result<void>& captured, const Named& named) {
    if (!captured) return captured.error().code();
    const auto privileges = capture_set(use.privileges, false);
    if (!privileges) return privileges.error().code();
    const auto client = reference_token(use.client, TOKEN_QUERY);
    if (!client) return client.error().code();
    if (client->token->is_impersonation() && client->token->level() < SecurityIdentification)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    if (!may_record()) return STATUS_PRIVILEGE_NOT_HELD;
    if (!ob::audits(ob::AuditCategory::privileges, use.granted)) return STATUS_SUCCESS;
    ob::AuditRecord record = make_record(use.event, use.granted, *client->token, named, use.handle);
    record.access = use.desired;
    record.privileges = *privileges;
    ob::AuditLog::instance().add(std::move(record));
    return STATUS_SUCCESS;
}

}  // namespace

// ERRORS, in this order: ACCESS_VIOLATION, GENERIC_NOT_MAPPED, the strings', the privileges', the token handle's,
// BAD_IMPERSONATION_LEVEL, PRIVILEGE_NOT_HELD, the descriptor's. Without a descriptor nothing is recorded.
NTSTATUS NtOpenObjectAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId, PUNICODE_STRING ObjectTypeName,
                                PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken,
                                ACCESS_MASK DesiredAccess, ACCESS_MASK GrantedAccess, PPRIVILEGE_SET Privileges,
                                BOOLEAN, BOOLEAN AccessGranted, PBOOLEAN GenerateOnClose) {
    if (GenerateOnClose == nullptr) return STATUS_ACCESS_VIOLATION;
    if (((DesiredAccess | GrantedAccess) & 0xF0000000) != 0) return STATUS_GENERIC_NOT_MAPPED;
    Named named;
    const auto captured = named.capture(SubsystemName, ObjectTypeName, ObjectName);
    if (!captured) return captured.error().code();
    const auto privileges = capture_set(Privileges, true);
    if (!privileges) return privileges.error().code();
    const auto client = reference_token(ClientToken, TOKEN_QUERY);
    if (!client) return client.error().code();
    if (client->token->is_impersonation() && client->token->level() < SecurityIdentification)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    if (!may_record()) return STATUS_PRIVILEGE_NOT_HELD;
    *GenerateOnClose = FALSE;
    if (SecurityDescriptor == nullptr) return STATUS_SUCCESS;
    const auto descriptor = se::capture_descriptor(SecurityDescriptor);
    if (!descriptor) return descriptor.error().code();
    const bool granted = AccessGranted != FALSE;
    const bool recorded = record_opening({named,
                                          HandleId,
                                          *descriptor,
                                          *client->token,
                                          {},
                                          granted ? GrantedAccess : DesiredAccess,
                                          granted,
                                          *privileges,
                                          {}});
    *GenerateOnClose = recorded ? TRUE : FALSE;
    return STATUS_SUCCESS;
}

// ERRORS, in this order: the string's, PRIVILEGE_NOT_HELD.
NTSTATUS NtCloseObjectAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId, BOOLEAN GenerateOnClose) {
    return record_end(ob::AuditEvent::handle_closed, SubsystemName, HandleId, GenerateOnClose);
}

NTSTATUS NtDeleteObjectAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId, BOOLEAN GenerateOnClose) {
    return record_end(ob::AuditEvent::object_deleted, SubsystemName, HandleId, GenerateOnClose);
}

NTSTATUS NtPrivilegeObjectAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId, HANDLE ClientToken,
                                     ACCESS_MASK DesiredAccess, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted) {
    Named named;
    const auto captured = named.capture(SubsystemName, nullptr, nullptr);
    return record_privilege_use(
        {ob::AuditEvent::privileged_object, HandleId, ClientToken, DesiredAccess, Privileges, AccessGranted != FALSE},
        captured, named);
}

NTSTATUS NtPrivilegedServiceAuditAlarm(PUNICODE_STRING SubsystemName, PUNICODE_STRING ServiceName, HANDLE ClientToken,
                                       PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted) {
    Named named;
    const auto captured = named.capture(SubsystemName, nullptr, ServiceName);
    return record_privilege_use(
        {ob::AuditEvent::privileged_service, nullptr, ClientToken, 0, Privileges, AccessGranted != FALSE}, captured,
        named);
}

}  // namespace service
}  // namespace regent::nt
