/* One trace of the registry's Win32 surface: each line is a label, the status and what came back. Built for this system
   and for Windows; differential_test.py compares the traces. No line depends on the machine, the time or a handle. */
#include <windows.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define ROOT L"Software\\RegentDifferential"

static HKEY base;
static const char* section;

static void trace(const char* label, LSTATUS status) { printf("%s.%s: %d", section, label, (int)status); }

static void trace_bytes(const void* data, DWORD size) {
    DWORD index;
    printf(" [");
    for (index = 0; index < size; ++index) printf("%02x", ((const BYTE*)data)[index]);
    printf("]");
}

static void plain(const char* label, LSTATUS status) {
    trace(label, status);
    printf("\n");
}

static void keys(void) {
    static const WCHAR* const names[] = {L"", L"\\", L"a", L"a\\", L"a\\\\", L"\\a", L"a\\b\\c", L"a/b", L".", L".."};
    HKEY key;
    DWORD index, disposition;
    char label[64];
    section = "keys";
    for (index = 0; index < ARRAYSIZE(names); ++index) {
        snprintf(label, sizeof(label), "open.%u", (unsigned)index);
        key = (HKEY)(ULONG_PTR)0x1234;
        trace(label, RegOpenKeyExW(base, names[index], 0, KEY_READ, &key));
        printf(" %s\n", key == NULL ? "null" : key == base ? "same" : key == (HKEY)(ULONG_PTR)0x1234 ? "kept" : "new");
        if (key != NULL && key != base && key != (HKEY)(ULONG_PTR)0x1234) RegCloseKey(key);
        snprintf(label, sizeof(label), "create.%u", (unsigned)index);
        key = NULL, disposition = 99;
        trace(label, RegCreateKeyExW(base, names[index], 0, NULL, 0, KEY_READ, NULL, &key, &disposition));
        printf(" disposition %u\n", (unsigned)disposition);
        if (key != NULL && key != base) RegCloseKey(key);
    }
    plain("open.null-result", RegOpenKeyExW(base, L"a", 0, KEY_READ, NULL));
    plain("open.null-root", RegOpenKeyExW(NULL, L"a", 0, KEY_READ, &key));
    plain("open.both-views", RegOpenKeyExW(base, L"a", 0, KEY_READ | KEY_WOW64_32KEY | KEY_WOW64_64KEY, &key));
    plain("open.missing", RegOpenKeyExW(base, L"missing", 0, KEY_READ, &key));
    plain("open.missing-path", RegOpenKeyExW(base, L"missing\\below", 0, KEY_READ, &key));
    plain("open.bad-handle", RegOpenKeyExW((HKEY)(ULONG_PTR)0xcafebabc, L"a", 0, KEY_READ, &key));
    plain("create.null-name", RegCreateKeyExW(base, NULL, 0, NULL, 0, KEY_READ, NULL, &key, NULL));
    plain("create.reserved", RegCreateKeyExW(base, L"a", 1, NULL, 0, KEY_READ, NULL, &key, NULL));
    plain("openkey.null-result", RegOpenKeyW(base, L"a", NULL));
    plain("openkey.null-both", RegOpenKeyW(NULL, NULL, &key));
    plain("openkey.null-root", RegOpenKeyW(NULL, L"a", &key));
    plain("close.null", RegCloseKey(NULL));
    plain("close.predefined", RegCloseKey(HKEY_CURRENT_USER));
    plain("create.volatile",
          RegCreateKeyExW(base, L"volatile", 0, NULL, REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &key, NULL));
    {
        HKEY below = NULL;
        plain("create.stable-below-volatile", RegCreateKeyExW(key, L"s", 0, NULL, 0, KEY_READ, NULL, &below, NULL));
        plain("create.volatile-below-volatile",
              RegCreateKeyExW(key, L"v", 0, NULL, REG_OPTION_VOLATILE, KEY_READ, NULL, &below, NULL));
        RegCloseKey(below);
    }
    plain("delete.has-children", RegDeleteKeyW(base, L"a"));
    plain("delete.null", RegDeleteKeyW(base, NULL));
    plain("delete.missing", RegDeleteKeyW(base, L"missing"));
    plain("tree.volatile", RegDeleteTreeW(base, L"volatile"));
    plain("query.deleted", RegQueryValueExW(key, L"x", NULL, NULL, NULL, NULL));
    plain("set.deleted", RegSetValueExW(key, L"x", 0, REG_SZ, NULL, 0));
    plain("delete-value.deleted", RegDeleteValueW(key, L"x"));
    plain("flush.deleted", RegFlushKey(key));
    plain("close.deleted", RegCloseKey(key));
    plain("tree.a", RegDeleteTreeW(base, L"a"));
    plain("tree.missing", RegDeleteTreeW(base, L"a"));
    plain("flush", RegFlushKey(base));
    plain("flush.null", RegFlushKey(NULL));
}

static const struct {
    const WCHAR* name;
    const char* narrow;
    DWORD type;
    const void* data;
    DWORD size;
} values[] = {
    {L"", "", REG_SZ, L"default", 16},
    {L"sz", "sz", REG_SZ, L"hello", 12},
    {L"short", "short", REG_SZ, L"hello", 10},
    {L"cut", "cut", REG_SZ, L"hello", 8},
    {L"odd", "odd", REG_SZ, L"hello", 7},
    {L"empty", "empty", REG_SZ, NULL, 0},
    {L"expand", "expand", REG_EXPAND_SZ, L"%REGENT_T%!", 24},
    {L"long-expand", "long-expand", REG_EXPAND_SZ, L"%REGENT_T%%REGENT_T%%REGENT_T%", 62},
    {L"unknown-expand", "unknown-expand", REG_EXPAND_SZ, L"%NO_SUCH_VARIABLE%", 38},
    {L"multi", "multi", REG_MULTI_SZ, L"a\0bc\0", 12},
    {L"multi-cut", "multi-cut", REG_MULTI_SZ, L"a\0bc\0", 8},
    {L"dword", "dword", REG_DWORD, "\1\2\3\4", 4},
    {L"dword-long", "dword-long", REG_DWORD, "\1\2\3\4\5\6\7\10", 8},
    {L"qword", "qword", REG_QWORD, "\1\2\3\4\5\6\7\10", 8},
    {L"binary4", "binary4", REG_BINARY, "\1\2\3\4", 4},
    {L"binary8", "binary8", REG_BINARY, "\1\2\3\4\5\6\7\10", 8},
    {L"none", "none", REG_NONE, "abc", 3},
    {L"custom", "custom", 0xff00ff00, "abc", 3},
};

static void query(unsigned index, DWORD room) {
    BYTE buffer[80];
    char label[64];
    DWORD type = 0x5555, size = room;
    snprintf(label, sizeof(label), "w.%s.%u", values[index].narrow, (unsigned)room);
    memset(buffer, 0xBD, sizeof(buffer));
    trace(label, RegQueryValueExW(base, values[index].name, NULL, &type, room == 0 ? NULL : buffer, &size));
    printf(" type %x size %u", (unsigned)type, (unsigned)size);
    if (room != 0 && size <= room) trace_bytes(buffer, size + 2 < sizeof(buffer) ? size + 2 : size);
    printf("\n");
    type = 0x5555, size = room;
    snprintf(label, sizeof(label), "a.%s.%u", values[index].narrow, (unsigned)room);
    memset(buffer, 0xBD, sizeof(buffer));
    trace(label, RegQueryValueExA(base, values[index].narrow, NULL, &type, room == 0 ? NULL : buffer, &size));
    printf(" type %x size %u", (unsigned)type, (unsigned)size);
    if (room != 0 && size <= room) trace_bytes(buffer, size + 1 < sizeof(buffer) ? size + 1 : size);
    printf("\n");
}

static void get(unsigned index, DWORD flags, DWORD room) {
    BYTE buffer[80];
    char label[64];
    DWORD type = 0x5555, size = room;
    LSTATUS status;
    snprintf(label, sizeof(label), "w.%s.%x.%u", values[index].narrow, (unsigned)flags, (unsigned)room);
    memset(buffer, 0xBD, sizeof(buffer));
    status = RegGetValueW(base, NULL, values[index].name, flags, &type, room == 0 ? NULL : buffer, &size);
    trace(label, status);
    printf(" type %x size %u", (unsigned)type, (unsigned)size);
    if (room != 0 && size <= room) trace_bytes(buffer, size);
    printf("\n");
    type = 0x5555, size = room;
    snprintf(label, sizeof(label), "a.%s.%x.%u", values[index].narrow, (unsigned)flags, (unsigned)room);
    memset(buffer, 0xBD, sizeof(buffer));
    status = RegGetValueA(base, NULL, values[index].narrow, flags, &type, room == 0 ? NULL : buffer, &size);
    trace(label, status);
    printf(" type %x size %u", (unsigned)type, (unsigned)size);
    if (room != 0 && size <= room) trace_bytes(buffer, size);
    printf("\n");
}

static void value_calls(void) {
    static const DWORD rooms[] = {0, 4, 8, 12, 78};
    static const DWORD flags[] = {RRF_RT_ANY,
                                  RRF_RT_REG_SZ,
                                  RRF_RT_REG_DWORD,
                                  RRF_RT_DWORD,
                                  RRF_RT_QWORD,
                                  RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
                                  RRF_RT_REG_SZ | RRF_NOEXPAND,
                                  RRF_RT_REG_BINARY | RRF_ZEROONFAILURE};
    unsigned index, room, flag;
    DWORD size = 4;
    BYTE buffer[16];
    section = "set";
    for (index = 0; index < ARRAYSIZE(values); ++index) {
        plain(values[index].narrow, RegSetValueExW(base, values[index].name, 0, values[index].type,
                                                   (const BYTE*)values[index].data, values[index].size));
    }
    plain("null-data", RegSetValueExW(base, L"x", 0, REG_SZ, NULL, 4));
    plain("reserved", RegSetValueExW(base, L"x", 1, REG_SZ, NULL, 0));
    plain("null-key", RegSetValueExW(NULL, L"x", 0, REG_SZ, NULL, 0));
    plain("setvalue.binary", RegSetValueW(base, NULL, REG_BINARY, L"x", 2));
    plain("setvalue.null", RegSetValueW(base, NULL, REG_SZ, NULL, 0));
    plain("setkeyvalue.null", RegSetKeyValueW(base, L"sub", L"v", REG_SZ, NULL, 4));
    plain("setkeyvalue", RegSetKeyValueW(base, L"sub", L"v", REG_DWORD, "abcd", 4));
    plain("deletekeyvalue", RegDeleteKeyValueW(base, L"sub", L"v"));
    plain("deletekeyvalue.missing", RegDeleteKeyValueW(base, L"sub", L"v"));
    plain("deletevalue.missing", RegDeleteValueW(base, L"no such value"));
    section = "query";
    for (index = 0; index < ARRAYSIZE(values); ++index) {
        for (room = 0; room < ARRAYSIZE(rooms); ++room) query(index, rooms[room]);
    }
    plain("reserved", RegQueryValueExW(base, L"sz", &size, NULL, NULL, NULL));
    plain("no-size", RegQueryValueExW(base, L"sz", NULL, NULL, buffer, NULL));
    plain("nothing", RegQueryValueExW(base, L"sz", NULL, NULL, NULL, NULL));
    plain("missing", RegQueryValueExW(base, L"no such value", NULL, NULL, NULL, NULL));
    plain("null-key", RegQueryValueExW(NULL, L"sz", NULL, NULL, NULL, NULL));
    section = "get";
    for (index = 0; index < ARRAYSIZE(values); ++index) {
        for (flag = 0; flag < ARRAYSIZE(flags); ++flag) {
            get(index, flags[flag], 0);
            get(index, flags[flag], 6);
            get(index, flags[flag], 78);
        }
    }
    plain("no-size", RegGetValueW(base, NULL, L"sz", RRF_RT_ANY, NULL, buffer, NULL));
    plain("no-type", RegGetValueW(base, NULL, L"sz", 0, NULL, NULL, NULL));
    plain("missing", RegGetValueW(base, NULL, L"no such value", RRF_RT_ANY, NULL, NULL, NULL));
    plain("missing-key", RegGetValueW(base, L"no such key", L"sz", RRF_RT_ANY, NULL, NULL, NULL));
}

static void enumerate(void) {
    static const DWORD rooms[] = {0, 1, 2, 3, 4, 5, 16};
    WCHAR name[16];
    char narrow[16], label[64];
    BYTE data[16];
    DWORD index, count, size, type, room, out[7];
    WCHAR class_name[8];
    HKEY key = NULL;
    LSTATUS status;
    section = "enum";
    RegCreateKeyExW(base, L"enum", 0, L"klass", 0, KEY_ALL_ACCESS, NULL, &key, NULL);
    RegSetValueExW(key, L"beta", 0, REG_SZ, (const BYTE*)L"xy", 6);
    RegSetValueExW(key, L"al", 0, REG_BINARY, (const BYTE*)"abcde", 5);
    RegSetValueExW(key, NULL, 0, REG_NONE, NULL, 0);
    RegCreateKeyExW(key, L"zz", 0, L"c", 0, KEY_READ, NULL, &base, NULL);
    RegCloseKey(base);
    RegCreateKeyExW(key, L"Abcd", 0, NULL, 0, KEY_READ, NULL, &base, NULL);
    RegCloseKey(base);
    RegOpenKeyExW(HKEY_CURRENT_USER, ROOT, 0, KEY_ALL_ACCESS, &base);
    for (index = 0; index < 4; ++index) {
        for (room = 0; room < ARRAYSIZE(rooms); ++room) {
            snprintf(label, sizeof(label), "value.w.%u.%u", (unsigned)index, (unsigned)rooms[room]);
            count = rooms[room], size = 6, type = 0x5555;
            memset(name, 0, sizeof(name));
            status = RegEnumValueW(key, index, name, &count, NULL, &type, data, &size);
            trace(label, status);
            printf(" name %u type %x size %u", (unsigned)count, (unsigned)type, (unsigned)size);
            if (status == 0) trace_bytes(name, count * 2), trace_bytes(data, size);
            printf("\n");
            snprintf(label, sizeof(label), "value.a.%u.%u", (unsigned)index, (unsigned)rooms[room]);
            count = rooms[room], size = 6, type = 0x5555;
            status = RegEnumValueA(key, index, narrow, &count, NULL, &type, data, &size);
            trace(label, status);
            printf(" name %u type %x size %u", (unsigned)count, (unsigned)type, (unsigned)size);
            if (status == 0) trace_bytes(narrow, count), trace_bytes(data, size);
            printf("\n");
            snprintf(label, sizeof(label), "key.w.%u.%u", (unsigned)index, (unsigned)rooms[room]);
            count = rooms[room];
            status = RegEnumKeyExW(key, index, name, &count, NULL, NULL, NULL, NULL);
            trace(label, status);
            printf(" name %u", (unsigned)count);
            if (status == 0) trace_bytes(name, count * 2);
            printf("\n");
        }
    }
    count = 16;
    plain("value.null-name", RegEnumValueW(key, 0, NULL, &count, NULL, NULL, NULL, NULL));
    plain("value.null-count", RegEnumValueW(key, 0, name, NULL, NULL, NULL, NULL, NULL));
    plain("value.no-size", RegEnumValueW(key, 0, name, &count, NULL, NULL, data, NULL));
    for (room = 0; room < 8; ++room) {
        snprintf(label, sizeof(label), "info.w.%u", (unsigned)room);
        count = room;
        memset(out, 0, sizeof(out));
        memset(class_name, 0, sizeof(class_name));
        status = RegQueryInfoKeyW(key, class_name, &count, NULL, &out[0], &out[1], &out[2], &out[3], &out[4], &out[5],
                                  NULL, NULL);
        trace(label, status);
        printf(" class %u", (unsigned)count);
        if (status == 0) printf(" %u %u %u %u %u %u", out[0], out[1], out[2], out[3], out[4], out[5]);
        printf("\n");
    }
    plain("info.no-class-size",
          RegQueryInfoKeyW(key, class_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    plain("info.nothing", RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    plain("info.null-key", RegQueryInfoKeyW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    RegCloseKey(key);
}

static void trees(void) {
    HKEY key = NULL, target = NULL;
    DWORD size = 0;
    section = "tree";
    plain("create", RegCreateKeyW(base, L"source\\one\\two", &key));
    plain("set", RegSetValueExW(key, L"v", 0, REG_DWORD, (const BYTE*)"abcd", 4));
    plain("close", RegCloseKey(key));
    plain("target", RegCreateKeyW(base, L"target", &target));
    plain("copy.missing", RegCopyTreeW(base, L"missing", target));
    plain("copy", RegCopyTreeW(base, L"source", target));
    plain("copied", RegGetValueW(target, L"one\\two", L"v", RRF_RT_ANY, NULL, NULL, &size));
    plain("copy.null-target", RegCopyTreeW(base, L"source", NULL));
    plain("delete.inner", RegDeleteTreeW(target, L"one\\two"));
    plain("delete.null", RegDeleteTreeW(target, NULL));
    plain("open.emptied", RegOpenKeyExW(target, L"one", 0, KEY_READ, &key));
    plain("delete.null-key", RegDeleteTreeW(NULL, NULL));
    plain("close.target", RegCloseKey(target));
    plain("rename", RegRenameKey(base, L"source", L"renamed"));
    plain("rename.missing", RegRenameKey(base, L"source", L"renamed"));
    plain("rename.null", RegRenameKey(base, L"renamed", NULL));
    plain("rename.all-null", RegRenameKey(NULL, NULL, NULL));
    plain("rename.separator", RegRenameKey(base, L"renamed", L"a\\b"));
    plain("save.no-file", RegSaveKeyW(base, NULL, NULL));
    plain("notify.no-event", RegNotifyChangeKeyValue(base, FALSE, REG_NOTIFY_CHANGE_NAME, NULL, TRUE));
    plain("connect.local", RegConnectRegistryW(NULL, HKEY_LOCAL_MACHINE, &key));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    SetEnvironmentVariableW(L"REGENT_T", L"expanded");
    RegDeleteTreeW(HKEY_CURRENT_USER, ROOT);
    if (RegCreateKeyExW(HKEY_CURRENT_USER, ROOT, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &base, NULL) != 0) return 1;
    keys();
    value_calls();
    enumerate();
    trees();
    RegCloseKey(base);
    return RegDeleteTreeW(HKEY_CURRENT_USER, ROOT) == 0 ? 0 : 1;
}
