/* The contracts of the registry functions, one after another: what each checks, in which order, and what it leaves of
   the caller's buffers. Returns 0, or 1 after printing a line that was not as expected. */
#include <windows.h>

#include <ktmw32.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include <winperf.h>

#include "check.h"

static HKEY base;

/* HKEY_CURRENT_USER is the user of whoever calls first; without the cache, of each caller. */
static int users(void) {
    HKEY own = NULL, key = NULL, classes = NULL;
    HANDLE token = NULL;
    PSECURITY_DESCRIPTOR open_to_all = NULL;
    CHECK(RegOpenCurrentUser(KEY_READ, &own) == 0 && RegOpenKeyExW(own, L"Software", 0, KEY_READ, &key) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenCurrentUser(KEY_READ, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    CHECK(RegOpenUserClassesRoot(token, 0, KEY_READ, &classes) == 0 && RegCloseKey(classes) == 0);
    CHECK(RegOpenUserClassesRoot(token, 1, KEY_READ, &classes) == ERROR_INVALID_PARAMETER);
    CHECK(RegOpenUserClassesRoot(NULL, 0, KEY_READ, &classes) == ERROR_INVALID_HANDLE && classes == NULL);
    CHECK(RegOpenUserClassesRoot(own, 0, KEY_READ, &classes) == ERROR_INVALID_HANDLE && classes == NULL);
    CHECK(CloseHandle(token) && OpenProcessToken(GetCurrentProcess(), TOKEN_DUPLICATE, &token));
    CHECK(RegOpenUserClassesRoot(token, 0, KEY_READ, &classes) == ERROR_ACCESS_DENIED && classes == NULL);
    CHECK(CloseHandle(token));
    CHECK(RegCreateKeyExW(HKEY_CURRENT_USER, L"RegentOwn", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == 0);
    CHECK(RegCloseKey(key) == 0);
    /* The default user's key, which an anonymous caller may read here. */
    CHECK(RegOpenKeyExW(HKEY_USERS, L".DEFAULT", 0, WRITE_DAC, &key) == 0);
    CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:(A;;KA;;;WD)(A;;KR;;;AN)", SDDL_REVISION_1,
                                                               &open_to_all, NULL));
    CHECK(RegSetKeySecurity(key, DACL_SECURITY_INFORMATION, open_to_all) == 0 && RegCloseKey(key) == 0);
    LocalFree(open_to_all);
    CHECK(ImpersonateAnonymousToken(GetCurrentThread()));
    CHECK(RegOpenCurrentUser(KEY_READ, &key) == 0); /* the default user's: the anonymous one has no profile */
    CHECK(RegOpenKeyExW(key, L"RegentOwn", 0, KEY_READ, &classes) == ERROR_FILE_NOT_FOUND && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"RegentOwn", 0, 0x80000000, &key) != ERROR_FILE_NOT_FOUND); /* cached */
    CHECK(RegDisablePredefinedCache() == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"RegentOwn", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RevertToSelf());
    CHECK(RegOpenKeyExW(HKEY_CURRENT_USER, L"RegentOwn", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyW(HKEY_CURRENT_USER, L"RegentOwn") == 0);
    return RegCloseKey(own) == 0 ? 0 : __LINE__;
}

static int transactions(void) {
    HANDLE(WINAPI * create)(LPSECURITY_ATTRIBUTES, LPGUID, DWORD, DWORD, DWORD, DWORD, LPWSTR) = NULL;
    HMODULE module = GetModuleHandleW(L"KTMW32.dll");
    HANDLE transaction;
    HKEY key = NULL;
    CHECK(module != NULL && GetProcAddress(module, "CommitTransaction") != NULL);
    CHECK(GetProcAddress(module, "RegOpenKeyExW") == NULL);
    CHECK(GetProcAddress(GetModuleHandleW(L"advapi32"), "RegCreateKeyTransactedW") != NULL);
    *(FARPROC*)&create = GetProcAddress(module, "CreateTransaction");
    CHECK(create != NULL && (transaction = create(NULL, NULL, 0, 0, 0, 0, NULL)) != INVALID_HANDLE_VALUE);
    CHECK(RegCreateKeyTransactedW(base, L"in transaction", 0, NULL, 0, KEY_READ, NULL, &key, NULL, transaction, NULL) ==
          0);
    CHECK(RegCloseKey(key) == 0 && RegOpenKeyExW(base, L"in transaction", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    CHECK(CommitTransaction(transaction) && !CommitTransaction(transaction));
    CHECK(RegOpenKeyExW(base, L"in transaction", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(CloseHandle(transaction) && RegDeleteKeyW(base, L"in transaction") == 0);
    return 0;
}

#define SEVEN_LEVELS "\\a\\b\\c\\d\\e\\f\\g"

static BOOL there(const WCHAR* path, REGSAM view) {
    HKEY key = NULL;
    return RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ | view, &key) == 0 && RegCloseKey(key) == 0;
}

/* A transaction's keys lie in the view that a call asks for, or that the handle belongs to. */
static int transactions_in_views(void) {
    const REGSAM v32 = KEY_WOW64_32KEY, v64 = KEY_WOW64_64KEY;
    HANDLE transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL);
    HKEY key = NULL, child = NULL;
    DWORD disposition = 0;
    CHECK(RegCreateKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\RegentTx\\a", 0, NULL, 0, KEY_ALL_ACCESS | v32, NULL,
                                  &key, &disposition, transaction, NULL) == 0);
    CHECK(disposition == REG_CREATED_NEW_KEY);
    CHECK(RegCreateKeyTransactedW(key, L"b", 0, NULL, 0, KEY_READ, NULL, &child, NULL, transaction, NULL) == 0);
    CHECK(RegCloseKey(child) == 0);
    /* What both views share is one key. */
    CHECK(RegCreateKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\Policies\\RegentTx", 0, NULL, 0, KEY_READ | v32, NULL,
                                  &child, NULL, transaction, NULL) == 0);
    CHECK(RegCloseKey(child) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOpenKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\RegentTx\\a\\b", 0, KEY_READ | v32, &key, transaction,
                                NULL) == 0);
    CHECK(RegCloseKey(key) == 0);
    CHECK(RegOpenKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\RegentTx\\a\\b", 0, KEY_READ | v64, &key, transaction,
                                NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(RegOpenKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software", 0, KEY_READ | v32 | v64, &key, transaction, NULL) ==
          ERROR_INVALID_PARAMETER);
    /* A path that is refused makes none of its levels, in the transaction neither. */
    CHECK(RegCreateKeyTransactedA(
              HKEY_LOCAL_MACHINE,
              "Software\\RegentTooLong" SEVEN_LEVELS SEVEN_LEVELS SEVEN_LEVELS SEVEN_LEVELS "\\a\\b\\c", 0, NULL, 0,
              KEY_READ, NULL, &key, NULL, transaction, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(!there(L"Software\\RegentTx", v32) && CommitTransaction(transaction) && CloseHandle(transaction));
    CHECK(there(L"Software\\RegentTx\\a\\b", v32) && !there(L"Software\\RegentTx", v64));
    CHECK(there(L"Software\\Wow6432Node\\RegentTx\\a\\b", v64) && there(L"Software\\Policies\\RegentTx", v64));
    CHECK(!there(L"Software\\RegentTooLong", v64));
    CHECK((transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, NULL)) != INVALID_HANDLE_VALUE);
    CHECK(RegDeleteKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\RegentTx\\a\\b", v64, 0, transaction, NULL) ==
          ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteKeyTransactedW(HKEY_LOCAL_MACHINE, L"Software\\RegentTx\\a\\b", v32, 0, transaction, NULL) == 0);
    CHECK(there(L"Software\\RegentTx\\a\\b", v32) && CommitTransaction(transaction) && CloseHandle(transaction));
    CHECK(!there(L"Software\\RegentTx\\a\\b", v32) && there(L"Software\\RegentTx\\a", v32));
    CHECK(RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"Software\\Wow6432Node\\RegentTx") == 0);
    return RegDeleteKeyW(HKEY_LOCAL_MACHINE, L"Software\\Policies\\RegentTx") == 0 ? 0 : __LINE__;
}

/* RegQueryValueEx: what a failure leaves behind. */
static int query_value(void) {
    DWORD type = 666, size = 666, reserved = 3;
    BYTE buffer[8];
    CHECK(RegQueryValueExW(NULL, L"x", NULL, &type, NULL, &size) == ERROR_INVALID_HANDLE && type == 666 && size == 666);
    CHECK(RegQueryValueExW(base, L"x", &reserved, &type, NULL, &size) == ERROR_INVALID_PARAMETER && type == 666);
    CHECK(RegQueryValueExW((HKEY)(LONG_PTR)-4, L"x", &reserved, &type, NULL, &size) == ERROR_INVALID_PARAMETER);
    CHECK(RegQueryValueExW((HKEY)(LONG_PTR)-4, L"x", NULL, &type, NULL, &size) == ERROR_INVALID_HANDLE);
    CHECK(type == REG_NONE && size == 0);
    type = size = 666;
    CHECK(RegQueryValueExA(base, "x", NULL, &type, NULL, &size) == ERROR_FILE_NOT_FOUND && type == 0 && size == 0);
    type = 666, size = sizeof(buffer);
    CHECK(RegQueryValueExW(base, L"x", NULL, &type, buffer, &size) == ERROR_FILE_NOT_FOUND);
    CHECK(type == REG_NONE && size == sizeof(buffer));
    type = 666;
    CHECK(RegQueryValueExA(base, "x", NULL, &type, buffer, &size) == ERROR_FILE_NOT_FOUND && type == REG_NONE);
    CHECK(size == sizeof(buffer));
    return 0;
}

/* RegSetValueEx: data that cannot be read, data that ends where memory ends. */
static int set_value(void) {
    BYTE* pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const BYTE* nowhere = (const BYTE*)(ULONG_PTR)0x10;
    DWORD size = 0;
    CHECK(RegSetValueExW(base, L"bad", 0, REG_SZ, nowhere, 8) == ERROR_NOACCESS);
    CHECK(RegSetValueExA(base, "bad", 0, REG_SZ, nowhere, 8) == ERROR_NOACCESS);
    CHECK(RegSetKeyValueA(base, NULL, "bad", REG_MULTI_SZ, nowhere, 8) == ERROR_NOACCESS);
    CHECK(RegSetValueExA(base, "bad", 0, REG_BINARY, nowhere, 8) == ERROR_NOACCESS);
    CHECK(RegSetValueExW(base, L"bad", 0, REG_SZ, NULL, 2) == ERROR_NOACCESS);
    CHECK(RegQueryValueExW(base, L"bad", NULL, NULL, NULL, NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
    memcpy(pages + 4092, L"ab", 4);
    CHECK(RegSetValueExW(base, L"edge", 0, REG_SZ, pages + 4092, 4) == 0);
    CHECK(RegQueryValueExW(base, L"edge", NULL, NULL, NULL, &size) == 0 && size == 4);
    memcpy(pages + 4092, "abcd", 4);
    CHECK(RegSetValueExA(base, "edge", 0, REG_SZ, pages + 4092, 4) == 0);
    CHECK(RegQueryValueExA(base, "edge", NULL, NULL, NULL, &size) == 0 && size == 4);
    CHECK(RegSetValueExW(base, L"null", 0, REG_DWORD, NULL, 0) == 0 && RegDeleteValueW(base, L"null") == 0);
    CHECK(RegSetKeyValueW(NULL, L"x", L"v", REG_DWORD, &size, 4) == ERROR_INVALID_HANDLE);
    CHECK(RegDeleteKeyValueW(NULL, L"x", L"v") == ERROR_INVALID_HANDLE);
    return 0;
}

/* RegGetValue: a wrong type is told before a buffer that is too small, which then stays as it was. */
static int get_value(void) {
    const ULONGLONG wide = 0x1122334455667788;
    DWORD number = 5, type = 0, size = sizeof(number);
    CHECK(RegSetValueExW(base, L"q", 0, REG_QWORD, (const BYTE*)&wide, sizeof(wide)) == 0);
    CHECK(RegSetValueExW(base, L"b", 0, REG_BINARY, (const BYTE*)&wide, sizeof(wide)) == 0);
    CHECK(RegGetValueW(base, NULL, L"q", RRF_RT_REG_DWORD, &type, &number, &size) == ERROR_UNSUPPORTED_TYPE);
    CHECK(type == REG_QWORD && size == 8 && number == 5);
    size = sizeof(number);
    CHECK(RegGetValueA(base, NULL, "q", RRF_RT_REG_SZ, &type, &number, &size) == ERROR_UNSUPPORTED_TYPE && number == 5);
    size = sizeof(number);
    CHECK(RegGetValueW(base, NULL, L"b", RRF_RT_DWORD, &type, &number, &size) == ERROR_DATATYPE_MISMATCH);
    size = sizeof(number);
    CHECK(RegGetValueW(base, NULL, L"b", RRF_RT_REG_BINARY, &type, &number, &size) == ERROR_MORE_DATA && number == 5);
    CHECK(size == 8);
    size = sizeof(number);
    CHECK(RegGetValueW(base, NULL, L"q", RRF_RT_REG_DWORD | RRF_ZEROONFAILURE, NULL, &number, &size) ==
              ERROR_UNSUPPORTED_TYPE &&
          number == 0);
    return 0;
}

/* RegQueryInfoKey: a class buffer that is too small (rows 189, 190). */
static int query_info(void) {
    WCHAR wide[8];
    char narrow[8];
    DWORD count;
    HKEY key;
    CHECK(RegCreateKeyExW(base, L"classy", 0, L"klass", 0, KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    for (count = 1; count <= 5; ++count) {
        DWORD room = count;
        memset(narrow, 0x55, sizeof(narrow));
        CHECK(RegQueryInfoKeyA(key, narrow, &room, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
              ERROR_MORE_DATA);
        CHECK(room == count - 1 && memcmp(narrow, "klass", room) == 0 && narrow[room] == 0 && narrow[count] == 0x55);
        room = count, wide[0] = L'?';
        CHECK(RegQueryInfoKeyW(key, wide, &room, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
              ERROR_INSUFFICIENT_BUFFER);
        CHECK(room == count - 1 && wide[0] == L'?');
    }
    count = 0;
    CHECK(RegQueryInfoKeyW(key, wide, &count, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == 0 && count == 0);
    CHECK(RegQueryInfoKeyW(key, wide, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) ==
          ERROR_INVALID_PARAMETER);
    /* The key of a handle goes by an empty name; what is asked of it afterwards tells that it is gone. */
    CHECK(RegDeleteKeyW(key, L"") == 0);
    CHECK(RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == ERROR_KEY_DELETED);
    CHECK(RegOpenKeyExW(key, L"x", 0, KEY_READ, &key) == ERROR_KEY_DELETED && key == NULL);
    return 0;
}

/* RegQueryMultipleValues: the list and the data of one call together are at most a megabyte. */
static int several_values(void) {
    const DWORD size = (1 << 20) - sizeof(VALENTW);
    BYTE* data = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size + 4);
    WCHAR name[] = L"large";
    VALENTW entry = {name, 0, 0, 0};
    DWORD room = 0;
    CHECK(data != NULL);
    CHECK(RegSetValueExW(base, name, 0, REG_BINARY, data, size + 1) == 0);
    CHECK(RegQueryMultipleValuesW(base, &entry, 1, NULL, &room) == ERROR_TRANSFER_TOO_LONG);
    CHECK(RegSetValueExW(base, name, 0, REG_BINARY, data, size) == 0);
    CHECK(RegQueryMultipleValuesW(base, &entry, 1, NULL, &room) == ERROR_MORE_DATA && room == size);
    CHECK(RegQueryMultipleValuesW(base, &entry, 1, (LPWSTR)data, &room) == 0 && entry.ve_valuelen == size);
    return HeapFree(GetProcessHeap(), 0, data) && RegDeleteValueW(base, name) == 0 ? 0 : __LINE__;
}

/* RegOverridePredefKey: a real handle stands for the predefined one; its own reference is kept. */
static int override(void) {
    HKEY stand_in = NULL, key = NULL;
    CHECK(RegCreateKeyExW(base, L"stand-in\\below", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == 0 &&
          RegCloseKey(key) == 0);
    CHECK(RegOpenKeyExW(base, L"stand-in", 0, KEY_ALL_ACCESS, &stand_in) == 0);
    CHECK(RegOverridePredefKey(base, stand_in) == ERROR_INVALID_HANDLE);
    CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, HKEY_USERS) == ERROR_INVALID_HANDLE);
    CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, (HKEY)(LONG_PTR)-4) == ERROR_INVALID_HANDLE);
    CHECK(RegOverridePredefKey(HKEY_PERFORMANCE_DATA, stand_in) == 0);
    CHECK(RegOpenKeyExW(HKEY_PERFORMANCE_DATA, L"below", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOverridePredefKey(HKEY_PERFORMANCE_DATA, NULL) == 0);
    CHECK(RegOpenKeyExW(HKEY_PERFORMANCE_DATA, L"below", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE);
    CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, stand_in) == 0 && RegCloseKey(stand_in) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_CONFIG, L"below", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, NULL) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_CONFIG, L"below", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
    CHECK(RegDeleteTreeW(base, L"stand-in") == 0);
    return 0;
}

/* RegCloseKey of a predefined key succeeds, as often as it is called, and forgets what was opened for it: a
   notification on that ends, and the next use opens the key anew. */
static int close_predefined(void) {
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    HKEY key = NULL;
    CHECK(RegNotifyChangeKeyValue(HKEY_CURRENT_CONFIG, FALSE, REG_NOTIFY_CHANGE_NAME, event, TRUE) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_CONFIG, NULL, 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(RegCloseKey(HKEY_CURRENT_CONFIG) == 0 && WaitForSingleObject(event, 10000) == WAIT_OBJECT_0);
    CHECK(RegCloseKey(HKEY_CURRENT_CONFIG) == 0 && RegCloseKey(HKEY_CURRENT_CONFIG) == 0);
    CHECK(RegOpenKeyExW(HKEY_CURRENT_CONFIG, L"Software", 0, KEY_READ, &key) == 0 && RegCloseKey(key) == 0);
    return CloseHandle(event) ? 0 : __LINE__;
}

/* Threads use a predefined key while another overrides, restores and closes it: whose key they get is open, but that
   they get one is not. */
static volatile LONG predefined_stop, predefined_failed;
static DWORD WINAPI use_predefined(LPVOID uses) {
    DWORD subkeys;
    for (; !InterlockedCompareExchange(&predefined_stop, 0, 0); InterlockedIncrement((volatile LONG*)uses)) {
        LSTATUS error =
            RegQueryInfoKeyW(HKEY_CURRENT_CONFIG, NULL, NULL, NULL, &subkeys, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        if (error != 0) InterlockedExchange(&predefined_failed, error);
    }
    return 0;
}
static int predefined_race(void) {
    HKEY stand_in = NULL;
    HANDLE users[2];
    volatile LONG uses[2] = {0, 0};
    int i;
    CHECK(RegCreateKeyExW(base, L"stand-in", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &stand_in, NULL) == 0);
    for (i = 0; i < 2; ++i)
        CHECK((users[i] = CreateThread(NULL, 0, use_predefined, (LPVOID)&uses[i], 0, NULL)) != NULL);
    for (i = 0; i < 3000 || InterlockedCompareExchange(&uses[0], 0, 0) < 1000 ||
                InterlockedCompareExchange(&uses[1], 0, 0) < 1000;
         ++i) {
        CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, stand_in) == 0);
        CHECK(RegOverridePredefKey(HKEY_CURRENT_CONFIG, NULL) == 0);
        CHECK(RegCloseKey(HKEY_CURRENT_CONFIG) == 0);
    }
    InterlockedExchange(&predefined_stop, 1);
    CHECK(WaitForMultipleObjects(2, users, TRUE, INFINITE) == WAIT_OBJECT_0);
    CHECK(InterlockedCompareExchange(&predefined_failed, 0, 0) == 0 && CloseHandle(users[0]) && CloseHandle(users[1]));
    return RegCloseKey(stand_in) == 0 && RegDeleteKeyW(base, L"stand-in") == 0 ? 0 : __LINE__;
}

/* RegNotifyChangeKeyValue: its arguments, and the event of a key that is closed. */
static int notification(void) {
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL), mutex = CreateMutexW(NULL, FALSE, NULL);
    HKEY key = NULL;
    CHECK(RegOpenKeyExW(base, NULL, 0, KEY_READ & ~KEY_NOTIFY, &key) == 0);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_NAME, event, TRUE) == ERROR_ACCESS_DENIED);
    CHECK(RegCloseKey(key) == 0 && RegOpenKeyExW(base, NULL, 0, KEY_NOTIFY, &key) == 0);
    CHECK(RegNotifyChangeKeyValue(NULL, FALSE, REG_NOTIFY_CHANGE_NAME, event, TRUE) == ERROR_INVALID_HANDLE);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_NAME, mutex, TRUE) == ERROR_INVALID_HANDLE);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, 0x100, event, TRUE) == ERROR_INVALID_PARAMETER);
    CHECK(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_THREAD_AGNOSTIC, event, TRUE) == 0);
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT && RegCloseKey(key) == 0);
    CHECK(WaitForSingleObject(event, 20000) == WAIT_OBJECT_0);
    return CloseHandle(event) && CloseHandle(mutex) ? 0 : __LINE__;
}

/* RegEnumValue and RegEnumKeyEx: buffers of every size. */
static int enumeration(void) {
    char name[8];
    BYTE data[8];
    DWORD count, size, type, class_count;
    HKEY key = NULL, below = NULL;
    CHECK(RegCreateKeyExW(base, L"enum", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL) == 0);
    count = 8;
    CHECK(RegEnumValueA(key, 0, NULL, &count, NULL, NULL, NULL, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegEnumValueA(key, 0, name, NULL, NULL, NULL, NULL, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS);
    CHECK(RegSetValueExW(key, L"Test", 0, REG_BINARY, (const BYTE*)"abcd", 4) == 0);
    for (count = 0; count < 5; ++count) {
        DWORD room = count;
        size = 8, type = 666;
        memset(name, 'x', sizeof(name)), memset(data, 'x', sizeof(data));
        CHECK(RegEnumValueA(key, 0, name, &room, NULL, &type, data, &size) == ERROR_MORE_DATA && room == count);
        CHECK(size == 4 && type == REG_BINARY && name[0] == 'x' && data[0] == 'x');
    }
    count = 8, size = 2;
    CHECK(RegEnumValueA(key, 0, name, &count, NULL, &type, NULL, &size) == 0 && size == 4 && count == 4);
    CHECK(RegCreateKeyExW(key, L"1", 0, L"cls", 0, KEY_READ, NULL, &below, NULL) == 0 && RegCloseKey(below) == 0);
    count = 1, name[0] = 'x';
    CHECK(RegEnumKeyExA(key, 0, name, &count, NULL, NULL, NULL, NULL) == ERROR_MORE_DATA && name[0] == 'x' &&
          count == 1);
    count = 2;
    CHECK(RegEnumKeyExA(key, 0, name, &count, NULL, (LPSTR)data, NULL, NULL) == ERROR_INVALID_PARAMETER);
    class_count = 4;
    CHECK(RegEnumKeyExA(key, 0, name, &count, NULL, (LPSTR)data, &class_count, NULL) == 0);
    CHECK(count == 1 && class_count == 3 && memcmp(data, "cls", 4) == 0);
    CHECK(RegEnumKeyA(key, 0, name, 1) == ERROR_MORE_DATA && RegEnumKeyA(key, 1, name, 8) == ERROR_NO_MORE_ITEMS);
    CHECK(RegCloseKey(key) == 0 && RegDeleteTreeW(base, L"enum") == 0);
    return 0;
}

/* Opening and creating. */
static int keys(void) {
    HKEY key = (HKEY)(ULONG_PTR)0x1234, other = NULL;
    CHECK(RegOpenKeyExA(NULL, "x", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE && key == (HKEY)(ULONG_PTR)0x1234);
    CHECK(RegOpenKeyW(NULL, L"x", &key) == ERROR_INVALID_HANDLE && key == (HKEY)(ULONG_PTR)0x1234);
    CHECK(RegOpenKeyExW(NULL, L"x", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE && key == NULL);
    CHECK(RegOpenKeyW(NULL, NULL, &key) == 0 && key == NULL);
    CHECK(RegOpenKeyA(base, "none", &key) == ERROR_FILE_NOT_FOUND && key == NULL);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"", 0, KEY_READ, &key) == 0 && key == HKEY_CLASSES_ROOT);
    CHECK(RegOpenKeyExW(HKEY_CLASSES_ROOT, L"\\", 0, KEY_READ, &key) == 0 && key != HKEY_CLASSES_ROOT);
    CHECK(RegCloseKey(key) == 0 && RegCloseKey(key) == ERROR_INVALID_HANDLE);
    key = (HKEY)(ULONG_PTR)((0xdeadbeefULL << 32) | 0x80000002);
    CHECK(RegOpenKeyExW(key, L"Software", 0, KEY_READ, &other) == 0 && RegCloseKey(other) == 0);
    CHECK(RegOpenKeyExW(base, NULL, 0, KEY_NOTIFY, &other) ==
          0); /* creating asks the key's descriptor, not the handle */
    CHECK(RegCreateKeyExW(other, L"by notify", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == 0 && RegCloseKey(key) == 0);
    CHECK(RegDeleteKeyW(other, L"by notify") == 0 && RegCloseKey(other) == 0);
    CHECK(RegCreateKeyExW(base, L"\\x", 0, NULL, 0, KEY_READ, NULL, &key, NULL) == ERROR_BAD_PATHNAME);
    CHECK(RegCreateKeyExW(base, L"x", 0, NULL, 0x8000, KEY_READ, NULL, &key, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"NoSuchHive", 0, NULL, 0, KEY_READ, NULL, &key, NULL) != 0);
    CHECK(RegConnectRegistryW(L"\\\\no-such-machine", HKEY_LOCAL_MACHINE, &key) == ERROR_BAD_NETPATH);
    CHECK(RegSaveKeyExW(base, L"x", NULL, 0) == ERROR_INVALID_PARAMETER);
    CHECK(RegSaveKeyExW(base, L"x", NULL, 5) == ERROR_INVALID_PARAMETER);
    CHECK(RegLoadKeyW(HKEY_LOCAL_MACHINE, L"x", L"") == ERROR_INVALID_PARAMETER);
    CHECK(RegUnLoadKeyW(HKEY_USERS, L".DEFAULT") == ERROR_ACCESS_DENIED);
    SetLastError(4711);
    CHECK(RegOpenKeyExW(base, L"none", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND && GetLastError() == 4711);
    return 0;
}

static int rings;
static VOID CALLBACK count_ring(LPVOID argument, DWORD low, DWORD high) {
    (void)argument, (void)low, (void)high;
    ++rings;
}

/* What Wine takes and the documentation does not. */
static int strict_objects(void) {
    LONG previous = -1;
    HANDLE semaphore = CreateSemaphoreW(NULL, 0, 1, NULL), both[2];
    CHECK(semaphore != NULL && !ReleaseSemaphore(semaphore, 0, &previous));
    CHECK(GetLastError() == ERROR_INVALID_PARAMETER && previous == -1);
    both[0] = both[1] = semaphore;
    SetLastError(0);
    CHECK(WaitForMultipleObjects(2, both, TRUE, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_PARAMETER);
    CHECK(CloseHandle(semaphore));
    /* A period below 0 and unknown flags fail (Wine takes them), a machine is not woken, and that is a success. */
    HANDLE timer = CreateWaitableTimerW(NULL, TRUE, NULL);
    LARGE_INTEGER due;
    due.QuadPart = -36000000000LL;
    SetLastError(0);
    CHECK(!SetWaitableTimer(timer, &due, -1, NULL, NULL, FALSE) && GetLastError() == ERROR_INVALID_PARAMETER);
    SetLastError(0);
    CHECK(SetWaitableTimer(timer, &due, 0, NULL, NULL, TRUE) && GetLastError() == ERROR_NOT_SUPPORTED);
    CHECK(!SetWaitableTimer(timer, NULL, 0, NULL, NULL, FALSE) && GetLastError() == ERROR_NOACCESS);
    due.QuadPart = -10000;
    CHECK(SetWaitableTimer(timer, &due, 2, count_ring, NULL, FALSE)); /* once a period, as long as it runs */
    while (rings < 4) CHECK(SleepEx(20000, TRUE) == WAIT_IO_COMPLETION);
    CHECK(CancelWaitableTimer(timer) && SleepEx(0, TRUE) == 0);
    SetLastError(0);
    CHECK(CreateWaitableTimerExW(NULL, NULL, 0x80, TIMER_ALL_ACCESS) == NULL);
    CHECK(GetLastError() == ERROR_INVALID_PARAMETER);
    return CloseHandle(timer) ? 0 : __LINE__;
}

/* RtlNtStatusToDosError: the map of ntdll. */
static int error_map(void) {
    static const struct {
        ULONG status, error;
    } map[] = {{0x80000005, 234},
               {0x8000001A, 259},
               {0xC0000023, 122},
               {0xC0000004, 24},
               {0xC0000008, 6},
               {0xC0000024, 6},
               {0xC000000D, 87},
               {0xC00000EF, 87},
               {0xC00000FA, 87},
               {0xC0000030, 87},
               {0xC0000003, 87},
               {0xC0000005, 998},
               {0x80000002, 998},
               {0xC0000022, 5},
               {0xC0000121, 5},
               {0xC0000056, 5},
               {0xC0000123, 5},
               {0xC0000021, 5},
               {0xC0000061, 1314},
               {0xC0000033, 123},
               {0xC0000034, 2},
               {0xC000000F, 2},
               {0xC0000035, 183},
               {0xC000003A, 3},
               {0xC0000039, 161},
               {0xC000003B, 161},
               {0xC0000106, 206},
               {0xC000017C, 1018},
               {0xC0000425, 1018},
               {0xC0000180, 1020},
               {0xC0000181, 1021},
               {0xC000017D, 1019},
               {0xC000014C, 1009},
               {0xC000014D, 1016},
               {0xC000015C, 1017},
               {0x40000009, 1014},
               {0x8000002A, 685},
               {0xC0000218, 589},
               {0xC0000256, 613},
               {0x10C, 1022},
               {0x10B, 745},
               {0x103, 997},
               {0xC000009A, 1450},
               {0xC0000017, 8},
               {0xC0000044, 1816},
               {0xC00000BB, 50},
               {0xC0000002, 1},
               {0xC0000001, 31},
               {0xC0000043, 32},
               {0xC000007F, 112},
               {0xC00000A2, 19},
               {0xC0000189, 19},
               {0xC000005A, 1307},
               {0xC0000079, 1338},
               {0x8000002D, 681},
               {0xC0190001, 6800},
               {0xC0190002, 6700},
               {0xC0190003, 6701},
               {0xC000020F, 59},
               {0xC0000216, 59},
               {0, 0},
               {0x20000001, 0x20000001},
               {0xC0010007, 7},
               {0x80070005, 5},
               {0xCEEEEEEE, 317}};
    unsigned index;
    for (index = 0; index < ARRAYSIZE(map); ++index) {
        if (RtlNtStatusToDosError((NTSTATUS)map[index].status) == map[index].error) continue;
        printf("%08x\n", (unsigned)map[index].status);
        return __LINE__;
    }
    return 0;
}

/* Rows 243 to 245: values without a key. No counters are here: a block without objects, lists without names. */
static int performance(void) {
    static const HKEY keys[] = {HKEY_PERFORMANCE_DATA, HKEY_PERFORMANCE_TEXT, HKEY_PERFORMANCE_NLSTEXT};
    static const WCHAR* const texts[] = {L"Counter", L"counter", L"Counter 009", L"Help", L"HELPFUL"};
    BYTE buffer[1024], one = 1;
    const PERF_DATA_BLOCK* block = (const PERF_DATA_BLOCK*)buffer;
    WCHAR name[8];
    HKEY key = NULL;
    DWORD size = 0, type = 0, count, index, text;
    for (index = 0; index < ARRAYSIZE(keys); ++index) {
        CHECK(RegOpenKeyExW(keys[index], L"x", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE);
        size = 0;
        CHECK(RegQueryValueExW(keys[index], L"no such", NULL, NULL, NULL, &size) == ERROR_MORE_DATA && size == 0);
        CHECK(RegQueryValueExA(keys[index], "Global", NULL, NULL, NULL, &size) == ERROR_MORE_DATA && size == 0);
        size = 10;
        CHECK(RegQueryValueExA(keys[index], "Global", NULL, NULL, buffer, &size) == ERROR_MORE_DATA && size == 10);
        size = sizeof(buffer);
        CHECK(RegQueryValueExW(keys[index], L"Global", NULL, &type, buffer, &size) == 0 && type == REG_BINARY);
        CHECK(memcmp(block->Signature, L"PERF", 8) == 0 && block->LittleEndian == 1 && block->NumObjectTypes == 0);
        CHECK(block->TotalByteLength == size && block->HeaderLength == size && size % 8 == 0);
        CHECK(block->SystemNameOffset + block->SystemNameLength <= size && block->SystemTime.wYear > 2000);
        CHECK(block->PerfTime.QuadPart != 0 && block->PerfFreq.QuadPart != 0 && block->PerfTime100nSec.QuadPart != 0);
        for (text = 0; text < ARRAYSIZE(texts); ++text) {
            size = sizeof(buffer);
            CHECK(RegQueryValueExW(keys[index], texts[text], NULL, &type, buffer, &size) == 0 && type == REG_MULTI_SZ);
            CHECK(size == sizeof(WCHAR) && buffer[0] == 0 && buffer[1] == 0);
        }
        size = sizeof(buffer);
        CHECK(RegQueryValueExA(keys[index], "Help", NULL, &type, buffer, &size) == 0 && size == 1 && buffer[0] == 0);
        count = ARRAYSIZE(name);
        CHECK(RegEnumKeyExW(keys[index], 0, name, &count, NULL, NULL, NULL, NULL) ==
              (index == 0 ? ERROR_INVALID_HANDLE : ERROR_NO_MORE_ITEMS));
        CHECK(RegSetValueExW(keys[index], L"v", 0, REG_BINARY, &one, 1) ==
              (index == 0 ? ERROR_INVALID_HANDLE : ERROR_BADKEY));
        CHECK(RegSetValueExA(keys[index], "v", 0, REG_SZ, (const BYTE*)"v", 2) ==
              (index == 0 ? ERROR_INVALID_HANDLE : ERROR_BADKEY));
        CHECK(RegCloseKey(keys[index]) == 0 && RegCloseKey(keys[index]) == 0);
    }
    return 0;
}

/* A 64-bit image with one resource: strings 0 to 15, of which 1 is "h?llo", in American English. */
static BOOL write_module(const char* path, char second, DWORD type) {
    static const struct {
        DWORD at, value;
    } fields[] = {
        {0x000, 0x5A4D},     {0x03C, 0x40},       {0x040, 0x4550},     {0x044, 0x00018664}, {0x054, 0x202200F0},
        {0x058, 0x20B},      {0x0C4, 16},         {0x0D8, 0x1000},     {0x0DC, 0x100},      {0x150, 0x100},
        {0x154, 0x1000},     {0x158, 0x100},      {0x15C, 0x200},      {0x20C, 0x00010000}, {0x210, 6},
        {0x214, 0x80000018}, {0x224, 0x00010000}, {0x228, 1},          {0x22C, 0x80000030}, {0x23C, 0x00010000},
        {0x240, 0x409},      {0x244, 0x48},       {0x248, 0x1058},     {0x24C, 0xA8},       {0x258, 0x00050000},
        {0x25C, 0x00650068}, {0x260, 0x006C006C}, {0x264, 0x0000006F},
    };
    BYTE image[0x300] = {0};
    FILE* file = fopen(path, "wb");
    size_t i, written = 0;
    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) memcpy(image + fields[i].at, &fields[i].value, 4);
    image[0x25E] = (BYTE)second;
    image[0x210] = (BYTE)type; /* 6: strings */
    if (file != NULL) written = fwrite(image, 1, sizeof(image), file);
    return file != NULL && fclose(file) == 0 && written == sizeof(image);
}

static LSTATUS load(const char* text, WCHAR* out, DWORD size, DWORD* needed, DWORD flags, const WCHAR* directory) {
    LSTATUS error = RegSetValueExA(base, "mui", 0, REG_SZ, (const BYTE*)text, (DWORD)strlen(text) + 1);
    return error == 0 ? RegLoadMUIStringW(base, L"mui", out, size, needed, flags, directory) : error;
}

/* RegLoadMUIString: rows 217, 219, 221, 222. */
static int module_strings(const char* folder) {
    char path[512], text[600];
    WCHAR out[16] = L"untouched", directory[512];
    DWORD needed = 0;
    snprintf(path, sizeof(path), "%s/strings.dll", folder);
    CHECK(write_module(path, 'e', 6) && MultiByteToWideChar(CP_ACP, 0, folder, -1, directory, 512) != 0);
    snprintf(text, sizeof(text), "@%s,-1", path);
    CHECK(load(text, NULL, 0, &needed, 0, NULL) == ERROR_MORE_DATA && needed == 12);
    CHECK(load(text, NULL, 0, NULL, 0, NULL) == ERROR_MORE_DATA);
    CHECK(load(text, NULL, 8, &needed, 0, NULL) == ERROR_INVALID_PARAMETER);
    CHECK(load(text, out, 10, &needed, 0, NULL) == ERROR_MORE_DATA && needed == 12 && wcscmp(out, L"untouched") == 0);
    CHECK(load(text, out, 8, NULL, REG_MUI_STRING_TRUNCATE, NULL) == 0 && wcscmp(out, L"hel") == 0);
    CHECK(load(text, out, 12, &needed, 0, NULL) == 0 && needed == 12 && wcscmp(out, L"hello") == 0);
    memset(out, 0, sizeof(out));
    snprintf(text, sizeof(text), "@%s\\strings.dll,-1;a comment, and -1", folder);
    CHECK(load(text, out, sizeof(out), &needed, 0, NULL) == 0 && needed == 12 && wcscmp(out, L"hello") == 0);
    CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, directory) == 0);
    CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, NULL) == ERROR_FILE_NOT_FOUND);
    CHECK(load("@strings.dll,-2", out, sizeof(out), NULL, 0, directory) == 1814);
    CHECK(load("@strings.dll,-16", out, sizeof(out), NULL, 0, directory) == 1814);
    CHECK(load("@strings.dll,1", out, sizeof(out), NULL, 0, directory) == ERROR_INVALID_DATA);
    CHECK(load("@strings.dll,-", out, sizeof(out), NULL, 0, directory) == ERROR_INVALID_DATA);
    CHECK(load("@strings.dll,-1x", out, sizeof(out), NULL, 0, directory) == ERROR_INVALID_DATA);
    CHECK(load("@/etc/passwd,-1", out, sizeof(out), NULL, 0, NULL) == ERROR_BAD_EXE_FORMAT);
    CHECK(load("@/etc,-1", out, sizeof(out), NULL, 0, NULL) == ERROR_BAD_EXE_FORMAT);
    CHECK(load("", out, sizeof(out), NULL, 0, NULL) == ERROR_INVALID_DATA);
    CHECK(load("@strings.dll,a", out, sizeof(out), NULL, 0, directory) == ERROR_INVALID_DATA);
    CHECK(load("@,a", out, sizeof(out), NULL, 0, directory) == ERROR_INVALID_DATA);
    snprintf(text, sizeof(text), "%s/none.dll", folder);
    CHECK(write_module(text, 'e', 5) && load("@none.dll,-1", out, sizeof(out), NULL, 0, directory) == ERROR_NOT_FOUND);
    /* Row 220: the name is expanded, whatever the type, the text as a whole is not. */
    CHECK(setenv("REGENT_MODULES", folder, 1) == 0);
    CHECK(load("@%REGENT_MODULES%\\strings.dll,-1", out, sizeof(out), NULL, 0, NULL) == 0);
    snprintf(text, sizeof(text), "@%s\\strings.dll,-1", folder);
    CHECK(setenv("REGENT_STRING", text, 1) == 0 && setenv("REGENT_NAME", text + 1, 1) == 0);
    CHECK(load("%REGENT_STRING%", out, sizeof(out), NULL, 0, NULL) == ERROR_INVALID_DATA);
    CHECK(load("@%REGENT_NAME%", out, sizeof(out), NULL, 0, NULL) == 0);
    CHECK(RegSetValueExA(base, "mui", 0, REG_EXPAND_SZ, (const BYTE*)"@%REGENT_NAME%", 15) == 0);
    CHECK(RegLoadMUIStringW(base, L"mui", out, sizeof(out), NULL, 0, NULL) == 0 && wcscmp(out, L"hello") == 0);
    /* Row 222: without a directory the current one. */
    CHECK(getcwd(text, sizeof(text)) != NULL && chdir(folder) == 0);
    CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, NULL) == 0 && chdir(text) == 0);
    CHECK(RegDeleteValueW(base, L"mui") == 0);
    return 0;
}

/* Files of other languages beside the module: the user's, its language without a region, American English. */
static int languages_beside(const char* folder) {
    static const struct {
        const char *folder, *name;
        char second;
    } files[] = {{"de", "strings.dll.mui", 'a'},
                 {"en-US", "strings.dll.mui", 'i'},
                 {"fr-FR", "strings.dll.mui", 'o'},
                 {"de-AT", "strings.dll", 'u'}};
    static const struct {
        const char* locale;
        const WCHAR* text;
    } users[] = {{"de_AT.UTF-8", L"hallo"}, {"de", L"hallo"}, {"fr_FR", L"hollo"}, {"fr_CA", L"hillo"},
                 {"C", L"hillo"},           {"", L"hillo"},   {"../de", L"hillo"}, {"de_DE@euro", L"hallo"}};
    char path[600];
    WCHAR out[16], directory[512];
    unsigned index;
    CHECK(MultiByteToWideChar(CP_ACP, 0, folder, -1, directory, 512) != 0);
    for (index = 0; index < ARRAYSIZE(files); ++index) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[index].folder);
        CHECK(mkdir(path, 0700) == 0);
        snprintf(path, sizeof(path), "%s/%s/%s", folder, files[index].folder, files[index].name);
        CHECK(write_module(path, files[index].second, 6));
    }
    for (index = 0; index < ARRAYSIZE(users); ++index) {
        CHECK(setenv("LC_ALL", users[index].locale, 1) == 0 && setenv("LANG", "C", 1) == 0 &&
              unsetenv("LC_MESSAGES") == 0);
        CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, directory) == 0);
        if (wcscmp(out, users[index].text) == 0) continue;
        printf("%s\n", users[index].locale);
        return __LINE__;
    }
    /* What the file has not is the module's; without the module the file counts for nothing. */
    CHECK(load("@strings.dll,-2", out, sizeof(out), NULL, 0, directory) == 1814);
    snprintf(path, sizeof(path), "%s/en-US/strings.dll.mui", folder);
    CHECK(write_module(path, 'i', 5) && setenv("LC_ALL", "C", 1) == 0);
    CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, directory) == 0 && wcscmp(out, L"hello") == 0);
    snprintf(path, sizeof(path), "%s/strings.dll", folder);
    CHECK(unlink(path) == 0 && setenv("LC_ALL", "de", 1) == 0);
    CHECK(load("@strings.dll,-1", out, sizeof(out), NULL, 0, directory) == ERROR_FILE_NOT_FOUND);
    return RegDeleteValueW(base, L"mui") == 0 ? 0 : __LINE__;
}

int main(int argc, char** argv) {
    int line = 0;
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"Software\\RegentContracts", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &base,
                        NULL) != 0) {
        printf("no key\n");
        return 1;
    }
    if (line == 0) line = transactions();
    if (line == 0) line = transactions_in_views();
    if (line == 0) line = query_value();
    if (line == 0) line = set_value();
    if (line == 0) line = get_value();
    if (line == 0) line = query_info();
    if (line == 0) line = several_values();
    if (line == 0) line = override();
    if (line == 0) line = close_predefined();
    if (line == 0) line = predefined_race();
    if (line == 0) line = notification();
    if (line == 0) line = enumeration();
    if (line == 0) line = keys();
    if (line == 0) line = strict_objects();
    if (line == 0) line = error_map();
    if (line == 0) line = users();
    if (line == 0) line = performance();
    if (line == 0 && argc > 1) line = module_strings(argv[1]);
    if (line == 0 && argc > 1) line = languages_beside(argv[1]);
    printf("%s\n", line == 0 ? "ok" : "wrong");
    return line == 0 ? 0 : 1;
}
