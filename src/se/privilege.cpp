#include "se/privilege.h"

#include <array>

namespace regent::se {
namespace {

// By number.
constexpr std::array<std::string_view, SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE + 1> names = [] {
    std::array<std::string_view, SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE + 1> table{};
    table[SE_CREATE_TOKEN_PRIVILEGE] = "SeCreateTokenPrivilege";
    table[SE_ASSIGNPRIMARYTOKEN_PRIVILEGE] = "SeAssignPrimaryTokenPrivilege";
    table[SE_LOCK_MEMORY_PRIVILEGE] = "SeLockMemoryPrivilege";
    table[SE_INCREASE_QUOTA_PRIVILEGE] = "SeIncreaseQuotaPrivilege";
    table[SE_MACHINE_ACCOUNT_PRIVILEGE] = "SeMachineAccountPrivilege";
    table[SE_TCB_PRIVILEGE] = "SeTcbPrivilege";
    table[SE_SECURITY_PRIVILEGE] = "SeSecurityPrivilege";
    table[SE_TAKE_OWNERSHIP_PRIVILEGE] = "SeTakeOwnershipPrivilege";
    table[SE_LOAD_DRIVER_PRIVILEGE] = "SeLoadDriverPrivilege";
    table[SE_SYSTEM_PROFILE_PRIVILEGE] = "SeSystemProfilePrivilege";
    table[SE_SYSTEMTIME_PRIVILEGE] = "SeSystemtimePrivilege";
    table[SE_PROF_SINGLE_PROCESS_PRIVILEGE] = "SeProfileSingleProcessPrivilege";
    table[SE_INC_BASE_PRIORITY_PRIVILEGE] = "SeIncreaseBasePriorityPrivilege";
    table[SE_CREATE_PAGEFILE_PRIVILEGE] = "SeCreatePagefilePrivilege";
    table[SE_CREATE_PERMANENT_PRIVILEGE] = "SeCreatePermanentPrivilege";
    table[SE_BACKUP_PRIVILEGE] = "SeBackupPrivilege";
    table[SE_RESTORE_PRIVILEGE] = "SeRestorePrivilege";
    table[SE_SHUTDOWN_PRIVILEGE] = "SeShutdownPrivilege";
    table[SE_DEBUG_PRIVILEGE] = "SeDebugPrivilege";
    table[SE_AUDIT_PRIVILEGE] = "SeAuditPrivilege";
    table[SE_SYSTEM_ENVIRONMENT_PRIVILEGE] = "SeSystemEnvironmentPrivilege";
    table[SE_CHANGE_NOTIFY_PRIVILEGE] = "SeChangeNotifyPrivilege";
    table[SE_REMOTE_SHUTDOWN_PRIVILEGE] = "SeRemoteShutdownPrivilege";
    table[SE_UNDOCK_PRIVILEGE] = "SeUndockPrivilege";
    table[SE_SYNC_AGENT_PRIVILEGE] = "SeSyncAgentPrivilege";
    table[SE_ENABLE_DELEGATION_PRIVILEGE] = "SeEnableDelegationPrivilege";
    table[SE_MANAGE_VOLUME_PRIVILEGE] = "SeManageVolumePrivilege";
    table[SE_IMPERSONATE_PRIVILEGE] = "SeImpersonatePrivilege";
    table[SE_CREATE_GLOBAL_PRIVILEGE] = "SeCreateGlobalPrivilege";
    table[SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE] = "SeTrustedCredManAccessPrivilege";
    table[SE_RELABEL_PRIVILEGE] = "SeRelabelPrivilege";
    table[SE_INC_WORKING_SET_PRIVILEGE] = "SeIncreaseWorkingSetPrivilege";
    table[SE_TIME_ZONE_PRIVILEGE] = "SeTimeZonePrivilege";
    table[SE_CREATE_SYMBOLIC_LINK_PRIVILEGE] = "SeCreateSymbolicLinkPrivilege";
    table[SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE] = "SeDelegateSessionUserImpersonatePrivilege";
    return table;
}();

}  // namespace

std::string_view privilege_name(unsigned privilege) {
    return privilege < names.size() ? names[privilege] : std::string_view();
}

}  // namespace regent::se
