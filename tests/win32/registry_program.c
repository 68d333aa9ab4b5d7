/* A program written for Windows: nothing in it knows about Regent. It exercises the Win32 registry API and returns 0,
   or the line at which something was not as on Windows. The numbers in comments are rows of the conformance table. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <winternl.h>

#include "check.h"

#define LEVELS_10 "\\a\\b\\c\\d\\e\\f\\g\\h\\i\\j"
#define LEVELS_31 LEVELS_10 LEVELS_10 LEVELS_10 "\\k"

static const WCHAR base_path[] = L"Software\\RegentWin32Test";

static int keys(HKEY* base) {
    HKEY key = NULL, again = NULL;
    DWORD disposition = 0;
    CHECK(RegCreateKeyExW(HKEY_CURRENT_USER, base_path, 0, L"a class", REG_OPTION_NON_VOLATILE, KEY_ALL_ACCESS, NULL,
                          base, &disposition) == ERROR_SUCCESS);
    CHECK(disposition == REG_CREATED_NEW_KEY);
    CHECK(RegCreateKeyExW(HKEY_CURRENT_USER, base_path, 0, NULL, 0, KEY_READ, NULL, &again, &disposition) == 0);
    CHECK(disposition == REG_OPENED_EXISTING_KEY && again != *base);
    CHECK(RegCloseKey(again) == 0);
    CHECK(RegCloseKey(NULL) == ERROR_INVALID_HANDLE); /* 205 */
    /* Missing levels are made (NS-6). */
    CHECK(RegCreateKeyA(*base, "one\\two\\three", &key) == 0);
    CHECK(RegCloseKey(key) == 0);
    /* At most 32 of them; more make nothing (HB-7). */
    CHECK(RegCreateKeyA(*base, "1" LEVELS_31, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegCreateKeyA(*base, "2\\1" LEVELS_31, &key) == ERROR_INVALID_PARAMETER && key == NULL);
    CHECK(RegOpenKeyA(*base, "2", &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteTreeA(*base, "1") == 0);
    CHECK(RegOpenKeyExW(*base, L"ONE\\Two\\", 0, KEY_READ, &key) == 0); /* 191 */
    CHECK(RegCloseKey(key) == 0);
    key = (HKEY)(ULONG_PTR)1;
    CHECK(RegOpenKeyExW(*base, L"missing", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND && key == NULL);
    CHECK(RegOpenKeyExW(*base, L"\\one", 0, KEY_READ, &key) == ERROR_BAD_PATHNAME);
    CHECK(RegOpenKeyW(*base, NULL, &key) == 0 && key == *base); /* 192 */
    CHECK(RegOpenKeyExW(*base, L"", 0, KEY_READ, &key) == 0 && key != *base);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegCreateKeyExW(*base, L"x", 0, NULL, 0, KEY_READ, NULL, NULL, NULL) == ERROR_BADKEY); /* 198 */
    CHECK(RegOpenKeyExW(NULL, L"x", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE);
    /* 201 */
    CHECK(RegCreateKeyExW(*base, L"volatile", 0, NULL, REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    CHECK(RegCreateKeyExW(key, L"stable", 0, NULL, 0, KEY_READ, NULL, &again, NULL) == ERROR_CHILD_MUST_BE_VOLATILE);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyW(*base, L"one") == ERROR_ACCESS_DENIED); /* it has subkeys */
    CHECK(RegDeleteKeyW(*base, L"volatile") == 0);
    CHECK(RegDeleteKeyW(*base, NULL) == ERROR_INVALID_PARAMETER); /* 206 */
    return 0;
}

static int values(HKEY base) {
    BYTE bytes[64];
    WCHAR text[32];
    char narrow[32];
    DWORD type = 0, size = 0, number = 0x12345678;
    CHECK(RegSetValueExW(base, L"number", 0, REG_DWORD, (const BYTE*)&number, sizeof(number)) == 0);
    CHECK(RegSetValueExW(base, NULL, 0, REG_SZ, (const BYTE*)L"default", sizeof(L"default")) == 0);
    CHECK(RegSetValueExW(base, L"text", 0, REG_SZ, (const BYTE*)L"hello", 5 * sizeof(WCHAR)) == 0);
    size = sizeof(text);
    CHECK(RegQueryValueExW(base, L"TEXT", NULL, &type, (BYTE*)text, &size) == 0);
    CHECK(type == REG_SZ && size == 12 && wcscmp(text, L"hello") == 0); /* 142: the NUL behind was stored */
    CHECK(RegQueryValueExW(base, L"text", NULL, NULL, NULL, &size) == 0 && size == 12);
    size = 4;
    CHECK(RegQueryValueExW(base, L"text", NULL, &type, (BYTE*)text, &size) == ERROR_MORE_DATA && size == 12);
    size = sizeof(narrow);
    CHECK(RegQueryValueExA(base, "text", NULL, &type, (BYTE*)narrow, &size) == 0);
    CHECK(size == 6 && strcmp(narrow, "hello") == 0);
    size = sizeof(bytes);
    CHECK(RegQueryValueExW(base, L"missing", NULL, NULL, bytes, &size) == ERROR_FILE_NOT_FOUND &&
          size == sizeof(bytes));
    CHECK(RegQueryValueExW(base, L"text", &type, NULL, NULL, NULL) == ERROR_INVALID_PARAMETER); /* 155 */
    CHECK(RegQueryValueExW(base, L"text", NULL, NULL, bytes, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegSetValueExW(base, L"bad", 0, REG_SZ, NULL, 4) == ERROR_NOACCESS); /* 144 */
    CHECK(RegSetValueExW(base, L"empty", 0, REG_SZ, NULL, 0) == 0);
    size = sizeof(bytes);
    CHECK(RegQueryValueExW(base, L"empty", NULL, &type, bytes, &size) == 0 && size == 0); /* 140 */
    CHECK(RegSetValueExA(base, "utf8", 0, REG_SZ, (const BYTE*)"h\xC3\xA9", 4) == 0);
    size = sizeof(text);
    CHECK(RegQueryValueExW(base, L"utf8", NULL, NULL, (BYTE*)text, &size) == 0 && size == 6 && text[1] == 0xE9);
    CHECK(RegSetValueW(base, L"sub", REG_BINARY, L"x", 2) == ERROR_INVALID_PARAMETER); /* 139 */
    CHECK(RegSetValueW(base, L"sub", REG_SZ, L"sub default", 0) == 0);
    CHECK(RegDeleteValueW(base, L"utf8") == 0);
    CHECK(RegDeleteValueW(base, L"utf8") == ERROR_FILE_NOT_FOUND); /* 208 */
    return 0;
}

static int typed_reads(HKEY base) {
    WCHAR text[64];
    DWORD type = 0, number = 0, size = sizeof(number);
    const DWORD both = RRF_SUBKEY_WOW6464KEY | RRF_SUBKEY_WOW6432KEY;
    CHECK(RegGetValueW(base, NULL, L"number", RRF_RT_REG_DWORD, &type, &number, &size) == 0);
    CHECK(type == REG_DWORD && number == 0x12345678 && size == 4);
    number = 0;
    CHECK(RegGetValueW(base, NULL, L"number", RRF_RT_REG_BINARY, &type, &number, &size) == ERROR_UNSUPPORTED_TYPE);
    CHECK(type == REG_DWORD && number == 0x12345678); /* 162 */
    CHECK(RegGetValueW(base, NULL, L"number", RRF_RT_REG_BINARY | RRF_ZEROONFAILURE, NULL, &number, &size) ==
          ERROR_UNSUPPORTED_TYPE);
    CHECK(number == 0); /* 163 */
    CHECK(RegGetValueW(base, NULL, L"number", RRF_RT_ANY | both, NULL, NULL, NULL) ==
          ERROR_INVALID_PARAMETER);                                                                         /* 161 */
    CHECK(RegGetValueW(base, NULL, L"number", RRF_RT_ANY, NULL, &number, NULL) == ERROR_INVALID_PARAMETER); /* 160 */
    size = sizeof(text);
    CHECK(RegGetValueW(base, L"sub", NULL, RRF_RT_REG_SZ, NULL, text, &size) == 0);
    CHECK(wcscmp(text, L"sub default") == 0 && size == 24);
    CHECK(RegSetValueExW(base, L"path", 0, REG_EXPAND_SZ, (const BYTE*)L"%REGENT_T%!", sizeof(L"%REGENT_T%!")) == 0);
    size = sizeof(text);
    CHECK(RegGetValueW(base, NULL, L"path", RRF_RT_REG_SZ, &type, text, &size) == 0);
    CHECK(type == REG_SZ && wcscmp(text, L"expanded!") == 0); /* 167 */
    size = sizeof(text);
    CHECK(RegGetValueW(base, NULL, L"path", RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, &type, text, &size) == 0);
    CHECK(type == REG_EXPAND_SZ && wcscmp(text, L"%REGENT_T%!") == 0); /* 169 */
    CHECK(RegGetValueW(base, NULL, L"path", RRF_RT_REG_SZ | RRF_NOEXPAND, NULL, NULL, NULL) == ERROR_UNSUPPORTED_TYPE);
    size = 4;
    CHECK(RegGetValueW(base, L"sub", NULL, RRF_RT_REG_SZ, NULL, text, &size) == ERROR_MORE_DATA && size == 24);
    return 0;
}

static int enumeration(HKEY base) {
    WCHAR name[32];
    char narrow[32];
    DWORD count, size, type, index, subkeys = 0, value_count = 0, longest = 0, class_length = 0;
    HKEY order = NULL;
    CHECK(RegCreateKeyW(base, L"order", &order) == 0);
    CHECK(RegSetValueExW(order, L"A", 0, REG_NONE, NULL, 0) == 0 &&
          RegSetValueExW(order, L"C", 0, REG_NONE, NULL, 0) == 0);
    CHECK(RegSetValueExW(order, L"Dd", 0, REG_BINARY, (const BYTE*)"xyz", 3) == 0);
    CHECK(RegSetValueExW(order, L"B", 0, REG_NONE, NULL, 0) == 0);
    for (index = 0; index < 4; ++index) { /* 174: in the order of creation */
        count = 32;
        CHECK(RegEnumValueW(order, index, name, &count, NULL, NULL, NULL, NULL) == 0);
        CHECK(name[0] == L"ACDB"[index]);
    }
    count = 32;
    CHECK(RegEnumValueW(order, 4, name, &count, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS);
    count = 2, size = 10, name[0] = L'?';
    CHECK(RegEnumValueW(order, 2, name, &count, NULL, &type, (BYTE*)narrow, &size) == ERROR_MORE_DATA);
    CHECK(count == 2 && size == 3 && type == REG_BINARY && name[0] == L'?'); /* 180 */
    count = 32, size = 1;
    CHECK(RegEnumValueW(order, 2, name, &count, NULL, NULL, (BYTE*)narrow, &size) == ERROR_MORE_DATA);
    CHECK(count == 2 && size == 3 && wcscmp(name, L"Dd") == 0);                                      /* 179 */
    CHECK(RegEnumValueW(order, 0, NULL, &count, NULL, NULL, NULL, NULL) == ERROR_INVALID_PARAMETER); /* 181 */
    count = 32;
    CHECK(RegEnumKeyExW(base, 0, name, &count, NULL, NULL, NULL, NULL) == 0 && wcscmp(name, L"one") == 0 && count == 3);
    count = 3;
    CHECK(RegEnumKeyExW(base, 0, name, &count, NULL, NULL, NULL, NULL) == ERROR_MORE_DATA && count == 3); /* 185 */
    CHECK(RegEnumKeyA(base, 1, narrow, sizeof(narrow)) == 0 && strcmp(narrow, "order") == 0);
    CHECK(RegEnumKeyW(base, 3, name, 32) == ERROR_NO_MORE_ITEMS);
    class_length = 32; /* the longest name is the longest ever: "volatile" was here */
    CHECK(RegQueryInfoKeyW(base, name, &class_length, NULL, &subkeys, &longest, NULL, &value_count, NULL, NULL, NULL,
                           NULL) == 0);
    CHECK(wcscmp(name, L"a class") == 0 && class_length == 7 && subkeys == 3 && longest >= 5 && value_count == 5);
    CHECK(RegQueryInfoKeyW(order, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &longest, &size, NULL, NULL) == 0);
    CHECK(longest == 2 && size == 3);
    CHECK(RegCloseKey(order) == 0);
    return 0;
}

static int notification(HKEY base) {
    HKEY key = NULL;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    CHECK(event != NULL);
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(SetEvent(event) && WaitForSingleObject(event, 0) == WAIT_OBJECT_0 && ResetEvent(event));
    CHECK(RegNotifyChangeKeyValue(base, TRUE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, NULL, TRUE) ==
          ERROR_INVALID_PARAMETER);
    CHECK(RegNotifyChangeKeyValue(base, TRUE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, event, TRUE) == 0);
    CHECK(WaitForSingleObject(event, 10) == WAIT_TIMEOUT);
    CHECK(RegCreateKeyW(base, L"one\\noticed", &key) == 0); /* 104 */
    CHECK(WaitForSingleObject(event, 5000) == WAIT_OBJECT_0);
    CHECK(RegNotifyChangeKeyValue(base, TRUE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, event, TRUE) == 0);
    CHECK(WaitForMultipleObjects(1, &event, FALSE, 10) == WAIT_TIMEOUT);
    CHECK(RegSetValueExW(key, L"v", 0, REG_NONE, NULL, 0) == 0);
    CHECK(WaitForMultipleObjects(1, &event, FALSE, 5000) == WAIT_OBJECT_0);
    CHECK(RegCloseKey(key) == 0 && CloseHandle(event));
    return 0;
}

static int trees(HKEY base) {
    HKEY copy = NULL, one = NULL;
    WCHAR text[32];
    LONG size = sizeof(text);
    CHECK(RegCreateKeyW(base, L"copy", &copy) == 0);
    CHECK(RegCopyTreeW(base, L"missing", copy) == ERROR_FILE_NOT_FOUND); /* 213 */
    CHECK(RegCopyTreeW(base, NULL, copy) == 0);                          /* into itself: once, not for ever */
    CHECK(RegQueryValueW(copy, L"sub", text, &size) == 0 && wcscmp(text, L"sub default") == 0);
    CHECK(RegOpenKeyW(copy, L"copy", &one) == ERROR_FILE_NOT_FOUND);
    CHECK(RegOpenKeyW(copy, L"one", &one) == 0);
    CHECK(RegRenameKey(copy, L"one", L"renamed") == 0);
    CHECK(RegRenameKey(NULL, NULL, NULL) == ERROR_INVALID_PARAMETER); /* 210 */
    CHECK(RegDeleteTreeW(copy, L"renamed") == 0);
    CHECK(RegDeleteTreeW(copy, L"renamed") == ERROR_FILE_NOT_FOUND);
    CHECK(RegSetValueExW(one, L"v", 0, REG_NONE, NULL, 0) == ERROR_KEY_DELETED); /* 207 */
    CHECK(RegCloseKey(one) == 0);
    CHECK(RegDeleteTreeW(copy, NULL) == 0); /* 215: emptied, not removed */
    size = sizeof(text);
    CHECK(RegQueryValueW(copy, NULL, text, &size) == 0 && size == 2 && text[0] == 0);
    CHECK(RegCloseKey(copy) == 0);
    return 0;
}

static int security(HKEY base) {
    BYTE descriptor[1024];
    DWORD size = 0, probe = 0;
    CHECK(RegGetKeySecurity(base, DACL_SECURITY_INFORMATION, NULL, &probe) == ERROR_INSUFFICIENT_BUFFER && probe > 20);
    size = sizeof(descriptor);
    CHECK(RegGetKeySecurity(base, DACL_SECURITY_INFORMATION, descriptor, &size) == 0 && size == probe);
    CHECK(RegSetKeySecurity(base, DACL_SECURITY_INFORMATION, descriptor) == 0);
    return 0;
}

static int hive_files(HKEY base, const char* folder) {
    char file[512];
    HKEY key = NULL, mounted = NULL;
    snprintf(file, sizeof(file), "%s/saved.hiv", folder);
    CHECK(RegSaveKeyExA(base, file, NULL, 3) == ERROR_INVALID_PARAMETER);
    CHECK(RegSaveKeyA(base, file, NULL) == 0);
    CHECK(RegSaveKeyA(base, file, NULL) == ERROR_ALREADY_EXISTS);
    CHECK(RegLoadKeyA(HKEY_LOCAL_MACHINE, "RegentLoaded", "") == ERROR_INVALID_PARAMETER); /* 109 */
    CHECK(RegLoadKeyA(HKEY_LOCAL_MACHINE, "RegentLoaded", file) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"RegentLoaded", 0, KEY_ALL_ACCESS, &mounted) == 0);
    CHECK(RegOpenKeyExW(mounted, L"one\\two\\three", 0, KEY_READ, &key) == 0);
    CHECK(RegFlushKey(mounted) == 0);
    CHECK(RegUnLoadKeyW(HKEY_LOCAL_MACHINE, L"RegentLoaded") == ERROR_ACCESS_DENIED); /* 108 */
    CHECK(RegCloseKey(key) == 0 && RegCloseKey(mounted) == 0);
    CHECK(RegUnLoadKeyW(HKEY_LOCAL_MACHINE, L"RegentLoaded") == 0);
    return 0;
}

static int restored(HKEY base, const char* folder) {
    char file[512], old[512];
    DWORD size = sizeof(DWORD), number = 7;
    HKEY key = NULL;
    snprintf(file, sizeof(file), "%s/restored.hiv", folder);
    snprintf(old, sizeof(old), "%s/old.hiv", folder);
    CHECK(RegCreateKeyW(base, L"restored", &key) == 0);
    CHECK(RegSetValueExW(key, L"n", 0, REG_DWORD, (const BYTE*)&number, sizeof(number)) == 0);
    CHECK(RegSaveKeyExA(key, file, NULL, REG_LATEST_FORMAT) == 0);
    number = 8;
    CHECK(RegSetValueExW(key, L"n", 0, REG_DWORD, (const BYTE*)&number, sizeof(number)) == 0);
    CHECK(RegRestoreKeyA(key, "", 0) == ERROR_INVALID_PARAMETER);
    CHECK(RegRestoreKeyA(key, old, 0) == ERROR_FILE_NOT_FOUND);
    CHECK(RegRestoreKeyA(key, file, 0x40) == ERROR_INVALID_PARAMETER);
    CHECK(RegRestoreKeyA(key, file, 0) == 0);
    CHECK(RegGetValueW(key, NULL, L"n", RRF_RT_REG_DWORD, NULL, &number, &size) == 0 && number == 7);
    CHECK(RegReplaceKeyA(key, NULL, "", old) == ERROR_INVALID_PARAMETER);
    CHECK(RegReplaceKeyA(key, NULL, old, file) == ERROR_FILE_NOT_FOUND);
    CHECK(RegCloseKey(key) == 0);
    /* An application hive: what one handle writes, the next loading finds. */
    CHECK(RegLoadAppKeyA(file, &key, KEY_READ | KEY_WRITE, 2, 0) == ERROR_INVALID_PARAMETER);
    CHECK(RegLoadAppKeyA(file, &key, KEY_READ | KEY_WRITE, REG_PROCESS_APPKEY, 0) == 0);
    CHECK(RegSetValueExA(key, "s", 0, REG_SZ, (const BYTE*)"text", 5) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegLoadAppKeyA(file, &key, KEY_READ, 0, 0) == 0);
    CHECK(RegQueryValueExA(key, "s", NULL, NULL, NULL, &size) == 0 && size == 5);
    CHECK(RegCloseKey(key) == 0);
    return 0;
}

static int several(HKEY base) {
    char buffer[64], name_n[] = "several n", name_s[] = "several s", missing[] = "missing";
    VALENTA list[2] = {{name_n, 0, 0, 0}, {name_s, 0, 0, 0}};
    DWORD number = 5, size = 0;
    BOOL disabled = FALSE;
    HKEY key = NULL;
    CHECK(RegSetValueExA(base, name_n, 0, REG_DWORD, (const BYTE*)&number, sizeof(number)) == 0);
    CHECK(RegSetValueExA(base, name_s, 0, REG_SZ, (const BYTE*)"text", 5) == 0);
    CHECK(RegQueryMultipleValuesA(base, list, 2, NULL, &size) == ERROR_MORE_DATA && size == 9);
    size = 8;
    CHECK(RegQueryMultipleValuesA(base, list, 2, buffer, &size) == ERROR_MORE_DATA && size == 9);
    size = sizeof(buffer);
    CHECK(RegQueryMultipleValuesA(base, list, 2, buffer, &size) == 0 && size == 9);
    CHECK(list[0].ve_type == REG_DWORD && list[0].ve_valuelen == 4 && *(DWORD*)list[0].ve_valueptr == 5);
    CHECK(list[1].ve_type == REG_SZ && list[1].ve_valuelen == 5 && strcmp((char*)list[1].ve_valueptr, "text") == 0);
    list[1].ve_valuename = missing;
    CHECK(RegQueryMultipleValuesA(base, list, 2, buffer, &size) == ERROR_FILE_NOT_FOUND);
    CHECK(RegQueryMultipleValuesA(base, list, 2, buffer, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegDisableReflectionKey(base) == 0 && RegEnableReflectionKey(base) == 0);
    CHECK(RegQueryReflectionKey(base, &disabled) == 0 && disabled);
    CHECK(RegConnectRegistryA("\\\\localhost", HKEY_LOCAL_MACHINE, &key) == 0); /* 212 */
    CHECK(RegConnectRegistryA("no such machine", HKEY_LOCAL_MACHINE, &key) == ERROR_BAD_NETPATH);
    return 0;
}

static int number_at(HKEY root, const WCHAR* path, REGSAM view) {
    DWORD number = 0, size = sizeof(number);
    HKEY key = NULL;
    if (RegOpenKeyExW(root, path, 0, KEY_READ | view, &key) != 0) return -1;
    if (RegQueryValueExW(key, L"n", NULL, NULL, (BYTE*)&number, &size) != 0) number = 0;
    RegCloseKey(key);
    return (int)number;
}

static int write_number(HKEY root, const WCHAR* path, REGSAM view, DWORD number) {
    HKEY key = NULL;
    if (RegCreateKeyExW(root, path, 0, NULL, 0, KEY_ALL_ACCESS | view, NULL, &key, NULL) != 0) return 0;
    RegSetValueExW(key, L"n", 0, REG_DWORD, (const BYTE*)&number, sizeof(number));
    return RegCloseKey(key) == 0;
}

static int views(void) { /* AC-8, 232 to 241 */
    const REGSAM v32 = KEY_WOW64_32KEY, v64 = KEY_WOW64_64KEY;
    DWORD number = 0, size = sizeof(number);
    HKEY key = NULL;
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software", 0, KEY_READ | v32 | v64, &key) == ERROR_INVALID_PARAMETER);
    CHECK(write_number(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v64, 64));
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v32) == -1);
    CHECK(write_number(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v32, 32));
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", 0) == 64);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v64) == 64);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v32) == 32);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\wow6432node\\RegentView\\t", v32) == 32);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\RegentView\\t", v64) == 32);
    CHECK(RegGetValueW(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", L"n", RRF_RT_DWORD | RRF_SUBKEY_WOW6432KEY, NULL,
                       &number, &size) == 0 &&
          number == 32);
    /* A handle of the 32-bit view stays in it, whatever later calls say. */
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software", 0, KEY_READ | v32, &key) == 0);
    CHECK(number_at(key, L"RegentView\\t", 0) == 32 && number_at(key, L"RegentView\\t", v64) == 32);
    CHECK(number_at(key, L"Wow6432Node\\RegentView\\t", 0) == -1);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, NULL, 0, KEY_READ | v32, &key) == 0);
    CHECK(number_at(key, L"Software\\RegentView\\t", 0) == 32);
    CHECK(RegCloseKey(key) == 0);
    /* Classes are shared but for five keys. */
    CHECK(write_number(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentView", v32, 1));
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Classes\\RegentView", v64) == 1);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\RegentView", v32) == 1);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\RegentView", 0) == -1);
    CHECK(write_number(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Interface\\RegentView", v32, 32));
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Interface\\RegentView", v64) == -1);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Classes\\Wow6432Node\\Interface\\RegentView", 0) == 32);
    CHECK(write_number(HKEY_CURRENT_USER, L"Software\\Classes\\CLSID\\RegentView", v32, 5));
    CHECK(number_at(HKEY_CURRENT_USER, L"Software\\Classes\\CLSID\\RegentView", 0) == -1);
    CHECK(write_number(HKEY_CURRENT_USER, L"Software\\RegentView", v32, 6));
    CHECK(number_at(HKEY_CURRENT_USER, L"Software\\RegentView", v64) == 6);
    CHECK(write_number(HKEY_LOCAL_MACHINE, L"Software\\Policies\\RegentView", v32, 7));
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\Policies\\RegentView", v64) == 7);
    CHECK(RegDeleteKeyExW(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v32, 0) == 0);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v32) == -1);
    CHECK(number_at(HKEY_LOCAL_MACHINE, L"Software\\RegentView\\t", v64) == 64);
    return 0;
}

static int mui_strings(HKEY base) { /* 216 to 221 */
    WCHAR text[32];
    DWORD size = 0;
    const WCHAR dll[] = L"@no such.dll,-10", none[] = L"not a MUI string", half[] = L"@no such.dll";
    CHECK(RegLoadMUIStringA(base, "m", NULL, 0, NULL, 0, NULL) == ERROR_CALL_NOT_IMPLEMENTED);
    CHECK(RegSetValueExW(base, L"m", 0, REG_SZ, (const BYTE*)none, sizeof(none)) == 0);
    CHECK(RegLoadMUIStringW(base, L"m", text, sizeof(text), NULL, 0, NULL) == ERROR_INVALID_DATA);
    CHECK(RegSetValueExW(base, L"m", 0, REG_SZ, (const BYTE*)half, sizeof(half)) == 0);
    CHECK(RegLoadMUIStringW(base, L"m", text, sizeof(text), NULL, 0, NULL) == ERROR_INVALID_DATA);
    CHECK(RegSetValueExW(base, L"m", 0, REG_SZ, (const BYTE*)dll, sizeof(dll)) == 0);
    CHECK(RegLoadMUIStringW(base, L"m", text, sizeof(text), NULL, 0, NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(RegLoadMUIStringW(base, L"m", text, 3, NULL, 0, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegLoadMUIStringW(base, L"m", text, sizeof(text), NULL, 2, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegLoadMUIStringW(base, L"m", text, sizeof(text), &size, REG_MUI_STRING_TRUNCATE, NULL) ==
          ERROR_INVALID_PARAMETER);
    return 0;
}

/* ntdll's short forms work on the default value. */
static int short_forms(HKEY base) {
    WCHAR units[16];
    UNICODE_STRING name = {0, sizeof(units), units}, path = {10, 10, (PWSTR)L"short"};
    OBJECT_ATTRIBUTES object;
    HANDLE key = NULL;
    ULONG type = 0, size = 2, disposition = 0, number = 7;
    InitializeObjectAttributes(&object, &path, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, base, NULL);
    CHECK(RtlpNtCreateKey(&key, KEY_ALL_ACCESS, &object, 0, NULL, &disposition) == 0 && disposition == 1);
    CHECK(RtlpNtSetValueKey(key, REG_DWORD, &number, sizeof(number)) == 0);
    CHECK(RtlpNtQueryValueKey(key, &type, units, &size, 0) == STATUS_BUFFER_OVERFLOW && size == 4);
    CHECK(RtlpNtQueryValueKey(key, &type, units, &size, 0) == 0 && type == REG_DWORD && units[0] == 7);
    CHECK(RtlpNtEnumerateSubKey(key, &name, 0, 0) == STATUS_NO_MORE_ENTRIES);
    CHECK(CloseHandle(key) && RtlpNtOpenKey(&key, KEY_ALL_ACCESS, &object, 0) == 0);
    CHECK(RtlpNtEnumerateSubKey(base, &name, 0, 0) == 0 && name.Length > 0);
    name.MaximumLength = 1;
    CHECK(RtlpNtEnumerateSubKey(base, &name, 0, 0) == STATUS_BUFFER_OVERFLOW);
    CHECK(RtlpNtMakeTemporaryKey(key) == 0 && CloseHandle(key));
    CHECK(RtlpNtOpenKey(&key, KEY_ALL_ACCESS, &object, 0) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}

static int errors_and_files(void) {
    WCHAR text[128];
    HANDLE file;
    CHECK(CreateFileW(L"\\\\.\\NoSuchDevice", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK(GetLastError() == ERROR_FILE_NOT_FOUND);
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, ERROR_FILE_NOT_FOUND, 0,
                         text, 128, NULL) == 44);
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM, NULL, ERROR_KEY_DELETED, 0, text, 128, NULL) == 82);
    CHECK(wcscmp(text, L"Illegal operation attempted on a registry key that has been marked for deletion.\r\n") == 0);
    file = CreateFileA("/proc/self/status", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        DWORD read = 0;
        char line[5] = "";
        CHECK(ReadFile(file, line, 4, &read, NULL) && read == 4 && strcmp(line, "Name") == 0);
        CHECK(CloseHandle(file));
    }
    return 0;
}

int main(int argc, char** argv) {
    HKEY base = NULL;
    int line = keys(&base);
    if (line == 0) line = values(base);
    if (line == 0) line = typed_reads(base);
    if (line == 0) line = enumeration(base);
    if (line == 0) line = notification(base);
    if (line == 0) line = trees(base);
    if (line == 0) line = security(base);
    if (line == 0 && argc > 1) line = hive_files(base, argv[1]);
    if (line == 0 && argc > 1) line = restored(base, argv[1]);
    if (line == 0) line = several(base);
    if (line == 0) line = mui_strings(base);
    if (line == 0) line = views();
    if (line == 0) line = short_forms(base);
    if (line == 0) line = errors_and_files();
    if (line == 0 && RegCloseKey(base) != 0) line = __LINE__;
    if (line == 0 && RegDeleteTreeW(HKEY_CURRENT_USER, base_path) != 0) line = __LINE__;
    if (line == 0) wprintf(L"%s\n", L"ok");
    return line == 0 ? 0 : 1;
}
