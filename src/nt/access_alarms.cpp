// The access checks that also hand in their outcome to the audit: NtAccessCheckAndAuditAlarm and its kin by type. The
// order of their errors is inferred, but as that of NtAccessCheck where that is known.
#include "nt/access_check.h"
#include "nt/audit_alarm.h"
#include "nt/service.h"

namespace regent::nt {
namespace {

struct AlarmNames {
    PUNICODE_STRING subsystem, type, name;
};
struct Alarm {
    AlarmNames names;
    HANDLE handle;
    AUDIT_EVENT_TYPE kind;
    ULONG flags;
    AccessArguments access;
};
struct Outputs {
    ACCESS_MASK* granted;
    NTSTATUS* status;
    PBOOLEAN generate_on_close;
    bool complete() const { return granted != nullptr && status != nullptr && generate_on_close != nullptr; }
};

// ERRORS, in this order: NO_IMPERSONATION_TOKEN, BAD_IMPERSONATION_LEVEL.
Result<Ref<se::Token>> impersonated() {
    const ob::Context& context = ob::current();
    if (!context.token().is_impersonation()) return fail(STATUS_NO_IMPERSONATION_TOKEN);
    if (context.token().level() < SecurityImpersonation) return fail(STATUS_BAD_IMPERSONATION_LEVEL);
    return context.token_ref();
}

// The types of a part and of what it is a part of.
std::vector<se::TypeId> types_to(const std::vector<se::ObjectType>& types, std::size_t part) {
    std::vector<se::TypeId> found{types[part].type};
    for (std::size_t i = part, level = types[part].level; i-- > 0 && level != 0;) {
        if (types[i].level >= level) continue;
        level = types[i].level;
        found.push_back(types[i].type);
    }
    return found;
}

// What is known once an alarm's access was checked.
struct Checked {
    const Alarm& alarm;
    const Named& named;
    const AccessQuestion& question;
    const se::Token& client;
    const AccessQuestion::Answer& answer;

    Opening opening(bool granted, ACCESS_MASK access, std::span<const se::TypeId> types) const {
        return {named,  alarm.handle, question.descriptor, client, question.mapping,
                access, granted,      answer.used,         types};
    }
    // The whole object was accessed, so all its parts were.
    bool record_whole() const {
        std::vector<se::TypeId> types;
        for (const se::ObjectType& type : question.types) types.push_back(type.type);
        const bool granted = NT_SUCCESS(answer.status());
        return record_opening(opening(granted, granted ? answer.granted() : question.desired, types));
    }
    // One record of the parts that were granted, one of those that were refused (inferred).
    bool record_parts() const {
        bool recorded = false;
        for (const bool granted : {true, false}) {
            ACCESS_MASK access = 0;
            std::vector<se::TypeId> wanted;
            for (std::size_t i = 0; i < answer.parts.size(); ++i) {
                if (NT_SUCCESS(answer.parts[i].status) != granted) continue;
                const ACCESS_MASK of_part = granted ? answer.parts[i].granted : question.desired;
                const auto types = types_to(question.types, i);
                if (!is_wanted(opening(granted, of_part, types))) continue;
                access |= of_part;
                wanted.insert(wanted.end(), types.begin(), types.end());
            }
            if (access != 0) recorded |= record_opening(opening(granted, access, wanted));
        }
        return recorded;
    }
};

// `client`: whose access it is. ERRORS, in this order: check_arguments', INVALID_PARAMETER (kind or flags), the
// strings', the client's, PRIVILEGE_NOT_HELD (unless the flags say that then nothing is handed in),
// AccessQuestion::capture's.
template <typename Client>
NTSTATUS check_and_record(const Alarm& alarm, const Outputs& outputs, Client client) {
    const NTSTATUS sound = check_arguments(alarm.access, outputs.complete());
    if (!NT_SUCCESS(sound)) return sound;
    if (alarm.kind > AuditEventDirectoryServiceAccess || (alarm.flags & ~ULONG{AUDIT_ALLOW_NO_PRIVILEGE}) != 0)
        return STATUS_INVALID_PARAMETER;
    Named named;
    const auto captured = named.capture(alarm.names.subsystem, alarm.names.type, alarm.names.name);
    if (!captured) return captured.error().code();
    const Result<Ref<se::Token>> token = client();
    if (!token) return token.error().code();
    const bool records = may_record();
    if (!records && (alarm.flags & AUDIT_ALLOW_NO_PRIVILEGE) == 0) return STATUS_PRIVILEGE_NOT_HELD;
    const auto question = AccessQuestion::capture(alarm.access);
    if (!question) return question.error().code();
    const auto answer = question->ask(**token);
    const Checked checked{alarm, named, *question, **token, answer};
    bool recorded = false;
    if (alarm.access.each_part) {
        answer.write_parts(outputs.granted, outputs.status);
        recorded = records && checked.record_parts();
    } else {
        *outputs.granted = answer.granted();
        *outputs.status = answer.status();
        recorded = records && checked.record_whole();
    }
    *outputs.generate_on_close = recorded ? TRUE : FALSE;
    return STATUS_SUCCESS;
}

}  // namespace

namespace service {

// All check for the client that the thread impersonates, but for ...ByHandle.
NTSTATUS NtAccessCheckAndAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId, PUNICODE_STRING ObjectTypeName,
                                    PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
                                    ACCESS_MASK DesiredAccess, GENERIC_MAPPING* GenericMapping, BOOLEAN,
                                    ACCESS_MASK* GrantedAccess, NTSTATUS* AccessStatus, PBOOLEAN GenerateOnClose) {
    return check_and_record({{SubsystemName, ObjectTypeName, ObjectName},
                             HandleId,
                             AuditEventObjectAccess,
                             0,
                             {SecurityDescriptor, nullptr, DesiredAccess, nullptr, 0, GenericMapping}},
                            {GrantedAccess, AccessStatus, GenerateOnClose}, impersonated);
}

NTSTATUS NtAccessCheckByTypeAndAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId,
                                          PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
                                          PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
                                          ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
                                          POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
                                          GENERIC_MAPPING* GenericMapping, BOOLEAN, ACCESS_MASK* GrantedAccess,
                                          NTSTATUS* AccessStatus, PBOOLEAN GenerateOnClose) {
    return check_and_record(
        {{SubsystemName, ObjectTypeName, ObjectName},
         HandleId,
         AuditType,
         Flags,
         {SecurityDescriptor, PrincipalSelfSid, DesiredAccess, ObjectTypeList, ObjectTypeListLength, GenericMapping}},
        {GrantedAccess, AccessStatus, GenerateOnClose}, impersonated);
}

NTSTATUS NtAccessCheckByTypeResultListAndAuditAlarm(PUNICODE_STRING SubsystemName, HANDLE HandleId,
                                                    PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
                                                    PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
                                                    ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
                                                    POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
                                                    GENERIC_MAPPING* GenericMapping, BOOLEAN,
                                                    ACCESS_MASK* GrantedAccess, NTSTATUS* AccessStatus,
                                                    PBOOLEAN GenerateOnClose) {
    return check_and_record({{SubsystemName, ObjectTypeName, ObjectName},
                             HandleId,
                             AuditType,
                             Flags,
                             {SecurityDescriptor, PrincipalSelfSid, DesiredAccess, ObjectTypeList, ObjectTypeListLength,
                              GenericMapping, true}},
                            {GrantedAccess, AccessStatus, GenerateOnClose}, impersonated);
}

NTSTATUS NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
    PUNICODE_STRING SubsystemName, HANDLE HandleId, HANDLE ClientToken, PUNICODE_STRING ObjectTypeName,
    PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
    ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags, POBJECT_TYPE_LIST ObjectTypeList,
    ULONG ObjectTypeListLength, GENERIC_MAPPING* GenericMapping, BOOLEAN, ACCESS_MASK* GrantedAccess,
    NTSTATUS* AccessStatus, PBOOLEAN GenerateOnClose) {
    return check_and_record({{SubsystemName, ObjectTypeName, ObjectName},
                             HandleId,
                             AuditType,
                             Flags,
                             {SecurityDescriptor, PrincipalSelfSid, DesiredAccess, ObjectTypeList, ObjectTypeListLength,
                              GenericMapping, true}},
                            {GrantedAccess, AccessStatus, GenerateOnClose},
                            [&] { return reference_client(ClientToken); });
}

}  // namespace service
}  // namespace regent::nt
