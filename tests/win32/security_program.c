/* SIDs, lists, descriptors, tokens and the security of keys as a Windows program uses them. Returns 0, or the line at
   which something was not as on Windows. */
#define UNICODE
#include <windows.h>

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "check.h"

static int sids(void) {
    SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};
    PSID admins = NULL, parsed = NULL;
    LPWSTR text = NULL;
    BYTE copy[SECURITY_MAX_SID_SIZE];
    WCHAR name[64], domain[64];
    DWORD name_size = 64, domain_size = 64, size = sizeof(copy);
    SID_NAME_USE use;
    CHECK(AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0,
                                   &admins));
    CHECK(IsValidSid(admins) && GetLengthSid(admins) == 16);
    CHECK(*GetSidSubAuthorityCount(admins) == 2 && *GetSidSubAuthority(admins, 1) == 544);
    CHECK(ConvertSidToStringSidW(admins, &text) && wcscmp(text, L"S-1-5-32-544") == 0);
    CHECK(ConvertStringSidToSidW(L"BA", &parsed) && EqualSid(admins, parsed));
    LocalFree(parsed);
    CHECK(ConvertStringSidToSidW(text, &parsed) && EqualSid(admins, parsed));
    LocalFree(parsed);
    CHECK(!ConvertStringSidToSidW(L"S-1-", &parsed) && GetLastError() == ERROR_INVALID_SID);
    CHECK(!CopySid(4, copy, admins) && GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(CopySid(sizeof(copy), copy, admins) && EqualSid(copy, admins));
    CHECK(LookupAccountSidW(NULL, admins, name, &name_size, domain, &domain_size, &use));
    CHECK(wcscmp(name, L"Administrators") == 0 && wcscmp(domain, L"BUILTIN") == 0 && use == SidTypeAlias);
    domain_size = 64;
    CHECK(LookupAccountNameW(NULL, L"Everyone", copy, &size, domain, &domain_size, &use) && size == 12);
    size = sizeof(copy);
    domain_size = 64;
    CHECK(!LookupAccountNameW(NULL, L"no such account", copy, &size, domain, &domain_size, &use));
    CHECK(GetLastError() == ERROR_NONE_MAPPED);
    LocalFree(text);
    FreeSid(admins);
    return 0;
}

static int descriptors(void) {
    PSECURITY_DESCRIPTOR relative = NULL;
    SECURITY_DESCRIPTOR absolute;
    PSID users = NULL, owner = NULL;
    PACL dacl = NULL;
    BOOL present = FALSE, defaulted = FALSE;
    LPVOID ace = NULL;
    LPWSTR text = NULL;
    BYTE list[256], small[8], self[512];
    ACL_SIZE_INFORMATION information;
    DWORD size = sizeof(self);
    CHECK(ConvertStringSidToSidW(L"BU", &users));
    CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:BAG:SYD:P(A;CI;KA;;;BA)(D;;KW;;;AN)",
                                                               SDDL_REVISION_1, &relative, NULL));
    CHECK(IsValidSecurityDescriptor(relative));
    CHECK(GetSecurityDescriptorDacl(relative, &present, &dacl, &defaulted) && present && dacl->AceCount == 2);
    CHECK(GetAce(dacl, 1, &ace) && ((ACE_HEADER*)ace)->AceType == ACCESS_DENIED_ACE_TYPE);
    CHECK(!GetAce(dacl, 2, &ace) && GetLastError() == ERROR_INVALID_PARAMETER);
    CHECK(GetSecurityDescriptorOwner(relative, &owner, &defaulted) && owner != NULL);
    CHECK(!SetSecurityDescriptorOwner(relative, users, FALSE)); /* only the absolute form changes */
    LocalFree(relative);
    CHECK(!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:(A;;KA;;;", SDDL_REVISION_1, &relative, NULL));

    CHECK(!InitializeAcl((PACL)small, 4, ACL_REVISION) && GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(InitializeAcl((PACL)small, sizeof(small), ACL_REVISION));
    CHECK(!AddAccessAllowedAce((PACL)small, ACL_REVISION, KEY_READ, users));
    CHECK(GetLastError() == ERROR_ALLOTTED_SPACE_EXCEEDED);
    CHECK(InitializeAcl((PACL)list, sizeof(list), ACL_REVISION));
    CHECK(AddAccessAllowedAceEx((PACL)list, ACL_REVISION, CONTAINER_INHERIT_ACE, KEY_READ, users));
    CHECK(AddAccessDeniedAce((PACL)list, ACL_REVISION, KEY_WRITE, users));
    CHECK(GetAclInformation((PACL)list, &information, sizeof(information), AclSizeInformation));
    CHECK(information.AceCount == 2 && information.AclBytesInUse == 8 + 2 * 24);
    CHECK(DeleteAce((PACL)list, 1) && IsValidAcl((PACL)list) && ((PACL)list)->AceCount == 1);
    CHECK(InitializeSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION));
    CHECK(SetSecurityDescriptorOwner(&absolute, users, FALSE));
    CHECK(SetSecurityDescriptorDacl(&absolute, TRUE, (PACL)list, FALSE));
    CHECK(SetSecurityDescriptorControl(&absolute, SE_DACL_PROTECTED, SE_DACL_PROTECTED));
    CHECK(MakeSelfRelativeSD(&absolute, self, &size));
    CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorW(
        self, SDDL_REVISION_1, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &text, NULL));
    CHECK(wcscmp(text, L"O:BUD:P(A;CI;KR;;;BU)") == 0);
    LocalFree(text);
    LocalFree(users);
    return 0;
}

static int tokens(void) {
    HANDLE token = NULL, restricted = NULL, copy = NULL;
    TOKEN_PRIVILEGES wanted, previous;
    PRIVILEGE_SET set;
    DWORD size = 0, number = 0;
    BYTE buffer[1024];
    BOOL held = FALSE, member = FALSE;
    PSID admins = NULL, network = NULL;
    SID_AND_ATTRIBUTES disabled;
    CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &token));
    CHECK(!GetTokenInformation(token, TokenUser, NULL, 0, &size) && GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(size <= sizeof(buffer) && GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &size));
    CHECK(IsValidSid(((TOKEN_USER*)buffer)->User.Sid));
    CHECK(GetTokenInformation(token, TokenType, &number, sizeof(number), &size) && number == TokenPrimary);
    wanted.PrivilegeCount = 1;
    CHECK(LookupPrivilegeValueW(NULL, SE_BACKUP_NAME, &wanted.Privileges[0].Luid));
    CHECK(wanted.Privileges[0].Luid.LowPart == 17);
    CHECK(!LookupPrivilegeValueW(NULL, L"SeNoSuchPrivilege", &wanted.Privileges[0].Luid));
    CHECK(GetLastError() == ERROR_NO_SUCH_PRIVILEGE);
    CHECK(LookupPrivilegeValueA(NULL, "SeBackupPrivilege", &wanted.Privileges[0].Luid));
    wanted.Privileges[0].Attributes = 0;
    CHECK(AdjustTokenPrivileges(token, FALSE, &wanted, sizeof(previous), &previous, &size) && GetLastError() == 0);
    set.PrivilegeCount = 1;
    set.Control = PRIVILEGE_SET_ALL_NECESSARY;
    set.Privilege[0].Luid = wanted.Privileges[0].Luid;
    set.Privilege[0].Attributes = 0;
    CHECK(PrivilegeCheck(token, &set, &held) && !held);
    wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    CHECK(AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL) && GetLastError() == 0);
    CHECK(PrivilegeCheck(token, &set, &held) && held);
    wanted.Privileges[0].Luid.LowPart = 60;
    CHECK(AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL) && GetLastError() == ERROR_NOT_ALL_ASSIGNED);

    CHECK(ConvertStringSidToSidW(L"BA", &admins) && ConvertStringSidToSidW(L"NU", &network));
    CHECK(CheckTokenMembership(NULL, admins, &member) && member);
    CHECK(CheckTokenMembership(NULL, network, &member) && !member);
    CHECK(!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &copy) && GetLastError() == ERROR_NO_TOKEN);
    CHECK(ImpersonateSelf(SecurityImpersonation));
    CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &copy));
    CHECK(RevertToSelf() && CloseHandle(copy));
    disabled.Sid = admins;
    disabled.Attributes = 0;
    CHECK(CreateRestrictedToken(token, DISABLE_MAX_PRIVILEGE, 1, &disabled, 0, NULL, 0, NULL, &restricted));
    CHECK(!IsTokenRestricted(restricted)); /* no restricting SIDs */
    CHECK(ImpersonateLoggedOnUser(restricted));
    CHECK(CheckTokenMembership(NULL, admins, &member) && !member);
    CHECK(RevertToSelf());
    CHECK(DuplicateTokenEx(token, TOKEN_ALL_ACCESS, NULL, SecurityIdentification, TokenImpersonation, &copy));
    CHECK(CheckTokenMembership(copy, admins, &member) && member);
    CHECK(!CheckTokenMembership(token, admins, &member) && GetLastError() == ERROR_NO_IMPERSONATION_TOKEN);
    CHECK(CloseHandle(copy) && CloseHandle(restricted) && CloseHandle(token));
    LocalFree(admins);
    LocalFree(network);
    return 0;
}

static int checks(void) {
    GENERIC_MAPPING mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PRIVILEGE_SET used;
    DWORD size = sizeof(used), granted = 0, desired = GENERIC_READ;
    BOOL allowed = FALSE;
    HANDLE token = NULL;
    CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:SYG:SYD:(A;;KR;;;WD)", SDDL_REVISION_1, &descriptor,
                                                               NULL));
    CHECK(ImpersonateSelf(SecurityImpersonation));
    CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token));
    CHECK(!AccessCheck(descriptor, token, desired, &mapping, &used, &size, &granted, &allowed));
    CHECK(GetLastError() == ERROR_GENERIC_NOT_MAPPED);
    MapGenericMask(&desired, &mapping);
    CHECK(desired == KEY_READ);
    size = sizeof(used);
    CHECK(AccessCheck(descriptor, token, desired, &mapping, &used, &size, &granted, &allowed));
    CHECK(allowed && granted == KEY_READ);
    CHECK(AccessCheck(descriptor, token, KEY_SET_VALUE, &mapping, &used, &size, &granted, &allowed));
    CHECK(!allowed && GetLastError() == ERROR_ACCESS_DENIED);
    CHECK(RevertToSelf() && CloseHandle(token));
    LocalFree(descriptor);
    return 0;
}

/* What a server says of its clients' accesses; without a policy nothing is recorded, and nothing is asked for at the
 * end. */
static int alarms(void) {
    GENERIC_MAPPING mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};
    WCHAR type[] = L"Letter", name[] = L"to whom it concerns";
    char narrow_type[] = "Letter", narrow_name[] = "to whom it concerns";
    PSECURITY_DESCRIPTOR descriptor = NULL;
    DWORD granted = 0;
    BOOL allowed = FALSE, close = TRUE;
    HANDLE token = NULL;
    PRIVILEGE_SET set = {1, 0, {{{0, 0}, 0}}};
    CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:SYG:SYD:(A;;KR;;;WD)", SDDL_REVISION_1, &descriptor,
                                                               NULL));
    CHECK(LookupPrivilegeValueW(NULL, L"SeTcbPrivilege", &set.Privilege[0].Luid));
    CHECK(!AccessCheckAndAuditAlarmW(L"Post", (LPVOID)1, type, name, descriptor, KEY_READ, &mapping, FALSE, &granted,
                                     &allowed, &close));
    CHECK(GetLastError() == ERROR_NO_IMPERSONATION_TOKEN);
    CHECK(ImpersonateSelf(SecurityImpersonation));
    CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token));
    CHECK(AccessCheckAndAuditAlarmW(L"Post", (LPVOID)1, type, name, descriptor, KEY_READ, &mapping, FALSE, &granted,
                                    &allowed, &close));
    CHECK(allowed && granted == KEY_READ && !close);
    CHECK(AccessCheckAndAuditAlarmA("Post", (LPVOID)1, narrow_type, narrow_name, descriptor, KEY_SET_VALUE, &mapping,
                                    FALSE, &granted, &allowed, &close));
    CHECK(!allowed && GetLastError() == ERROR_ACCESS_DENIED && !close);
    CHECK(ObjectOpenAuditAlarmW(L"Post", (LPVOID)1, type, name, descriptor, token, KEY_READ, KEY_READ, NULL, FALSE,
                                TRUE, &close));
    CHECK(!close && ObjectCloseAuditAlarmW(L"Post", (LPVOID)1, close));
    CHECK(ObjectDeleteAuditAlarmW(L"Post", (LPVOID)1, FALSE));
    CHECK(ObjectPrivilegeAuditAlarmW(L"Post", (LPVOID)1, token, KEY_READ, &set, TRUE));
    CHECK(PrivilegedServiceAuditAlarmA("Post", "Delivery", token, &set, FALSE));
    CHECK(!ObjectCloseAuditAlarmW(NULL, (LPVOID)1, FALSE));
    CHECK(RevertToSelf() && CloseHandle(token));
    LocalFree(descriptor);
    return 0;
}

static DWORD entries_of(HKEY key, PACL* dacl, PSECURITY_DESCRIPTOR* descriptor) {
    return GetSecurityInfo(key, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL, descriptor);
}

/* What a key passes on reaches the keys below it, and leaves them again. */
static int propagation(void) {
    HKEY parent = NULL, child = NULL;
    WCHAR name[] = L"CURRENT_USER\\Software\\RegentSecurity";
    EXPLICIT_ACCESS_W entry;
    PACL dacl = NULL, changed = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID network = NULL;
    LPWSTR text = NULL;
    WORD before = 0;
    CHECK(RegCreateKeyExW(HKEY_CURRENT_USER, L"Software\\RegentSecurity", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &parent,
                          NULL) == 0);
    CHECK(RegCreateKeyExW(parent, L"child", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &child, NULL) == 0);
    CHECK(entries_of(child, &dacl, &descriptor) == 0 && dacl != NULL);
    before = dacl->AceCount;
    LocalFree(descriptor);
    CHECK(ConvertStringSidToSidW(L"NU", &network));
    memset(&entry, 0, sizeof(entry));
    entry.grfAccessPermissions = KEY_READ;
    entry.grfAccessMode = GRANT_ACCESS;
    entry.grfInheritance = SUB_CONTAINERS_ONLY_INHERIT;
    entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    entry.Trustee.ptstrName = (LPWSTR)network;
    CHECK(GetNamedSecurityInfoW(name, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl, NULL,
                                &descriptor) == 0);
    CHECK(SetEntriesInAclW(1, &entry, dacl, &changed) == 0 && changed->AceCount == dacl->AceCount + 1);
    CHECK(SetNamedSecurityInfoW(name, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, NULL, NULL, changed, NULL) == 0);
    LocalFree(descriptor);
    CHECK(entries_of(child, &dacl, &descriptor) == 0 && dacl->AceCount == before + 1);
    CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION,
                                                               &text, NULL));
    CHECK(wcsstr(text, L"(A;CIID;KR;;;NU)") != NULL);
    LocalFree(text);
    LocalFree(descriptor);
    LocalFree(changed);
    /* An empty list with nothing inherited stays an empty list, and is no NULL list (SE-4). */
    CHECK(InitializeAcl((PACL)name, sizeof(ACL), ACL_REVISION));
    CHECK(SetSecurityInfo(parent, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                          NULL, NULL, (PACL)name, NULL) == 0);
    CHECK(entries_of(child, &dacl, &descriptor) == 0 && dacl != NULL && dacl->AceCount == 0);
    LocalFree(descriptor);
    LocalFree(network);
    CHECK(RegCloseKey(child) == 0 && RegCloseKey(parent) == 0);
    return 0;
}

int main(void) {
    int line = sids();
    if (line == 0) line = descriptors();
    if (line == 0) line = tokens();
    if (line == 0) line = checks();
    if (line == 0) line = alarms();
    if (line == 0) line = propagation();
    return line == 0 ? 0 : 1;
}
