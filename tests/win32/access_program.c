/* Checks of access as a Windows program makes them. Compiles for Windows as it stands; the checks by type are left out
   under Wine 8, which has none. Returns 0, or 1 after printing the line that was not as expected; the printed trace is
   the same under Wine. */
#define UNICODE
#include <windows.h>

#include <sddl.h>
#include <stdio.h>

#include "check.h"

static GENERIC_MAPPING mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS};

static PSECURITY_DESCRIPTOR describe(LPCWSTR text) {
    PSECURITY_DESCRIPTOR descriptor = NULL;
    ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &descriptor, NULL);
    return descriptor;
}

static int masks(void) {
    static const DWORD generic[] = {GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL, 0xF0000000, 0x3000001};
    DWORD index, mask;
    for (index = 0; index < ARRAYSIZE(generic); ++index) {
        mask = generic[index];
        MapGenericMask(&mask, &mapping);
        printf("map %08lx %08lx\n", (unsigned long)generic[index], (unsigned long)mask);
    }
    printf("all %d%d%d%d any %d%d%d%d\n", AreAllAccessesGranted(7, 5), AreAllAccessesGranted(5, 7),
           AreAllAccessesGranted(5, 0), AreAllAccessesGranted(0, 0), AreAnyAccessesGranted(5, 4),
           AreAnyAccessesGranted(5, 2), AreAnyAccessesGranted(5, 0), AreAnyAccessesGranted(0, 0));
    return 0;
}

/* What is known of a check that failed: nothing was written but the room that is needed. */
static int checks(HANDLE token) {
    static const struct {
        LPCWSTR sddl;
        DWORD desired;
    } rows[] = {
        {L"O:SYG:SYD:(A;;KR;;;WD)", KEY_READ},
        {L"O:SYG:SYD:(A;;KR;;;WD)", KEY_SET_VALUE},
        {L"O:SYG:SYD:(D;;CC;;;WD)(A;;KA;;;WD)", KEY_QUERY_VALUE},
        {L"O:SYG:SYD:(D;;CC;;;WD)(A;;KA;;;WD)", KEY_NOTIFY},
        {L"O:SYG:SYD:(A;;KR;;;WD)", GENERIC_READ},
        {L"O:SYG:SYD:(A;;KR;;;NU)", KEY_READ},
        {L"O:SYG:SYD:", KEY_QUERY_VALUE},
        {L"O:SYG:SYD:(A;CIIO;KA;;;WD)", KEY_QUERY_VALUE},
        {L"O:SYG:SY", KEY_ALL_ACCESS},
        {L"D:(A;;KR;;;WD)", KEY_READ},
        {L"O:SYD:(A;;KR;;;WD)", KEY_READ},
    };
    PRIVILEGE_SET used;
    DWORD index, size, granted;
    BOOL allowed;
    for (index = 0; index < ARRAYSIZE(rows); ++index) {
        PSECURITY_DESCRIPTOR descriptor = describe(rows[index].sddl);
        BOOL done;
        CHECK(descriptor != NULL);
        size = sizeof(used), granted = 0x1abe11ed, allowed = 0x1abe11ed;
        SetLastError(0xdead);
        done = AccessCheck(descriptor, token, rows[index].desired, &mapping, &used, &size, &granted, &allowed);
        printf("check %u %d %lx granted %08lx allowed %x\n", (unsigned)index, done,
               done && allowed ? 0 : (unsigned long)GetLastError(), (unsigned long)granted, (unsigned)allowed);
        LocalFree(descriptor);
    }
    return 0;
}

static int refusals(HANDLE token) {
    PSECURITY_DESCRIPTOR descriptor = describe(L"O:SYG:SYD:(A;;KR;;;WD)");
    PRIVILEGE_SET used;
    DWORD size = 0, granted = 0x1abe11ed;
    BOOL allowed = 0x1abe11ed;
    HANDLE primary = NULL;
    CHECK(!AccessCheck(descriptor, token, KEY_READ, &mapping, &used, &size, &granted, &allowed));
    CHECK(GetLastError() == ERROR_INSUFFICIENT_BUFFER && size == sizeof(used));
    CHECK(!AccessCheck(descriptor, token, KEY_READ, &mapping, NULL, &size, &granted, &allowed));
    CHECK(GetLastError() == ERROR_NOACCESS);
    CHECK(!AccessCheck(descriptor, token, KEY_READ, &mapping, &used, NULL, &granted, &allowed));
    CHECK(GetLastError() == ERROR_NOACCESS);
    CHECK(granted == 0x1abe11ed && allowed == 0x1abe11ed);
    CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &primary));
    CHECK(!AccessCheck(descriptor, primary, KEY_READ, &mapping, &used, &size, &granted, &allowed));
    CHECK(GetLastError() == ERROR_NO_IMPERSONATION_TOKEN);
    CHECK(CloseHandle(primary));
    LocalFree(descriptor);
    return 0;
}

static GUID types[] = {{1, 0, 0, {0}}, {2, 0, 0, {0}}, {3, 0, 0, {0}}};
static OBJECT_TYPE_LIST parts[] = {
    {ACCESS_OBJECT_GUID, 0, &types[0]}, {ACCESS_PROPERTY_SET_GUID, 0, &types[1]}, {ACCESS_PROPERTY_GUID, 0, &types[2]}};

static int by_type(HANDLE token) {
    PSECURITY_DESCRIPTOR descriptor = describe(
        L"O:SYG:SYD:(OA;;CC;00000002-0000-0000-0000-000000000000;;PS)(OA;;DC;00000001-0000-0000-0000-000000000000;;"
        L"WD)");
    SID_IDENTIFIER_AUTHORITY world = {SECURITY_WORLD_SID_AUTHORITY};
    PRIVILEGE_SET used;
    PSID self = NULL;
    DWORD size = sizeof(used), granted[3] = {9, 9, 9}, errors[3] = {9, 9, 9};
    BOOL allowed = FALSE;
    CHECK(descriptor != NULL && AllocateAndInitializeSid(&world, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &self));
    CHECK(AccessCheckByType(descriptor, self, token, 2, parts, 3, &mapping, &used, &size, granted, &allowed));
    CHECK(allowed && granted[0] == 2 && granted[1] == 9 && used.PrivilegeCount == 0);
    CHECK(AccessCheckByType(descriptor, self, token, 3, parts, 2, &mapping, &used, &size, granted, &allowed));
    CHECK(allowed && granted[0] == 3);
    CHECK(AccessCheckByType(descriptor, NULL, token, 3, parts, 3, &mapping, &used, &size, granted, &allowed));
    CHECK(!allowed && granted[0] == 0 && GetLastError() == ERROR_ACCESS_DENIED);
    CHECK(AccessCheckByTypeResultList(descriptor, NULL, token, 3, parts, 3, &mapping, &used, &size, granted, errors));
    CHECK(granted[0] == 2 && granted[2] == 2 && errors[0] == ERROR_ACCESS_DENIED && errors[2] == ERROR_ACCESS_DENIED);
    CHECK(AccessCheckByTypeResultList(descriptor, self, token, 1, parts, 3, &mapping, &used, &size, granted, errors));
    CHECK(errors[0] == 0 && errors[1] == 0 && errors[2] == 0 && granted[2] == 1); /* the only part: the whole */
    parts[2].Level = 3;
    CHECK(!AccessCheckByTypeResultList(descriptor, self, token, 1, parts, 3, &mapping, &used, &size, granted, errors));
    CHECK(GetLastError() == ERROR_INVALID_PARAMETER && errors[0] == 0);
    parts[2].Level = ACCESS_PROPERTY_GUID;
    FreeSid(self);
    LocalFree(descriptor);
    return 0;
}

static int alarms(HANDLE token) {
    PSECURITY_DESCRIPTOR descriptor = describe(L"O:SYG:SYD:(OA;;CC;00000002-0000-0000-0000-000000000000;;WD)");
    DWORD granted[3] = {9, 9, 9}, errors[3] = {9, 9, 9};
    BOOL allowed = TRUE, close = TRUE;
    CHECK(AccessCheckByTypeAndAuditAlarmW(L"Post", NULL, L"Letter", L"x", descriptor, NULL, 1, AuditEventObjectAccess,
                                          AUDIT_ALLOW_NO_PRIVILEGE, parts, 3, &mapping, FALSE, granted, &allowed,
                                          &close));
    CHECK(allowed && granted[0] == 1 && !close); /* the only part again */
    CHECK(AccessCheckByTypeAndAuditAlarmA("Post", NULL, "Letter", "x", descriptor, NULL, 2, AuditEventObjectAccess,
                                          AUDIT_ALLOW_NO_PRIVILEGE, parts, 3, &mapping, FALSE, granted, &allowed,
                                          &close));
    CHECK(!allowed && granted[0] == 0 && GetLastError() == ERROR_ACCESS_DENIED && !close);
    CHECK(AccessCheckByTypeResultListAndAuditAlarmW(L"Post", NULL, L"Letter", L"x", descriptor, NULL, 1,
                                                    AuditEventDirectoryServiceAccess, AUDIT_ALLOW_NO_PRIVILEGE, parts,
                                                    2, &mapping, FALSE, granted, errors, &close));
    CHECK(errors[0] == 0 && errors[1] == 0 && errors[2] == 9 && granted[1] == 1);
    CHECK(AccessCheckByTypeResultListAndAuditAlarmA("Post", NULL, "Letter", "x", descriptor, NULL, 2,
                                                    AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, parts, 2,
                                                    &mapping, FALSE, granted, errors, &close));
    CHECK(errors[0] == ERROR_ACCESS_DENIED && granted[0] == 0);
    CHECK(RevertToSelf());
    CHECK(!AccessCheckByTypeResultListAndAuditAlarmW(L"Post", NULL, L"Letter", L"x", descriptor, NULL, 1,
                                                     AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, parts, 2,
                                                     &mapping, FALSE, granted, errors, &close));
    CHECK(GetLastError() == ERROR_NO_IMPERSONATION_TOKEN && errors[0] == ERROR_ACCESS_DENIED);
    CHECK(AccessCheckByTypeResultListAndAuditAlarmByHandleW(L"Post", NULL, token, L"Letter", L"x", descriptor, NULL, 1,
                                                            AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, parts, 3,
                                                            &mapping, FALSE, granted, errors, &close));
    CHECK(errors[0] == 0 && errors[2] == 0);
    CHECK(AccessCheckByTypeResultListAndAuditAlarmByHandleA("Post", NULL, token, "Letter", "x", descriptor, NULL, 1,
                                                            AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, parts, 3,
                                                            &mapping, FALSE, granted, errors, &close));
    CHECK(errors[1] == 0 && granted[1] == 1);
    LocalFree(descriptor);
    return 0;
}

int main(void) {
    HANDLE token = NULL;
    int line = masks();
    if (line != 0) return 1;
    if (!ImpersonateSelf(SecurityImpersonation)) return 1;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, &token)) return 1;
    line = checks(token);
    if (line == 0) line = refusals(token);
    if (GetProcAddress(GetModuleHandleA("ntdll"), "wine_get_version") == NULL) {
        if (line == 0) line = by_type(token);
        if (line == 0) line = alarms(token);
    }
    CloseHandle(token);
    return line == 0 ? 0 : 1;
}
