/* installer install [--fail] | installer remove
 *
 * Registers a program the way an installer does - an uninstall entry, an application path, a file type - in one
 * transaction: all of it is there or none. `--fail` breaks off after half of the work, as a full disk or a cancelled
 * dialog would. For Windows:
 *   x86_64-w64-mingw32-gcc -municode installer.c -ladvapi32 -lktmw32
 */
#include <windows.h>

#include <ktmw32.h>
#include <stdio.h>
#include <wchar.h>

struct entry {
    const wchar_t* key;
    const wchar_t* value; /* NULL: the default value */
    const wchar_t* data;
};

#define CURRENT_VERSION L"Software\\Microsoft\\Windows\\CurrentVersion\\"

static const struct entry entries[] = {
    {CURRENT_VERSION L"Uninstall\\RegentExample", L"DisplayName", L"Regent example"},
    {CURRENT_VERSION L"Uninstall\\RegentExample", L"UninstallString", L"installer remove"},
    {CURRENT_VERSION L"App Paths\\regent-example.exe", NULL, L"C:\\Program Files\\Regent\\example.exe"},
    {L"Software\\Classes\\.rgex", NULL, L"RegentExample.File"},
    {L"Software\\Classes\\RegentExample.File\\shell\\open\\command", NULL, L"example.exe \"%1\""},
};
enum { entry_count = sizeof entries / sizeof entries[0] };

static const wchar_t* const trees[] = {
    CURRENT_VERSION L"Uninstall\\RegentExample",
    CURRENT_VERSION L"App Paths\\regent-example.exe",
    L"Software\\Classes\\.rgex",
    L"Software\\Classes\\RegentExample.File\\shell\\open\\command",
    L"Software\\Classes\\RegentExample.File\\shell\\open",
    L"Software\\Classes\\RegentExample.File\\shell",
    L"Software\\Classes\\RegentExample.File",
};

static LONG install(HANDLE transaction, int count) {
    for (int i = 0; i < count; ++i) {
        HKEY key = NULL;
        LONG error = RegCreateKeyTransactedW(HKEY_CURRENT_USER, entries[i].key, 0, NULL, REG_OPTION_NON_VOLATILE,
                                             KEY_SET_VALUE, NULL, &key, NULL, transaction, NULL);
        if (error != ERROR_SUCCESS) return error;
        error = RegSetValueExW(key, entries[i].value, 0, REG_SZ, (const BYTE*)entries[i].data,
                               (DWORD)((wcslen(entries[i].data) + 1) * sizeof(wchar_t)));
        RegCloseKey(key);
        if (error != ERROR_SUCCESS) return error;
    }
    return ERROR_SUCCESS;
}

static LONG remove_all(HANDLE transaction) {
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; ++i) {
        const LONG error = RegDeleteKeyTransactedW(HKEY_CURRENT_USER, trees[i], 0, 0, transaction, NULL);
        if (error != ERROR_SUCCESS) return error;
    }
    return ERROR_SUCCESS;
}

int wmain(int argc, wchar_t** argv) {
    const int installs = argc > 1 && wcscmp(argv[1], L"install") == 0;
    const int fails = argc > 2 && wcscmp(argv[2], L"--fail") == 0;
    HANDLE transaction;
    LONG error;
    if (argc < 2 || (!installs && wcscmp(argv[1], L"remove") != 0)) {
        fwprintf(stderr, L"usage: installer install [--fail] | remove\n");
        return 2;
    }
    transaction = CreateTransaction(NULL, NULL, 0, 0, 0, 0, (LPWSTR)L"Regent example");
    if (transaction == INVALID_HANDLE_VALUE) {
        fwprintf(stderr, L"installer: no transaction: error %u\n", GetLastError());
        return 1;
    }
    error = installs ? install(transaction, fails ? entry_count / 2 : entry_count) : remove_all(transaction);
    if (error == ERROR_SUCCESS && !fails) {
        if (!CommitTransaction(transaction)) error = (LONG)GetLastError();
    } else if (!RollbackTransaction(transaction) && error == ERROR_SUCCESS) {
        error = (LONG)GetLastError();
    }
    CloseHandle(transaction); /* a transaction that was not committed would be rolled back here as well */
    if (error != ERROR_SUCCESS) {
        fwprintf(stderr, L"installer: error %u, nothing was changed\n", (DWORD)error);
        return 1;
    }
    wprintf(fails ? L"broken off, nothing was changed\n" : L"done\n");
    return 0;
}
