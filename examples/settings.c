/* settings set NAME NUMBER | settings get NAME | settings watch COUNT
 *
 * A settings store: numbers below HKCU\Software\RegentExamples\Settings, and a reader that is told of every change, as
 * a Windows service or a desktop program keeps its configuration live. `watch` prints "watching", then the settings
 * after each change, COUNT times. It builds as regwalk.c does.
 */
#include <windows.h>

#include <stdio.h>
#include <wchar.h>

static const wchar_t store[] = L"Software\\RegentExamples\\Settings";

static LONG set(const wchar_t* name, DWORD number) {
    HKEY key = NULL;
    LONG error = RegCreateKeyExW(HKEY_CURRENT_USER, store, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (error != ERROR_SUCCESS) return error;
    error = RegSetValueExW(key, name, 0, REG_DWORD, (const BYTE*)&number, sizeof number);
    RegCloseKey(key);
    return error;
}

static LONG get(const wchar_t* name) {
    DWORD number = 0, size = sizeof number;
    const LONG error = RegGetValueW(HKEY_CURRENT_USER, store, name, RRF_RT_REG_DWORD, NULL, &number, &size);
    if (error == ERROR_SUCCESS) wprintf(L"%u\n", number);
    return error;
}

static LONG print_all(HKEY key) {
    for (DWORD index = 0;; ++index) {
        wchar_t name[256];
        DWORD units = 256, number = 0, size = sizeof number, type = 0;
        const LONG error = RegEnumValueW(key, index, name, &units, NULL, &type, (BYTE*)&number, &size);
        if (error == ERROR_NO_MORE_ITEMS) break;
        if (error == ERROR_MORE_DATA || type != REG_DWORD) continue; /* not a setting of ours */
        if (error != ERROR_SUCCESS) return error;
        wprintf(L"%ls=%u ", name, number);
    }
    wprintf(L"\n");
    fflush(stdout);
    return ERROR_SUCCESS;
}

static LONG watch(int count) {
    HKEY key = NULL;
    HANDLE changed = CreateEventW(NULL, FALSE, FALSE, NULL);
    LONG error = changed ? ERROR_SUCCESS : (LONG)GetLastError();
    if (error == ERROR_SUCCESS)
        error = RegCreateKeyExW(HKEY_CURRENT_USER, store, 0, NULL, 0, KEY_READ, NULL, &key, NULL);
    for (int i = 0; i <= count && error == ERROR_SUCCESS; ++i) {
        if (i == 0) wprintf(L"watching\n");
        /* Armed before the settings are read: what changes in between is told, never missed. */
        error = RegNotifyChangeKeyValue(key, TRUE, REG_NOTIFY_CHANGE_LAST_SET, changed, TRUE);
        if (error == ERROR_SUCCESS) error = print_all(key);
        if (error != ERROR_SUCCESS || i == count) break;
        if (WaitForSingleObject(changed, 60000) != WAIT_OBJECT_0) error = WAIT_TIMEOUT;
    }
    if (key) RegCloseKey(key);
    if (changed) CloseHandle(changed);
    return error;
}

int wmain(int argc, wchar_t** argv) {
    LONG error = ERROR_INVALID_PARAMETER;
    if (argc == 4 && wcscmp(argv[1], L"set") == 0) {
        error = set(argv[2], (DWORD)_wtoi(argv[3]));
    } else if (argc == 3 && wcscmp(argv[1], L"get") == 0) {
        error = get(argv[2]);
    } else if (argc == 3 && wcscmp(argv[1], L"watch") == 0) {
        error = watch(_wtoi(argv[2]));
    } else {
        fwprintf(stderr, L"usage: settings set NAME NUMBER | get NAME | watch COUNT\n");
        return 2;
    }
    if (error != ERROR_SUCCESS) fwprintf(stderr, L"settings: error %u\n", (DWORD)error);
    return error == ERROR_SUCCESS ? 0 : 1;
}
