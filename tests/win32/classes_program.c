/* HKEY_CLASSES_ROOT (NS-12, NS-14) and the two views (AC-8), as a Windows program sees them. Numbers are rows of the
   conformance table. Returns 0, or 1 after printing the line at which something was not as on Windows. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "check.h"

static const WCHAR user_path[] = L"Software\\Classes\\RegentClass";
static const WCHAR machine_path[] = L"Software\\Classes\\RegentClass";
static const WCHAR class_path[] = L"RegentClass";

static LSTATUS put(HKEY root, const WCHAR* path, const WCHAR* name, DWORD number) {
    return RegSetKeyValueW(root, path, name, REG_DWORD, &number, sizeof(number));
}

static int get(HKEY root, const WCHAR* path, const WCHAR* name) {
    DWORD number = 0, size = sizeof(number);
    const LSTATUS error = RegGetValueW(root, path, name, RRF_RT_REG_DWORD, NULL, &number, &size);
    return error == 0 ? (int)number : -(int)error;
}

static int low_bits(HKEY key) { return (int)((ULONG_PTR)key & 3); }

static int handles(void) {
    HKEY key = NULL, other = NULL;
    HANDLE copy = NULL;
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, NULL, 0, KEY_READ, &key) == 0 && key == HKEY_CLASSES_ROOT); /* 195 */
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"\\", 0, KEY_READ, &key) == 0 && key != HKEY_CLASSES_ROOT);
    CHECK(low_bits(key) == 2 && RegCloseKey(key) == 0);                                                /* 223 */
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"\\CLSID", 0, KEY_READ, &key) == 0 && low_bits(key) == 2); /* 194 */
    CHECK(DuplicateHandle(GetCurrentProcess(), key, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    CHECK(low_bits((HKEY)copy) == 0 && RegCloseKey((HKEY)copy) == 0);
    CHECK(RegOpenKeyExW(key, NULL, 0, KEY_READ, &other) == 0 && low_bits(other) == 2);
    CHECK(RegCloseKey(other) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"Software\\Classes", 0, KEY_READ, &key) == 0 && low_bits(key) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Classes", 0, KEY_READ, &key) == 0 && low_bits(key) == 0);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int creation(void) {
    HKEY key = NULL, machine = NULL;
    DWORD disposition = 0;
    CHECK(RegCreateKeyExW(HKEY_CLASSES_ROOT, class_path, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, &disposition) == 0);
    CHECK(disposition == REG_CREATED_NEW_KEY); /* 225: on the machine's side */
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, machine_path, 0, KEY_READ, &machine) == 0 && RegCloseKey(machine) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, user_path, 0, KEY_READ, &machine) == ERROR_FILE_NOT_FOUND);
    CHECK(put(key, NULL, L"n", 1) == 0 && get(HKEY_LOCAL_MACHINE, machine_path, L"n") == 1); /* 227 */
    CHECK(put(HKEY_CURRENT_USER, user_path, L"u", 2) == 0);
    CHECK(get(key, NULL, L"u") == 2 && get(key, NULL, L"n") == 1); /* 226, 227: the same handle sees the twin */
    CHECK(put(key, NULL, L"n", 3) == 0 && get(HKEY_CURRENT_USER, user_path, L"n") == 3);
    CHECK(get(HKEY_LOCAL_MACHINE, machine_path, L"n") == 1 && get(key, NULL, L"n") == 3);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegCreateKeyExW(HKEY_CLASSES_ROOT, class_path, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, &disposition) == 0);
    CHECK(disposition == REG_OPENED_EXISTING_KEY && get(key, NULL, L"n") == 3); /* 225: the user's is preferred */
    CHECK(put(key, L"made\\below", L"m", 4) == 0);                              /* 228 */
    CHECK(get(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentClass\\made\\below", L"m") == 4);
    CHECK(get(HKEY_CURRENT_USER, L"Software\\Classes\\RegentClass\\made\\below", L"m") == -ERROR_FILE_NOT_FOUND);
    CHECK(get(HKEY_CLASSES_ROOT, L"RegentClass\\made\\below", L"m") == 4);
    CHECK(RegDeleteValueW(key, L"u") == 0 && get(HKEY_CURRENT_USER, user_path, L"u") == -ERROR_FILE_NOT_FOUND);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int enumeration(void) { /* 230 */
    static const WCHAR* const sides[] = {L"A", L"C", L"B", L"C"};
    WCHAR path[64], name[16];
    DWORD index, count, subkeys = 0, values = 0;
    HKEY key = NULL;
    unsigned seen = 0;
    CHECK(RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentClass\\made") == 0);
    for (index = 0; index < 4; ++index) {
        wcscpy(path, user_path);
        wcscat(path, L"\\");
        wcscat(path, sides[index]);
        CHECK(RegCreateKeyW(index < 2 ? HKEY_CURRENT_USER : HKEY_LOCAL_MACHINE, path, &key) == 0);
        CHECK(RegCloseKey(key) == 0);
    }
    CHECK(put(HKEY_CURRENT_USER, user_path, L"X", 1) == 0 && put(HKEY_CURRENT_USER, user_path, L"Y", 2) == 0);
    CHECK(put(HKEY_LOCAL_MACHINE, machine_path, L"X", 3) == 0 && put(HKEY_LOCAL_MACHINE, machine_path, L"Z", 4) == 0);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, class_path, 0, KEY_READ, &key) == 0);
    for (index = 0; index < 3; ++index) {
        count = 16;
        CHECK(RegEnumKeyExW(key, index, name, &count, NULL, NULL, NULL, NULL) == 0 && count == 1);
        seen |= 1u << (name[0] - L'A');
    }
    CHECK(seen == 7);
    count = 16;
    CHECK(RegEnumKeyExW(key, 3, name, &count, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS);
    for (index = 0; index < 4; ++index) { /* n, X, Y are the user's; n and X are there once; then the machine's Z */
        count = 16;
        CHECK(RegEnumValueW(key, index, name, &count, NULL, NULL, NULL, NULL) == 0 && name[0] == L"nXYZ"[index]);
    }
    count = 16;
    CHECK(RegEnumValueW(key, 4, name, &count, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS);
    CHECK(RegQueryInfoKeyW(key, NULL, NULL, NULL, &subkeys, NULL, NULL, &values, NULL, NULL, NULL, NULL) == 0);
    CHECK(subkeys == 3 && values == 4);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int notification(void) {
    HKEY key = NULL;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    const DWORD filter = REG_NOTIFY_CHANGE_LAST_SET;
    CHECK(event != NULL);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, class_path, 0, KEY_READ, &key) == 0);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, filter, event, TRUE) == 0);
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(put(HKEY_LOCAL_MACHINE, machine_path, L"X", 30) == 0); /* either side wakes the waiter */
    CHECK(WaitForSingleObject(event, 5000) == WAIT_OBJECT_0);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, filter, event, TRUE) == 0);
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(put(HKEY_CURRENT_USER, user_path, L"X", 10) == 0);
    CHECK(WaitForSingleObject(event, 5000) == WAIT_OBJECT_0);
    CHECK(RegCloseKey(key) == 0 && CloseHandle(event));
    return 0;
}

static int deletion(void) {
    HKEY key = NULL, target = NULL;
    WCHAR name[16];
    DWORD count = 16;
    /* A copy through HKEY_CLASSES_ROOT has both sides; the user's values win. */
    CHECK(RegCreateKeyW(HKEY_CURRENT_USER, L"Software\\RegentCopy", &target) == 0);
    CHECK(RegCopyTreeW(HKEY_CLASSES_ROOT, class_path, target) == 0);
    CHECK(get(target, NULL, L"X") == 10 && get(target, NULL, L"Z") == 4 && get(target, NULL, L"Y") == 2);
    CHECK(RegOpenKeyExW(target, L"B", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegCloseKey(target) == 0 && RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\RegentCopy") == 0);
    /* 229: the user's twin goes first. */
    CHECK(RegDeleteKeyW(HKEY_CLASSES_ROOT, L"RegentClass\\C") == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"Software\\Classes\\RegentClass\\C", 0, KEY_READ, &key) ==
          ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteKeyW(HKEY_CLASSES_ROOT, L"RegentClass\\C") == 0);
    CHECK(RegDeleteKeyW(HKEY_CLASSES_ROOT, L"RegentClass\\C") == ERROR_FILE_NOT_FOUND);
    /* 231 */
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, class_path, 0, KEY_READ, &key) == 0);
    CHECK(RegDeleteTreeW(HKEY_CURRENT_USER, user_path) == 0);
    CHECK(RegEnumValueW(key, 0, name, &count, NULL, NULL, NULL, NULL) == ERROR_KEY_DELETED);
    CHECK(RegCloseKey(key) == 0);
    CHECK(get(HKEY_CLASSES_ROOT, class_path, L"X") == 30 && get(HKEY_CLASSES_ROOT, class_path, L"Y") < 0);
    CHECK(RegDeleteTreeW(HKEY_CLASSES_ROOT, class_path) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, machine_path, 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RegQueryValueExW(HKEY_CLASSES_ROOT, L"no such value", NULL, NULL, NULL, &count) == ERROR_FILE_NOT_FOUND);
    CHECK(count == 0); /* 150 */
    return 0;
}

/* Rights of a merged handle are those it was opened with, on both sides. */
static int rights(void) {
    HKEY key = NULL;
    CHECK(put(HKEY_LOCAL_MACHINE, machine_path, L"n", 1) == 0);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, class_path, 0, KEY_READ, &key) == 0);
    CHECK(put(HKEY_CURRENT_USER, user_path, L"n", 2) == 0);
    CHECK(get(key, NULL, L"n") == 2 && put(key, NULL, L"n", 3) == ERROR_ACCESS_DENIED);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, class_path, 0, KEY_SET_VALUE, &key) == 0);
    CHECK(get(key, NULL, L"n") == -ERROR_ACCESS_DENIED && put(key, NULL, L"n", 4) == 0);
    CHECK(get(HKEY_CURRENT_USER, user_path, L"n") == 4 && get(HKEY_LOCAL_MACHINE, machine_path, L"n") == 1);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegDeleteTreeW(HKEY_CURRENT_USER, user_path) == 0 && RegDeleteTreeW(HKEY_CLASSES_ROOT, class_path) == 0);
    return 0;
}

static int views(void) {
    static const WCHAR* const shared[] = {L"Clients",
                                          L"Policies",
                                          L"RegisteredApplications",
                                          L"Microsoft\\COM3",
                                          L"Microsoft\\OLE",
                                          L"Microsoft\\Windows\\CurrentVersion\\App Paths",
                                          L"Microsoft\\Windows NT\\CurrentVersion\\Fonts",
                                          L"Microsoft\\Windows NT\\CurrentVersion\\Time Zones",
                                          L"Classes\\HCP",
                                          L"Classes\\AppId"};
    static const WCHAR* const split[] = {
        L"RegentView",         L"Microsoft\\RegentView", L"Classes\\CLSID",          L"Classes\\DirectShow",
        L"Classes\\Interface", L"Classes\\Media Type",   L"Classes\\MediaFoundation"};
    const REGSAM v32 = KEY_WOW64_32KEY, v64 = KEY_WOW64_64KEY;
    WCHAR path[128];
    HKEY key = NULL, below = NULL;
    unsigned index;
    for (index = 0; index < ARRAYSIZE(shared) + ARRAYSIZE(split); ++index) {
        const BOOL is_shared = index < ARRAYSIZE(shared);
        wcscpy(path, L"Software\\");
        wcscat(path, is_shared ? shared[index] : split[index - ARRAYSIZE(shared)]);
        wcscat(path, L"\\RegentShared");
        CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, 0, KEY_ALL_ACCESS | v32, NULL, &key, NULL) == 0);
        CHECK(RegCloseKey(key) == 0);
        CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ | v64, &key) ==
              (is_shared ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND));
        if (is_shared) CHECK(RegCloseKey(key) == 0);
        CHECK(RegDeleteKeyExW(HKEY_LOCAL_MACHINE, path, v32, 0) == 0);
    }
    /* 233: a handle of the 64-bit view and a child without a flag. 237: trees follow the view of their handle. */
    CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"Software\\WOW6432Node\\t1\\t2", 0, NULL, 0, KEY_ALL_ACCESS | v32, NULL,
                          &key, NULL) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\t1\\t2", 0, KEY_READ | v32, &key) == 0 &&
          RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software", 0, KEY_ALL_ACCESS | v64, &key) == 0);
    CHECK(RegOpenKeyExW(key, L"t1", 0, KEY_READ, &below) == ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteTreeW(key, L"t1") == ERROR_FILE_NOT_FOUND);
    CHECK(RegOpenKeyExW(key, L"Wow6432Node\\t1", 0, KEY_READ, &below) == 0 && RegCloseKey(below) == 0); /* 235 */
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, NULL, 0, KEY_ALL_ACCESS | v32, &key) == 0);
    CHECK(RegDeleteTreeW(key, L"Software\\t1") == 0 && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\t1", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    return 0;
}

static int links(void) { /* AC-9, 238 to 242 */
    HANDLE token = NULL;
    DWORD classes = 0, node = 0;
    HKEY key = NULL;
    const WCHAR* text = L"%ProgramFiles%\\x";
    WCHAR read[64];
    DWORD size;
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\Classes\\Interface\\RegentLink", L"n", 1) == 0);
    CHECK(get(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\Interface\\RegentLink", L"n") == 1);
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\AppId\\RegentLink", L"n", 2) == 0);
    CHECK(get(HKEY_LOCAL_MACHINE, L"Software\\Classes\\AppId\\RegentLink", L"n") == 2);
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Typelib\\RegentLink", L"n", 3) == 0);
    CHECK(get(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\Classes\\TypeLib\\RegentLink", L"n") == 3);
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Classes\\PROTOCOLS\\RegentLink", L"n", 4) == 0);
    CHECK(get(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\PROTOCOLS\\RegentLink", L"n") == 4);
    for (size = 'a'; size <= 'z'; ++size) { /* a Windows has thousands of classes in the first, few in the second */
        WCHAR path[] = L"Software\\Classes\\.?";
        path[wcslen(path) - 1] = (WCHAR)size;
        CHECK(put(HKEY_LOCAL_MACHINE, path, NULL, size) == 0);
    }
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Classes", 0, KEY_READ, &key) == 0);
    CHECK(RegQueryInfoKeyW(key, NULL, NULL, NULL, &classes, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\Classes", 0, KEY_READ, &key) == 0);
    CHECK(RegQueryInfoKeyW(key, NULL, NULL, NULL, &node, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == 0);
    CHECK(RegCloseKey(key) == 0 && classes > node); /* 242 */
    /* The user's classes are another hive behind a link; HKEY_CURRENT_CONFIG and CurrentControlSet are links too. */
    CHECK(put(HKEY_CURRENT_USER, L"Software\\Classes\\RegentLink", L"n", 5) == 0);
    CHECK(get(HKEY_CLASSES_ROOT, L"RegentLink", L"n") == 5);
    CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    CHECK(RegOpenUserClassesRoot(token, 0, KEY_ALL_ACCESS, &key) == 0 && CloseHandle(token) &&
          get(key, L"RegentLink", L"n") == 5);
    CHECK(RegDeleteKeyW(key, L"RegentLink") == 0 && RegCloseKey(key) == 0);
    CHECK(put(HKEY_CURRENT_CONFIG, L"Software\\RegentLink", L"n", 6) == 0);
    CHECK(get(HKEY_LOCAL_MACHINE, L"System\\CurrentControlSet\\Hardware Profiles\\Current\\Software\\RegentLink",
              L"n") == 6);
    CHECK(get(HKEY_LOCAL_MACHINE, L"System\\ControlSet001\\Hardware Profiles\\0001\\Software\\RegentLink", L"n") == 6);
    /* AC-10 concerns 32-bit callers: a 64-bit one's text stays. */
    CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"Software\\RegentLink", 0, NULL, 0, KEY_ALL_ACCESS | KEY_WOW64_32KEY,
                          NULL, &key, NULL) == 0);
    CHECK(RegSetValueExW(key, L"p", 0, REG_SZ, (const BYTE*)text, 17 * sizeof(WCHAR)) == 0);
    size = sizeof(read);
    CHECK(RegQueryValueExW(key, L"p", NULL, NULL, (BYTE*)read, &size) == 0 && wcscmp(read, text) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyExW(HKEY_LOCAL_MACHINE, L"Software\\RegentLink", KEY_WOW64_32KEY, 0) == 0);
    return 0;
}

static int predefined(void) {
    HKEY key = NULL, other = NULL;
    CHECK(put(HKEY_CURRENT_USER, L"Software\\RegentOver", L"n", 7) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"Software\\RegentOver", 0, KEY_READ, &key) == 0);
    CHECK(RegOverridePredefKey(HKEY_CLASSES_ROOT, key) == 0 && get(HKEY_CLASSES_ROOT, NULL, L"n") == 7); /* W-6 */
    CHECK(RegOverridePredefKey(HKEY_CLASSES_ROOT, NULL) == 0 && get(HKEY_CLASSES_ROOT, NULL, L"n") < 0);
    CHECK(RegOverridePredefKey(key, key) == ERROR_INVALID_HANDLE);
    CHECK(RegOpenCurrentUser(KEY_READ, &other) == 0 && get(other, L"Software\\RegentOver", L"n") == 7); /* 211 */
    CHECK(RegCloseKey(other) == 0 && RegCloseKey(key) == 0);
    CHECK(RegDisablePredefinedCache() == 0 && get(HKEY_CURRENT_USER, L"Software\\RegentOver", L"n") == 7);
    CHECK(RegDisablePredefinedCacheEx() == 0 && get(HKEY_CURRENT_USER, L"Software\\RegentOver", L"n") == 7);
    CHECK(RegDeleteKeyW(HKEY_CURRENT_USER, L"Software\\RegentOver") == 0);
    return 0;
}

/* What is saved of a key that is on both sides is what the merged view shows. */
static int saving(const char* folder) {
    char merged[260], all[260];
    HKEY key = NULL;
    snprintf(merged, sizeof(merged), "%s/merged", folder);
    snprintf(all, sizeof(all), "%s/all", folder);
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentSave", L"n", 1) == 0);
    CHECK(put(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentSave\\machine", L"n", 4) == 0);
    CHECK(put(HKEY_CURRENT_USER, L"Software\\Classes\\RegentSave", L"n", 2) == 0);
    CHECK(put(HKEY_CURRENT_USER, L"Software\\Classes\\RegentSave\\user", L"n", 5) == 0);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"RegentSave", 0, KEY_READ, &key) == 0);
    CHECK(RegSaveKeyA(key, merged, NULL) == 0 && RegCloseKey(key) == 0);
    CHECK(RegLoadKeyA(HKEY_USERS, "RegentSaved", merged) == 0);
    CHECK(get(HKEY_USERS, L"RegentSaved", L"n") == 2);
    CHECK(get(HKEY_USERS, L"RegentSaved\\machine", L"n") == 4 && get(HKEY_USERS, L"RegentSaved\\user", L"n") == 5);
    CHECK(RegUnLoadKeyA(HKEY_USERS, "RegentSaved") == 0);
    CHECK(RegSaveKeyExA(HKEY_CLASSES_ROOT, all, NULL, REG_LATEST_FORMAT) == ERROR_INVALID_HANDLE);
    CHECK(RegSaveKeyA(HKEY_CLASSES_ROOT, all, NULL) == 0 && RegLoadKeyA(HKEY_USERS, "RegentSaved", all) == 0);
    CHECK(get(HKEY_USERS, L"RegentSaved\\RegentSave", L"n") == 2);
    CHECK(get(HKEY_USERS, L"RegentSaved\\RegentSave\\machine", L"n") == 4);
    CHECK(RegUnLoadKeyA(HKEY_USERS, "RegentSaved") == 0);
    CHECK(RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentSave") == 0);
    CHECK(RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\Classes\\RegentSave") == 0);
    return 0;
}

int main(int argc, char** argv) {
    int line = handles();
    if (line == 0) line = creation();
    if (line == 0) line = enumeration();
    if (line == 0) line = notification();
    if (line == 0) line = deletion();
    if (line == 0) line = rights();
    if (line == 0) line = views();
    if (line == 0) line = links();
    if (line == 0 && argc > 1) line = saving(argv[1]);
    if (line == 0) line = predefined();
    if (line == 0) printf("ok\n");
    return line == 0 ? 0 : 1;
}
