/* Expectations of tests that run on Windows, one after another: the numbers in comments are rows of
   docs/conformance.md. Returns 0, or 1 after printing a line that was not as expected. */
#include <windows.h>

#include <ktmw32.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <winternl.h>

#include "check.h"

static HKEY base;

static LSTATUS put(const WCHAR* name, DWORD type, const void* data, DWORD size) {
    return RegSetValueExW(base, name, 0, type, (const BYTE*)data, size);
}
static LSTATUS put_narrow(const char* name, DWORD type, const void* data, DWORD size) {
    return RegSetValueExA(base, name, 0, type, (const BYTE*)data, size);
}
/* The size that is stored (W-4: a probe), or a number that no test stores. */
static DWORD stored(const WCHAR* name) {
    DWORD size = 0;
    return RegQueryValueExW(base, name, NULL, NULL, NULL, &size) == 0 ? size : 0xFFFF;
}

/* RegSetValue, RegSetValueEx, RegSetKeyValue. */
static int set_values(void) {
    const BYTE* nowhere = (const BYTE*)(ULONG_PTR)1;
    const WCHAR list[] = L"Aa\0Bb\0Cc\0";
    DWORD type = 0;
    HKEY key = NULL;
    CHECK(RegSetValueA(base, NULL, REG_SZ, NULL, 0) == ERROR_INVALID_PARAMETER);   /* 137 */
    CHECK(RegSetValueA(base, NULL, REG_SZ, "ab\0cd", 1) == 0 && stored(L"") == 6); /* 138 */
    CHECK(RegSetValueW(base, NULL, REG_SZ, L"abc", 2) == 0 && stored(L"") == 8);
    for (type = 0; type < 12; ++type) { /* 139 */
        if (type == REG_SZ) continue;
        CHECK(RegSetValueA(base, NULL, type, "x", 2) == ERROR_INVALID_PARAMETER);
        CHECK(RegSetValueW(base, NULL, type, L"x", 2) == ERROR_INVALID_PARAMETER);
    }
    CHECK(put_narrow("v", REG_SZ, "", 1) == 0 && stored(L"v") == 2); /* 141 */
    CHECK(put(L"v", REG_SZ, L"", 2) == 0 && stored(L"v") == 2);
    CHECK(put_narrow("v", REG_SZ, "test", 4) == 0 && stored(L"v") == 10); /* W-2, 142 */
    CHECK(put(L"v", REG_SZ, L"test", 8) == 0 && stored(L"v") == 10);
    CHECK(put(L"v", REG_SZ, L"a\0b", 8) == 0 && stored(L"v") == 8);
    CHECK(put(L"v", REG_SZ, nowhere, 1) == ERROR_NOACCESS &&
          put(L"v", REG_DWORD, nowhere, 1) == ERROR_NOACCESS);                                              /* 143 */
    CHECK(put(L"v", REG_SZ, NULL, 4) == ERROR_NOACCESS && put(L"v", REG_DWORD, NULL, 4) == ERROR_NOACCESS); /* 144 */
    CHECK(put(L"v", REG_SZ, NULL, 0) == 0 && put(L"v", REG_DWORD, NULL, 0) == 0 && stored(L"v") == 0);
    CHECK(RegSetKeyValueW(base, NULL, L"w", REG_SZ, L"x", 4) == 0 && stored(L"w") == 4); /* 145 */
    CHECK(RegSetKeyValueW(base, L"subkey", L"w", REG_SZ, NULL, 0) == 0);
    CHECK(RegSetKeyValueW(base, L"subkey", L"w", REG_DWORD, NULL, 4) == ERROR_NOACCESS);
    CHECK(RegOpenKeyExW(base, L"subkey", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(put_narrow("v", REG_SZ, NULL, 0) == 0 && put_narrow("v", REG_EXPAND_SZ, NULL, 0) == 0); /* 146 */
    CHECK(put_narrow("v", REG_BINARY, NULL, 0) == 0 && stored(L"v") == 0);
    CHECK(put(L"v", REG_SZ, list, sizeof(list) - 2) == 0 && stored(L"v") == sizeof(list) - 2); /* 147 */
    CHECK(put(L"v", REG_SZ, list, sizeof(list) - 4) == 0 && stored(L"v") == sizeof(list) - 2);
    CHECK(put(L"v", REG_SZ, list, sizeof(list) - 6) == 0 && stored(L"v") == sizeof(list) - 6);
    /* 209 */
    CHECK(RegDeleteKeyValueW(NULL, L"x", L"v") == ERROR_INVALID_HANDLE && RegDeleteKeyValueW(base, NULL, NULL) == 0);
    CHECK(RegDeleteKeyValueW(base, NULL, NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteKeyValueW(base, L"subkey", L"w") == 0);
    CHECK(RegDeleteKeyValueW(base, L"subkey", L"w") == ERROR_FILE_NOT_FOUND && RegDeleteKeyW(base, L"subkey") == 0);
    return RegDeleteKeyValueW(base, NULL, L"w") == 0 ? 0 : __LINE__;
}

/* RegQueryValueEx, RegQueryValue. */
static int query_values(void) {
    const WCHAR text[] = L"hello there, how are y"; /* 22 letters: 46 bytes with the NUL */
    BYTE bytes[64];
    WCHAR wide[8];
    char narrow[8];
    DWORD size = 0, type = 0;
    LONG length = 0;
    CHECK(put(L"v", REG_SZ, text, sizeof(text)) == 0 && sizeof(text) == 46);
    SetLastError(0xdeadbeef); /* 148 */
    CHECK(RegQueryValueExW(base, L"v", NULL, NULL, NULL, &size) == 0 && GetLastError() == 0xdeadbeef);
    CHECK(RegQueryValueExW(base, L"none", NULL, NULL, NULL, NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(GetLastError() == 0xdeadbeef);
    CHECK(RegQueryValueExA(base, "v", NULL, NULL, NULL, &type) == 0 && type == 23 && size == 46); /* W-4, 149 */
    CHECK(put(L"empty", REG_SZ, NULL, 0) == 0);
    size = sizeof(bytes), bytes[0] = 0xBD;
    CHECK(RegQueryValueExW(base, L"empty", NULL, NULL, bytes, &size) == 0 && size == 0 && bytes[0] == 0xBD);
    size = sizeof(bytes);
    CHECK(RegQueryValueExA(base, "v", NULL, &size, bytes, &size) == 0); /* 151 */
    size = 44;                                                          /* 158 */
    CHECK(RegQueryValueExW(base, L"v", NULL, NULL, bytes, &size) == ERROR_MORE_DATA && size == 46);
    CHECK(RegQueryValueExW(base, L"v", NULL, NULL, bytes, &size) == 0 && size == 46);
    size = 48;
    CHECK(RegQueryValueExW(base, L"v", NULL, NULL, bytes, &size) == 0 && size == 46);
    /* W-1, 152: strings without their NUL. */
    CHECK(put(L"cut", REG_SZ, L"abcd", 6) == 0 && stored(L"cut") == 6);
    memset(bytes, 0xBD, sizeof(bytes)), size = 6;
    CHECK(RegQueryValueExW(base, L"cut", NULL, NULL, bytes, &size) == 0 && size == 6 && bytes[6] == 0xBD);
    memset(bytes, 0xBD, sizeof(bytes)), size = 8;
    CHECK(RegQueryValueExW(base, L"cut", NULL, NULL, bytes, &size) == 0 && size == 6 && bytes[6] == 0 && bytes[7] == 0);
    memset(bytes, 0xBD, sizeof(bytes)), size = 4;
    CHECK(RegQueryValueExA(base, "cut", NULL, NULL, bytes, &size) == 0 && size == 3 && bytes[3] == 0);
    CHECK(put(L"cut", REG_MULTI_SZ, L"abcd", 6) == 0);
    memset(bytes, 0xBD, sizeof(bytes)), size = 10;
    CHECK(RegQueryValueExW(base, L"cut", NULL, NULL, bytes, &size) == 0 && size == 6 && bytes[6] == 0 &&
          bytes[8] == 0xBD);
    /* 153 */
    CHECK(RegSetValueA(base, NULL, REG_SZ, "data", 4) == 0);
    CHECK(RegQueryValueA((HKEY)(ULONG_PTR)0xcafebabc, NULL, NULL, &length) == ERROR_INVALID_HANDLE);
    CHECK(RegQueryValueA(NULL, NULL, NULL, &length) == ERROR_INVALID_HANDLE);
    CHECK(RegQueryValueA(base, NULL, NULL, &length) == 0 && length == 5);
    CHECK(RegQueryValueA(base, NULL, narrow, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegQueryValueA(base, NULL, NULL, NULL) == 0);
    length = 1, narrow[0] = 'x';
    CHECK(RegQueryValueA(base, NULL, narrow, &length) == ERROR_MORE_DATA && length == 5 && narrow[0] == 'x');
    length = sizeof(narrow);
    CHECK(RegQueryValueA(base, NULL, narrow, &length) == 0 && length == 5 && strcmp(narrow, "data") == 0);
    length = 0; /* 154 */
    CHECK(RegQueryValueW(base, NULL, wide, &length) == ERROR_MORE_DATA && length == 10);
    length = 5;
    CHECK(RegQueryValueW(base, NULL, wide, &length) == ERROR_MORE_DATA && length == 10);
    CHECK(put(NULL, REG_SZ, L"data.", 8) == 0 && stored(L"") == 8);
    length = sizeof(wide);
    CHECK(RegQueryValueW(base, NULL, wide, &length) == 0 && wcscmp(wide, L"data") == 0);
    /* 156, 157 */
    type = size = 666;
    CHECK(RegQueryValueExW(NULL, L"x", NULL, &type, NULL, &size) == ERROR_INVALID_HANDLE && type == 666 && size == 666);
    CHECK(RegQueryValueExW((HKEY)(LONG_PTR)-4, L"x", NULL, &type, NULL, &size) == ERROR_INVALID_HANDLE);
    CHECK(type == REG_NONE && size == 0);
    type = 666, size = sizeof(bytes), bytes[0] = 0xBD;
    CHECK(RegQueryValueExA(base, "none", NULL, &type, bytes, &size) == ERROR_FILE_NOT_FOUND && size == sizeof(bytes));
    CHECK(bytes[0] == 0xBD && type == REG_NONE);
    return 0;
}

/* RegGetValue: W-3. */
static int get_values(void) {
    const BYTE eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    BYTE bytes[32];
    char text[32];
    DWORD size = 0, type = 0, number = 0;
    CHECK(put(L"four", REG_BINARY, eight, 4) == 0 && put(L"eight", REG_BINARY, eight, 8) == 0);
    size = 4; /* 164 */
    CHECK(RegGetValueA(base, NULL, "four", RRF_RT_DWORD, &type, &number, &size) == 0 && type == REG_BINARY);
    memset(bytes, 0xBD, sizeof(bytes)), size = sizeof(bytes);
    CHECK(RegGetValueA(base, NULL, "eight", RRF_RT_DWORD, &type, bytes, &size) == ERROR_DATATYPE_MISMATCH);
    CHECK(size == 8 && memcmp(bytes, eight, 8) == 0);
    size = sizeof(bytes);
    CHECK(RegGetValueA(base, NULL, "eight", RRF_RT_QWORD, &type, bytes, &size) == 0 && size == 8);
    memset(bytes, 0xBD, sizeof(bytes)), size = 4; /* 165 */
    CHECK(RegGetValueA(base, NULL, "eight", RRF_RT_REG_BINARY, NULL, bytes, &size) == ERROR_MORE_DATA && size == 8);
    CHECK(bytes[0] == 0xBD);
    CHECK(put(L"s", REG_SZ, NULL, 0) == 0); /* 166 */
    size = sizeof(text), text[0] = 'x';
    CHECK(RegGetValueA(base, NULL, "s", RRF_RT_REG_SZ, NULL, NULL, &size) == 0 && size == 1);
    size = sizeof(text);
    CHECK(RegGetValueA(base, NULL, "s", RRF_RT_REG_SZ, NULL, text, &size) == 0 && size == 1 && text[0] == 0);
    CHECK(put_narrow("e", REG_EXPAND_SZ, "%REGENT_T%!", 12) == 0); /* the variable is "expanded" */
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_REG_SZ, NULL, NULL, &size) == 0 && size == 11); /* 167 */
    size = sizeof(text); /* 168: not less than the text that was not expanded */
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_REG_SZ, &type, text, &size) == 0 && strcmp(text, "expanded!") == 0);
    CHECK(size == 12 && type == REG_SZ);
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, NULL, NULL, &size) == 0); /* 169 */
    CHECK(size == 13);
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_REG_SZ | RRF_NOEXPAND, NULL, NULL, NULL) ==
          ERROR_UNSUPPORTED_TYPE);                                                                          /* 170 */
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_REG_EXPAND_SZ, NULL, NULL, NULL) == ERROR_UNSUPPORTED_TYPE); /* 171 */
    size = sizeof(text);                                                                                    /* 172 */
    CHECK(RegGetValueA(base, NULL, "e", RRF_RT_ANY, &type, text, &size) == 0 && type == REG_SZ);
    CHECK(strcmp(text, "expanded!") == 0);
    CHECK(put(L"s", REG_SZ, L"abcd", 6) == 0); /* 173 */
    size = 3;
    CHECK(RegGetValueA(base, NULL, "s", RRF_RT_REG_SZ, NULL, text, &size) == ERROR_MORE_DATA && size == 4);
    memset(text, 'x', sizeof(text));
    CHECK(RegGetValueA(base, NULL, "s", RRF_RT_REG_SZ, NULL, text, &size) == 0 && size == 4 &&
          strcmp(text, "abc") == 0);
    CHECK(put(L"m", REG_MULTI_SZ, L"abcd", 6) == 0);
    memset(text, 'x', sizeof(text)), size = sizeof(text);
    CHECK(RegGetValueA(base, NULL, "m", RRF_RT_REG_MULTI_SZ, NULL, text, &size) == 0 && text[3] == 0);
    return 0;
}

/* RegEnumValue, RegQueryInfoKey. */
static int enumerations(void) {
    char name[24], data[24];
    WCHAR wide[24];
    DWORD count, size, type, subkeys, longest, classes, values, names, datas, descriptor;
    FILETIME time = {0, 0};
    HKEY key = NULL, other = NULL;
    CHECK(RegCreateKeyExW(base, L"enum", 0, L"klass", 0, KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    count = sizeof(name), size = 24; /* 187 */
    CHECK(RegQueryInfoKeyA(key, name, &count, NULL, &subkeys, &longest, &classes, &values, &names, &datas, &descriptor,
                           &time) == 0);
    CHECK(count == 5 && subkeys == 0 && longest == 0 && classes == 0 && values == 0 && names == 0 && datas == 0);
    CHECK(descriptor > 0 && time.dwHighDateTime != 0);
    CHECK(RegQueryInfoKeyW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
          ERROR_INVALID_HANDLE); /* 186 */
    CHECK(RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == 0);
    name[0] = 'x';
    CHECK(RegQueryInfoKeyA(key, name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
              ERROR_INVALID_PARAMETER &&
          name[0] == 'x');
    for (count = 0; count < 2; ++count) { /* 159 */
        CHECK(RegOpenKeyExW(base, L"enum", 0, count ? KEY_QUERY_VALUE | READ_CONTROL : KEY_QUERY_VALUE, &other) == 0);
        descriptor = 7;
        CHECK(RegQueryInfoKeyW(other, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &descriptor, NULL) == 0);
        CHECK((count ? descriptor > 0 : descriptor == 0) && RegCloseKey(other) == 0);
    }
    CHECK(RegOpenKeyExW(base, L"enum", 0, KEY_ENUMERATE_SUB_KEYS, &other) == 0);
    CHECK(RegQueryInfoKeyW(other, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &descriptor, NULL) ==
          ERROR_ACCESS_DENIED);
    CHECK(descriptor == 0 && RegCloseKey(other) == 0);
    count = 24; /* 184 */
    CHECK(RegEnumValueW(key, 0, wide, &count, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS);
    CHECK(RegSetValueExA(key, "Test", 0, REG_SZ, NULL, 0) == 0); /* 175 */
    count = size = 24, type = 666, data[0] = 'x';
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, (BYTE*)data, &size) == 0 && strcmp(name, "Test") == 0);
    CHECK(size == 0 && type == REG_SZ && data[0] == 'x');
    CHECK(RegSetValueExA(key, "Test", 0, REG_SZ, (const BYTE*)"foobar", 7) == 0);
    count = size = 2, name[0] = data[0] = 'x'; /* 176 */
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, (BYTE*)data, &size) == ERROR_MORE_DATA);
    CHECK(count == 2 && size == 7 && name[0] == 'x' && data[0] == 'x');
    count = 3, size = 20; /* 177 */
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, (BYTE*)data, &size) == ERROR_MORE_DATA);
    CHECK(count == 3 && size == 7);
    count = 0, size = 20;
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, (BYTE*)data, &size) == ERROR_MORE_DATA && count == 0);
    count = 20, size = 2, data[0] = 'x'; /* 178 */
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, (BYTE*)data, &size) == ERROR_MORE_DATA);
    CHECK(count == 20 && size == 7 && data[0] == 'x');
    count = 20; /* 182 */
    CHECK(RegEnumValueW(key, 0, wide, &count, NULL, NULL, (BYTE*)data, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegEnumValueW(key, 0, wide, &count, NULL, NULL, NULL, &size) == 0 && size == 14);
    count = 4, wide[0] = L'x'; /* 183 */
    CHECK(RegEnumValueW(key, 0, wide, &count, NULL, NULL, NULL, NULL) == ERROR_MORE_DATA && wide[0] == L'x');
    count = 5;
    CHECK(RegEnumValueW(key, 0, wide, &count, NULL, NULL, NULL, NULL) == 0 && wcscmp(wide, L"Test") == 0);
    return RegCloseKey(key) == 0 && RegDeleteKeyW(base, L"enum") == 0 ? 0 : __LINE__;
}

/* Opening, creating, deleting. */
static int keys(void) {
    SECURITY_ATTRIBUTES attributes = {sizeof(attributes), NULL, FALSE};
    const DWORD lengths[] = {0, sizeof(attributes) / 2, sizeof(attributes) + 10};
    BYTE unaligned[64];
    DWORD disposition, index, type, size = 4;
    HKEY key = NULL, other;
    CHECK(RegOpenKeyA(base, "x", NULL) == ERROR_INVALID_PARAMETER); /* 193 */
    CHECK(RegOpenKeyExW(base, L"x", 0, KEY_READ, NULL) == ERROR_INVALID_PARAMETER);
    other = (HKEY)(ULONG_PTR)0x1234; /* 196 */
    CHECK(RegOpenKeyExW(NULL, L"", 0, KEY_READ, &other) == ERROR_INVALID_HANDLE && other == NULL);
    other = (HKEY)(ULONG_PTR)0x1234;
    CHECK(RegOpenKeyExA(NULL, "", 0, KEY_READ, &other) == ERROR_INVALID_HANDLE && other == (HKEY)(ULONG_PTR)0x1234);
    other = (HKEY)(ULONG_PTR)(0xdeadbeef00000000 | 0x80000002); /* 197 */
    CHECK(RegOpenKeyExW(other, L"Software", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegCreateKeyExA(base, "\\x", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == ERROR_BAD_PATHNAME); /* 200 */
    CHECK(RegCreateKeyExA(base, "trail\\\\", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == 0 && RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyA(base, "trail") == 0);
    /* 202 */
    CHECK(RegCreateKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Control\\Video\\RegentTest", 0, NULL, 0,
                          KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    CHECK(RegCreateKeyExA(key, "below", 0, NULL, 0, KEY_READ, NULL, &other, NULL) == 0 && RegCloseKey(other) == 0);
    CHECK(RegDeleteTreeA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Control\\Video\\RegentTest") == 0);
    CHECK(RegCloseKey(key) == 0);
    for (index = 0; index < ARRAYSIZE(lengths); ++index) { /* 203 */
        attributes.nLength = lengths[index];
        CHECK(RegCreateKeyExW(base, L"attr", 0, NULL, 0, KEY_READ, &attributes, &key, &disposition) == 0);
        CHECK(disposition == REG_CREATED_NEW_KEY && RegCloseKey(key) == 0);
        CHECK(RegCreateKeyExA(base, "attr", 0, NULL, 0, KEY_READ, &attributes, &key, &disposition) == 0);
        CHECK(disposition == REG_OPENED_EXISTING_KEY && RegCloseKey(key) == 0 && RegDeleteKeyW(base, L"attr") == 0);
    }
    memcpy(unaligned + 1, L"odd", 8); /* 204 */
    CHECK(RegCreateKeyExW(base, (WCHAR*)(unaligned + 1), 0, NULL, 0, KEY_READ, NULL, (HKEY*)(unaligned + 33), NULL) ==
          0);
    memcpy(&key, unaligned + 33, sizeof(key));
    CHECK(RegCloseKey(key) == 0 &&
          RegOpenKeyExW(base, (WCHAR*)(unaligned + 1), 0, KEY_READ, (HKEY*)(unaligned + 33)) == 0);
    memcpy(&key, unaligned + 33, sizeof(key));
    CHECK(RegDeleteKeyW(base, L"odd") == 0 && RegFlushKey(key) == ERROR_KEY_DELETED && RegCloseKey(key) == 0); /* 77 */
    /* 214 */
    CHECK(put(L"stays", REG_DWORD, &size, 4) == 0);
    CHECK(RegCreateKeyA(base, "tree\\a\\b", &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegDeleteTreeA(base, "tree\\a") == 0 && RegOpenKeyA(base, "tree\\a", &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteTreeA(base, "tree") == 0 && RegOpenKeyA(base, "tree", &key) == ERROR_FILE_NOT_FOUND);
    CHECK(stored(L"stays") == 4);
    CHECK(RtlpNtQueryValueKey(NULL, &type, unaligned, &size, 0) == STATUS_INVALID_HANDLE); /* 57 */
    /* DL-4: who deletes needs rights to what goes, not by the handle it is named through. */
    CHECK(RegCreateKeyA(base, "gone\\below", &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(base, NULL, 0, KEY_NOTIFY, &key) == 0 && RegDeleteKeyExA(key, "gone\\below", 0, 0) == 0);
    CHECK(RegCloseKey(key) == 0 && RegOpenKeyExA(base, "gone", 0, DELETE | KEY_QUERY_VALUE, &key) == 0);
    CHECK(RegDeleteTreeA(key, NULL) == ERROR_ACCESS_DENIED && RegCloseKey(key) == 0 &&
          RegDeleteTreeA(base, "gone") == 0);
    return 0;
}

static int links(void) {
    const WCHAR target[] = L"\\Registry\\Machine\\Software\\RegentRows\\target";
    const DWORD made = KEY_ALL_ACCESS, open_link = REG_OPTION_OPEN_LINK;
    HKEY link = NULL, key = NULL;
    DWORD size = 0, disposition = 0;
    CHECK(RegCreateKeyExW(base, L"link", 0, NULL, REG_OPTION_CREATE_LINK, made, NULL, &link, NULL) == 0);
    CHECK(RegSetValueExW(link, L"SymbolicLinkValue", 0, REG_SZ, (const BYTE*)target, sizeof(target) - 2) ==
          ERROR_ACCESS_DENIED); /* 92 */
    CHECK(RegSetValueExW(link, L"link", 0, REG_LINK, (const BYTE*)target, sizeof(target) - 2) == ERROR_ACCESS_DENIED);
    CHECK(RegSetValueExW(link, L"SymbolicLinkValue", 0, REG_LINK, (const BYTE*)target, sizeof(target) - 2) == 0);
    CHECK(RegCloseKey(link) == 0 && RegOpenKeyExW(base, L"link", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RegOpenKeyExW(base, L"link", open_link, made, &link) == 0); /* 93 */
    CHECK(RegQueryValueExW(link, L"SymbolicLinkValue", NULL, NULL, NULL, &size) == 0 && size == sizeof(target) - 2);
    CHECK(RegCloseKey(link) == 0);
    CHECK(RegCreateKeyExW(base, L"link", 0, NULL, open_link, made, NULL, &link, &disposition) == 0);
    CHECK(RegQueryValueExW(link, L"SymbolicLinkValue", NULL, NULL, NULL, &size) == 0);
    CHECK(RegCreateKeyExW(base, L"link", 0, NULL, REG_OPTION_CREATE_LINK, made, NULL, &key, NULL) ==
          ERROR_ALREADY_EXISTS); /* 94 */
    CHECK(RegCreateKeyExW(base, L"link", 0, NULL, REG_OPTION_CREATE_LINK | open_link, made, NULL, &key, NULL) ==
          ERROR_ALREADY_EXISTS);
    CHECK(RegDeleteKeyW(base, L"link") == ERROR_FILE_NOT_FOUND); /* 95: it goes where the link leads */
    return RegDeleteKeyW(link, L"") == 0 && RegCloseKey(link) == 0 ? 0 : __LINE__;
}

static HANDLE in_thread, agnostic;
static DWORD WINAPI arm(LPVOID unused) {
    (void)unused;
    if (RegNotifyChangeKeyValue(base, FALSE, REG_NOTIFY_CHANGE_NAME, in_thread, TRUE) != 0) return 1;
    return (DWORD)RegNotifyChangeKeyValue(base, FALSE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_THREAD_AGNOSTIC, agnostic,
                                          TRUE);
}
static int thread_exit(void) { /* 106 */
    DWORD code = 99;
    HKEY key = NULL;
    HANDLE thread;
    in_thread = CreateEventW(NULL, TRUE, FALSE, NULL), agnostic = CreateEventW(NULL, TRUE, FALSE, NULL);
    CHECK((thread = CreateThread(NULL, 0, arm, NULL, 0, NULL)) != NULL);
    CHECK(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &code) && code == 0);
    CHECK(WaitForSingleObject(in_thread, 10000) == WAIT_OBJECT_0 && WaitForSingleObject(agnostic, 0) == WAIT_TIMEOUT);
    CHECK(RegCreateKeyW(base, L"noticed", &key) == 0 && WaitForSingleObject(agnostic, 10000) == WAIT_OBJECT_0);
    CHECK(RegCloseKey(key) == 0 && RegDeleteKeyW(base, L"noticed") == 0);
    return CloseHandle(thread) && CloseHandle(in_thread) && CloseHandle(agnostic) ? 0 : __LINE__;
}

/* Where a key of HKEY_CLASSES_ROOT is. */
static int merged_names(void) { /* 224 */
    NTSTATUS(NTAPI * query)(HANDLE, int, PVOID, ULONG, PULONG) = NULL;
    const HKEY roots[] = {HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE};
    const WCHAR* const starts[] = {L"\\REGISTRY\\USER\\", L"\\REGISTRY\\MACHINE\\"};
    struct {
        ULONG length;
        WCHAR name[128];
    } info;
    unsigned index;
    *(FARPROC*)&query = GetProcAddress(GetModuleHandleW(L"ntdll"), "NtQueryKey");
    CHECK(query != NULL);
    for (index = 0; index < 2; ++index) {
        HKEY key = NULL;
        ULONG needed = 0;
        CHECK(RegCreateKeyW(roots[index], L"Software\\Classes\\RegentRow", &key) == 0 && RegCloseKey(key) == 0);
        CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"RegentRow", 0, KEY_READ, &key) == 0);
        CHECK(query((HANDLE)key, 3, &info, sizeof(info), &needed) == 0 && RegCloseKey(key) == 0);
        CHECK(_wcsnicmp(info.name, starts[index], wcslen(starts[index])) == 0);
        CHECK(RegDeleteKeyW(roots[index], L"Software\\Classes\\RegentRow") == 0);
    }
    return 0;
}

static int transacted(void) { /* TR-17, TR-18, TR-19 */
    HANDLE transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL);
    HKEY reader = NULL, key = NULL, other = NULL;
    const DWORD all = KEY_ALL_ACCESS;
    CHECK(RegOpenKeyExW(base, NULL, 0, KEY_NOTIFY, &reader) == 0);
    CHECK(RegCreateKeyTransactedW(base, NULL, 0, NULL, 0, all, NULL, &key, NULL, transaction, NULL) ==
          ERROR_INVALID_PARAMETER);
    CHECK(RegCreateKeyTransactedW(base, L"t", 0, NULL, 0, all, NULL, &key, NULL, transaction, &other) ==
          ERROR_INVALID_PARAMETER);
    CHECK(RegOpenKeyTransactedW(base, L"", 0, KEY_READ, &other, transaction, NULL) == 0 && other != base);
    CHECK(RegCloseKey(other) == 0);
    CHECK(RegCreateKeyTransactedW(base, L"t\\a\\b", 0, NULL, 0, all, NULL, &key, NULL, transaction, NULL) == 0);
    CHECK(RegOpenKeyExW(base, L"t", 0, KEY_READ, &other) == ERROR_FILE_NOT_FOUND && RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyTransactedW(reader, L"t\\a", 0, 0, transaction, NULL) == ERROR_ACCESS_DENIED); /* has a subkey */
    CHECK(RegDeleteKeyTransactedW(reader, L"t\\a\\b", 0, 0, transaction, NULL) == 0);
    CHECK(RegCreateKeyTransactedW(base, L"t\\c\\d", 0, NULL, 0, all, NULL, &key, NULL, transaction, NULL) == 0);
    CHECK(RegCloseKey(key) == 0 && RegOpenKeyTransactedW(base, L"t", 0, all, &key, transaction, NULL) == 0);
    CHECK(RegDeleteTreeW(key, L"c") == 0 && RegCloseKey(key) == 0 && CommitTransaction(transaction));
    CHECK(RegCreateKeyTransactedW(base, L"u", 0, NULL, 0, all, NULL, &key, NULL, transaction, NULL) ==
          ERROR_TRANSACTION_NOT_ACTIVE);
    CHECK(CloseHandle(transaction) && RegOpenKeyExW(base, L"t\\c", 0, KEY_READ, &other) == ERROR_FILE_NOT_FOUND);
    return RegCloseKey(reader) == 0 && RegDeleteTreeW(base, L"t") == 0 ? 0 : __LINE__;
}

static int exists(const WCHAR* name) {
    HKEY key = NULL;
    return RegOpenKeyExW(base, name, 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0;
}

/* TR-17: a transacted handle makes RegDeleteTree and RegCopyTree part of its transaction, and never RegDeleteKeyEx. */
static int transacted_trees(void) {
    HANDLE transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL);
    HKEY key = NULL, child = NULL, other = NULL;
    CHECK(RegCreateKeyW(base, L"t\\a\\b", &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegCreateKeyW(base, L"t\\gone", &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegCreateKeyW(base, L"t\\a\\gone", &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyTransactedW(base, L"t", 0, KEY_ALL_ACCESS, &key, transaction, NULL) == 0);
    CHECK(RegDeleteTreeW(key, L"a") == ERROR_SUCCESS && RegOpenKeyExW(key, L"a", 0, KEY_READ, &other) != 0);
    CHECK(RegCopyTreeW(base, L"t\\gone", key) == 0 && exists(L"t\\a\\b") && exists(L"t\\a\\gone"));
    CHECK(RegCreateKeyTransactedW(key, L"new", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &other, NULL, transaction, NULL) == 0);
    CHECK(RegCloseKey(other) == 0 && RollbackTransaction(transaction) && CloseHandle(transaction));
    CHECK(RegCloseKey(key) == 0 && exists(L"t\\a\\b") && exists(L"t\\a\\gone") && !exists(L"t\\new"));

    CHECK((transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL)) != INVALID_HANDLE_VALUE);
    CHECK(RegOpenKeyTransactedW(base, L"t", 0, KEY_ALL_ACCESS, &key, transaction, NULL) == 0);
    CHECK(RegOpenKeyExW(key, L"a", 0, KEY_READ, &child) == 0);
    CHECK(RegDeleteKeyExW(key, L"gone", 0, 0) == 0 && RegDeleteKeyExW(child, L"gone", KEY_WOW64_64KEY, 0) == 0);
    CHECK(RegCloseKey(child) == 0 && RollbackTransaction(transaction) && CloseHandle(transaction));
    CHECK(RegCloseKey(key) == 0 && !exists(L"t\\gone") && !exists(L"t\\a\\gone") && exists(L"t\\a\\b"));

    CHECK((transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL)) != INVALID_HANDLE_VALUE);
    CHECK(RegCreateKeyTransactedW(base, L"t\\new\\x", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &child, NULL, transaction,
                                  NULL) == 0);
    CHECK(RegOpenKeyTransactedW(base, L"t", 0, KEY_ALL_ACCESS, &key, transaction, NULL) == 0);
    CHECK(RegDeleteKeyExW(child, L"", 0, 0) == ERROR_FILE_NOT_FOUND); /* nobody outside sees it */
    CHECK(RegDeleteKeyW(key, L"new") == ERROR_FILE_NOT_FOUND && RegDeleteTreeW(key, L"new") == 0);
    CHECK(RegCloseKey(child) == 0 && RegCloseKey(key) == 0 && CommitTransaction(transaction));
    return CloseHandle(transaction) && !exists(L"t\\new") && RegDeleteTreeW(base, L"t") == 0 ? 0 : __LINE__;
}

int main(void) {
    static int (*const parts[])(void) = {set_values, query_values, get_values,   enumerations, keys,
                                         links,      thread_exit,  merged_names, transacted,   transacted_trees};
    unsigned index;
    int line = 0, wrong = 0;
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"Software\\RegentRows", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &base, NULL)) {
        printf("no key\n");
        return 1;
    }
    for (index = 0; index < ARRAYSIZE(parts); ++index) {
        line = parts[index]();
        wrong += line != 0;
    }
    printf("%s\n", wrong == 0 ? "ok" : "wrong");
    return wrong == 0 ? 0 : 1;
}
