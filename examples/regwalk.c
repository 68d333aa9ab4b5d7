/* regwalk KEY [DEPTH]: prints a key, its values and what lies below, as many Windows tools do.
 *
 * An ordinary Windows program: nothing in it knows of Regent. Here:
 *   gcc -fshort-wchar -fms-extensions -Iinclude/win32 -isystem include regwalk.c -lregent_wmain -lregent
 * and for Windows:
 *   x86_64-w64-mingw32-gcc -municode regwalk.c -ladvapi32
 */
#include <windows.h>

#include <stdio.h>
#include <wchar.h>

#define MAX_NAME 16384

struct root {
    const wchar_t* name;
    HKEY key;
};

static LONG open_path(const wchar_t* path, HKEY* key) {
    const struct root roots[] = {{L"HKLM", HKEY_LOCAL_MACHINE},
                                 {L"HKCU", HKEY_CURRENT_USER},
                                 {L"HKU", HKEY_USERS},
                                 {L"HKCR", HKEY_CLASSES_ROOT},
                                 {L"HKCC", HKEY_CURRENT_CONFIG}};
    const wchar_t* rest = wcschr(path, L'\\');
    const size_t length = rest ? (size_t)(rest - path) : wcslen(path);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; ++i) {
        if (wcslen(roots[i].name) == length && _wcsnicmp(roots[i].name, path, length) == 0)
            return RegOpenKeyExW(roots[i].key, rest ? rest + 1 : NULL, 0, KEY_READ, key);
    }
    return ERROR_BAD_PATHNAME;
}

static void print_error(const wchar_t* what, LONG error) {
    wchar_t* text = NULL;
    FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                   (DWORD)error, 0, (LPWSTR)&text, 0, NULL);
    fwprintf(stderr, L"regwalk: %ls: %ls", what, text ? text : L"unknown error\n");
    LocalFree(text);
}

static void print_data(DWORD type, const BYTE* data, DWORD size) {
    switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
            wprintf(L"\"%.*ls\"", (int)(size / sizeof(wchar_t)), (const wchar_t*)data);
            break;
        case REG_MULTI_SZ:
            for (const wchar_t* text = (const wchar_t*)data; *text; text += wcslen(text) + 1)
                wprintf(L"\"%ls\" ", text);
            break;
        case REG_DWORD:
            if (size == sizeof(DWORD)) wprintf(L"0x%08x", *(const DWORD*)data);
            break;
        default:
            for (DWORD i = 0; i < size && i < 16; ++i) wprintf(L"%02x ", data[i]);
            if (size > 16) wprintf(L"... %u bytes", size);
    }
}

static LONG print_values(HKEY key, int indent, DWORD count, DWORD max_data) {
    wchar_t* name = HeapAlloc(GetProcessHeap(), 0, MAX_NAME * sizeof(wchar_t));
    /* Two zero characters more, so that text that was stored without its end has one. */
    BYTE* data = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, max_data + 2 * sizeof(wchar_t));
    LONG error = name && data ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
    for (DWORD index = 0; index < count && error == ERROR_SUCCESS; ++index) {
        DWORD units = MAX_NAME, type = 0, size = max_data;
        ZeroMemory(data, max_data + 2 * sizeof(wchar_t));
        error = RegEnumValueW(key, index, name, &units, NULL, &type, data, &size);
        if (error != ERROR_SUCCESS) break;
        wprintf(L"%*ls%ls = ", indent, L"", units ? name : L"(Default)");
        print_data(type, data, size);
        wprintf(L"\n");
    }
    HeapFree(GetProcessHeap(), 0, data);
    HeapFree(GetProcessHeap(), 0, name);
    return error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error;
}

static LONG walk(HKEY key, const wchar_t* name, int indent, int depth) {
    DWORD subkeys = 0, values = 0, max_data = 0;
    LONG error = RegQueryInfoKeyW(key, NULL, NULL, NULL, &subkeys, NULL, NULL, &values, NULL, &max_data, NULL, NULL);
    if (error != ERROR_SUCCESS) return error;
    wprintf(L"%*ls[%ls] %u keys, %u values\n", indent, L"", name, subkeys, values);
    error = print_values(key, indent + 2, values, max_data);
    for (DWORD index = 0; depth > 0 && error == ERROR_SUCCESS && index < subkeys; ++index) {
        wchar_t child_name[256];
        DWORD units = 256;
        HKEY child = NULL;
        error = RegEnumKeyExW(key, index, child_name, &units, NULL, NULL, NULL, NULL);
        if (error == ERROR_SUCCESS) error = RegOpenKeyExW(key, child_name, 0, KEY_READ, &child);
        if (error == ERROR_ACCESS_DENIED) {
            print_error(child_name, error);
            error = ERROR_SUCCESS;
            continue;
        }
        if (error != ERROR_SUCCESS) break;
        error = walk(child, child_name, indent + 2, depth - 1);
        RegCloseKey(child);
    }
    return error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error;
}

int wmain(int argc, wchar_t** argv) {
    HKEY key = NULL;
    LONG error;
    if (argc < 2) {
        fwprintf(stderr, L"usage: regwalk KEY [DEPTH]\n");
        return 2;
    }
    error = open_path(argv[1], &key);
    if (error == ERROR_SUCCESS) {
        error = walk(key, argv[1], 0, argc > 2 ? _wtoi(argv[2]) : 1000);
        RegCloseKey(key);
    }
    if (error != ERROR_SUCCESS) print_error(argv[1], error);
    return error == ERROR_SUCCESS ? 0 : 1;
}
