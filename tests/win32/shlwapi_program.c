/* The helpers of shlwapi.dll as a Windows program uses them. Returns 0, or 1 after printing a line that was not as
   expected. */
#include <shlwapi.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "check.h"

#define PATH L"Software\\RegentShlwapi"
#define PATH_A "Software\\RegentShlwapi"

static int values(void) {
    WCHAR text[MAX_PATH];
    char narrow[MAX_PATH];
    DWORD number = 7, size = sizeof(number), type = 0;
    HKEY key = NULL, copy;
    CHECK(SHSetValueW(HKEY_CURRENT_USER, PATH, L"n", REG_DWORD, &number, sizeof(number)) == 0);
    number = 0;
    CHECK(SHGetValueW(HKEY_CURRENT_USER, PATH, L"n", &type, &number, &size) == 0 && type == REG_DWORD && number == 7);
    CHECK(SHGetValueA(HKEY_CURRENT_USER, PATH_A, "missing", NULL, NULL, &size) == ERROR_FILE_NOT_FOUND);
    CHECK(SHGetValueA(HKEY_CURRENT_USER, PATH_A "\\missing", "n", NULL, NULL, &size) == ERROR_FILE_NOT_FOUND);
    CHECK(SHSetValueA(HKEY_CURRENT_USER, PATH_A, "e", REG_EXPAND_SZ, "%REGENT_T%!", 12) == 0);
    size = sizeof(narrow);
    CHECK(SHGetValueA(HKEY_CURRENT_USER, PATH_A, "e", &type, narrow, &size) == 0 && type == REG_SZ);
    CHECK(strcmp(narrow, "expanded!") == 0 && size == 10);
    size = 4;
    CHECK(SHGetValueW(HKEY_CURRENT_USER, PATH, L"e", &type, text, &size) == ERROR_MORE_DATA && size == 20);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, PATH, 0, KEY_ALL_ACCESS, &key) == 0);
    CHECK(RegSetValueExW(key, L"unterminated", 0, REG_SZ, (const BYTE*)L"abc", 4) == 0);
    size = sizeof(text);
    CHECK(SHQueryValueExW(key, L"unterminated", NULL, &type, text, &size) == 0 && wcscmp(text, L"ab") == 0);
    CHECK(SHQueryValueExW(key, L"n", &type, NULL, NULL, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(SHQueryValueExW(key, L"n", NULL, NULL, text, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(SHQueryInfoKeyW(key, &number, NULL, &size, NULL) == 0 && number == 0 && size == 3);
    copy = SHRegDuplicateHKey(key);
    CHECK(copy != NULL && copy != key && RegCloseKey(copy) == 0);
    size = MAX_PATH;
    CHECK(SHEnumValueW(key, 0, text, &size, &type, NULL, NULL) == 0 && wcscmp(text, L"n") == 0 && type == REG_DWORD);
    number = 0, size = sizeof(number);
    CHECK(SHRegGetValueW(key, NULL, L"n", SRRF_RT_REG_DWORD | SRRF_RM_NORMAL, NULL, &number, &size) == 0 &&
          number == 7);
    CHECK(SHRegGetValueW(key, NULL, L"n", SRRF_RT_REG_SZ, NULL, NULL, NULL) == ERROR_UNSUPPORTED_TYPE);
    CHECK(SHRegGetValueW(key, NULL, L"n", SRRF_RT_ANY | SRRF_RM_SAFE, NULL, NULL, NULL) == ERROR_GEN_FAILURE);
    CHECK(SHDeleteValueW(HKEY_CURRENT_USER, PATH, L"unterminated") == 0);
    CHECK(SHDeleteValueA(HKEY_CURRENT_USER, PATH_A, "unterminated") == ERROR_FILE_NOT_FOUND);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int paths(void) {
    WCHAR text[MAX_PATH];
    DWORD type = 0, size = sizeof(text);
    CHECK(SetEnvironmentVariableW(L"SystemRoot", L"/opt/windows"));
    CHECK(SHRegSetPathW(HKEY_CURRENT_USER, PATH, L"p", L"/opt/windows/system32", 0) == 0);
    CHECK(RegGetValueW(HKEY_CURRENT_USER, PATH, L"p", RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, &type, text, &size) == 0);
    CHECK(wcscmp(text, L"%SystemRoot%/system32") == 0);
    CHECK(SHRegGetPathW(HKEY_CURRENT_USER, PATH, L"p", text, 0) == 0 && wcscmp(text, L"/opt/windows/system32") == 0);
    CHECK(SHRegSetPathA(HKEY_CURRENT_USER, PATH_A, "q", "/srv/x", 0) == 0);
    CHECK(SHRegGetPathW(HKEY_CURRENT_USER, PATH, L"q", text, 0) == 0 && wcscmp(text, L"/srv/x") == 0);
    CHECK(SHRegGetPathW(HKEY_CURRENT_USER, PATH, L"n", text, 0) == ERROR_INVALID_DATATYPE);
    return 0;
}

static int keys(void) {
    HKEY key = NULL, target = NULL;
    DWORD count = 32, one = 1;
    WCHAR name[32];
    CHECK(SHSetValueW(HKEY_CURRENT_USER, PATH L"\\a\\b", L"v", REG_DWORD, &one, sizeof(one)) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, PATH, 0, KEY_ALL_ACCESS, &key) == 0);
    CHECK(SHEnumKeyExW(key, 0, name, &count) == 0 && wcscmp(name, L"a") == 0);
    CHECK(SHDeleteEmptyKeyW(key, L"a") == ERROR_KEY_HAS_CHILDREN);
    CHECK(SHDeleteOrphanKeyW(key, L"a\\b") == 0 && RegOpenKeyW(key, L"a\\b", &target) == 0); /* it has a value */
    CHECK(RegCloseKey(target) == 0);
    CHECK(RegCreateKeyW(key, L"copy", &target) == 0);
    CHECK(SHCopyKeyW(key, L"a", target, 0) == 0);
    CHECK(SHCopyKeyW(key, NULL, target, 0) == 0); /* into itself: it ends */
    CHECK(RegCloseKey(target) == 0);
    CHECK(SHGetValueW(key, L"copy\\b", L"v", NULL, NULL, NULL) == 0);
    CHECK(SHGetValueW(key, L"copy\\a\\b", L"v", NULL, NULL, NULL) == 0);
    CHECK(SHDeleteEmptyKeyA(key, "a\\b") == 0 && SHDeleteOrphanKeyA(key, "a") == 0);
    CHECK(RegOpenKeyW(key, L"a", &target) == ERROR_FILE_NOT_FOUND);
    CHECK(SHDeleteKeyW(key, L"copy") == 0 && SHDeleteKeyA(key, "copy") == ERROR_FILE_NOT_FOUND);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int user_keys(void) {
    HUSKEY key = NULL, below = NULL;
    DWORD number = 1, size = sizeof(number), other = 2, type = 0, standard = 9, values = 0;
    WCHAR name[32];
    CHECK(SHRegOpenUSKeyW(PATH L"\\us", KEY_READ, NULL, &key, FALSE) == ERROR_FILE_NOT_FOUND && key == NULL);
    CHECK(SHRegGetUSValueW(PATH L"\\us", L"v", &type, &number, &size, FALSE, &standard, sizeof(standard)) == 0);
    CHECK(number == 9 && size == 4);
    number = 1;
    CHECK(SHRegSetUSValueW(PATH L"\\us", L"v", REG_DWORD, &number, sizeof(number), SHREGSET_DEFAULT) == 0);
    CHECK(SHRegSetUSValueW(PATH L"\\us", L"v", REG_DWORD, &other, sizeof(other), SHREGSET_DEFAULT) == 0);
    CHECK(SHRegGetUSValueW(PATH L"\\us", L"v", &type, &number, &size, FALSE, NULL, 0) == 0 && number == 2);
    CHECK(SHRegGetUSValueW(PATH L"\\us", L"v", &type, &number, &size, TRUE, NULL, 0) == 0 && number == 1);
    CHECK(SHRegCreateUSKeyA(PATH_A "\\us", KEY_ALL_ACCESS, NULL, &key, SHREGSET_DEFAULT) == 0);
    CHECK(SHRegWriteUSValueA(key, "m", REG_DWORD, &number, sizeof(number), SHREGSET_FORCE_HKLM) == 0);
    CHECK(SHRegWriteUSValueA(key, "u", REG_DWORD, &number, sizeof(number), SHREGSET_HKCU) == 0);
    CHECK(SHRegQueryInfoUSKeyW(key, NULL, NULL, &values, NULL, SHREGENUM_HKCU) == 0 && values == 2);
    size = 32;
    CHECK(SHRegEnumUSValueW(key, 2, name, &size, NULL, NULL, NULL, SHREGENUM_BOTH) == 0 && wcscmp(name, L"m") == 0);
    size = 32;
    CHECK(SHRegEnumUSValueW(key, 3, name, &size, NULL, NULL, NULL, SHREGENUM_BOTH) == ERROR_NO_MORE_ITEMS);
    CHECK(SHRegCreateUSKeyW(L"below", KEY_ALL_ACCESS, key, &below, SHREGSET_FORCE_HKLM) == 0);
    CHECK(SHRegCloseUSKey(below) == 0);
    CHECK(SHRegOpenUSKeyW(L"below", KEY_READ, key, &below, FALSE) == 0 && SHRegCloseUSKey(below) == 0);
    size = 32;
    CHECK(SHRegEnumUSKeyW(key, 0, name, &size, SHREGENUM_DEFAULT) == ERROR_NO_MORE_ITEMS);
    size = 32;
    CHECK(SHRegEnumUSKeyW(key, 0, name, &size, SHREGENUM_BOTH) == 0 && wcscmp(name, L"below") == 0);
    CHECK(SHRegDeleteEmptyUSKeyW(key, L"below", SHREGDEL_DEFAULT) == 0);
    CHECK(SHRegDeleteUSValueW(key, L"v", SHREGDEL_DEFAULT) == 0);
    size = sizeof(number);
    CHECK(SHRegQueryUSValueW(key, L"v", NULL, &number, &size, FALSE, NULL, 0) == 0 && number == 1);
    CHECK(SHRegDeleteUSValueW(key, L"v", SHREGDEL_BOTH) == 0);
    CHECK(SHRegQueryUSValueW(key, L"v", NULL, &number, &size, FALSE, NULL, 0) == ERROR_FILE_NOT_FOUND);
    CHECK(SHRegCloseUSKey(key) == 0 && SHRegCloseUSKey(NULL) == ERROR_INVALID_PARAMETER);
    return 0;
}

static int truths(void) {
    static const struct {
        const WCHAR* text;
        BOOL standard, expected;
    } cases[] = {{L"yes", FALSE, TRUE},   {L"True", FALSE, TRUE}, {L"no", TRUE, FALSE},
                 {L"FALSE", TRUE, FALSE}, {L"maybe", TRUE, TRUE}, {L"maybe", FALSE, FALSE}};
    unsigned index;
    DWORD number = 3;
    CHECK(SHRegGetBoolUSValueW(PATH, L"no such value", FALSE, TRUE) == TRUE);
    for (index = 0; index < ARRAYSIZE(cases); ++index) {
        const DWORD size = (DWORD)((wcslen(cases[index].text) + 1) * sizeof(WCHAR));
        CHECK(SHSetValueW(HKEY_CURRENT_USER, PATH, L"b", REG_SZ, cases[index].text, size) == 0);
        CHECK(SHRegGetBoolUSValueW(PATH, L"b", FALSE, cases[index].standard) == cases[index].expected);
    }
    CHECK(SHSetValueW(HKEY_CURRENT_USER, PATH, L"b", REG_DWORD, &number, sizeof(number)) == 0);
    CHECK(SHRegGetBoolUSValueA(PATH_A, "b", FALSE, FALSE) == TRUE);
    CHECK(SHRegGetBoolUSValueA(PATH_A, "b", TRUE, FALSE) == FALSE);
    return 0;
}

int main(void) {
    int line = values();
    if (line == 0) line = paths();
    if (line == 0) line = keys();
    if (line == 0) line = user_keys();
    if (line == 0) line = truths();
    if (line == 0 && SHDeleteKeyW(HKEY_CURRENT_USER, PATH) != 0) line = __LINE__;
    if (line == 0 && SHDeleteKeyW(HKEY_LOCAL_MACHINE, PATH) != 0) line = __LINE__;
    if (line == 0) printf("ok\n");
    return line == 0 ? 0 : 1;
}
