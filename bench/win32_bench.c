/* The same workloads as a Windows program: one source, built against Regent's <windows.h> and, by mingw-w64, for Wine.
   usage: win32_bench KEYS RUNS SUBJECT
   Prints JSON Lines in the bench format, steal left at 0 (the shell that runs it knows better). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define VALUES 3
#define BYTES 40

static WCHAR (*paths)[96];
static DWORD keys, fan = 1;
static BYTE data[BYTES];
static const WCHAR* names[VALUES] = {L"ValueNumber0", L"ValueNumber1", L"ValueNumber2"};
static const WCHAR* root = L"Software\\RegentBench";

static double now_ns(void) {
    LARGE_INTEGER counter, frequency;
    QueryPerformanceCounter(&counter);
    QueryPerformanceFrequency(&frequency);
    return (double)counter.QuadPart * 1e9 / (double)frequency.QuadPart;
}

static void die(const char* what, LONG error) {
    fprintf(stderr, "win32_bench: %s failed with %ld\n", what, (long)error);
    exit(1);
}

static void make_paths(void) {
    DWORD i, c, n;
    while ((double)fan * fan * fan * fan * fan < keys) ++fan;
    paths = calloc(keys + 1, sizeof *paths);
    for (i = 1; i <= keys; ++i) {
        DWORD parent = (i - 1) / fan, at = 0;
        if (parent != 0) {
            while (paths[parent][at] != 0) {
                paths[i][at] = paths[parent][at];
                ++at;
            }
            paths[i][at++] = '\\';
        }
        srand(i);
        for (c = 0; c < 5; ++c) paths[i][at++] = (WCHAR)((rand() % 2 ? 'a' : 'A') + rand() % 26);
        for (c = 0, n = i; c < 7; ++c, n /= 10) paths[i][at++] = (WCHAR)('0' + n % 10);
    }
}

static HKEY open_key(HKEY top, DWORD i) {
    HKEY key;
    LONG error = RegOpenKeyExW(top, paths[i], 0, KEY_READ | KEY_SET_VALUE, &key);
    if (error != ERROR_SUCCESS) die("RegOpenKeyExW", error);
    return key;
}

static void query(HKEY key) {
    BYTE out[BYTES];
    DWORD size = sizeof out, type;
    LONG error = RegQueryValueExW(key, names[1], NULL, &type, out, &size);
    if (error != ERROR_SUCCESS || size != BYTES) die("RegQueryValueExW", error);
}

static void build(HKEY top) {
    DWORD i, v;
    for (i = 1; i <= keys; ++i) {
        HKEY key;
        LONG error = RegCreateKeyExW(top, paths[i], 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL);
        if (error != ERROR_SUCCESS) die("RegCreateKeyExW", error);
        for (v = 0; v < VALUES; ++v) RegSetValueExW(key, names[v], 0, REG_BINARY, data, BYTES);
        RegCloseKey(key);
    }
}

static DWORD pick(DWORD i) { return 1 + (i * 2654435761u) % keys; }

static void walk(HKEY key) {
    WCHAR name[256];
    BYTE out[BYTES];
    DWORD i, length, size, type;
    for (i = 0;; ++i) {
        length = 256;
        size = sizeof out;
        if (RegEnumValueW(key, i, name, &length, NULL, &type, out, &size) != ERROR_SUCCESS) break;
    }
    for (i = 0;; ++i) {
        HKEY child;
        length = 256;
        if (RegEnumKeyExW(key, i, name, &length, NULL, NULL, NULL, NULL) != ERROR_SUCCESS) break;
        if (RegOpenKeyExW(key, name, 0, KEY_READ, &child) != ERROR_SUCCESS) continue;
        walk(child);
        RegCloseKey(child);
    }
}

static int by_value(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return x < y ? -1 : x > y;
}

static double once(HKEY top, const char* workload, DWORD count) {
    const double began = now_ns();
    HKEY held = open_key(top, 1);
    DWORD i;
    for (i = 0; i < count; ++i) {
        HKEY key;
        if (workload[1] == '2') {
            query(held);
            continue;
        }
        if (workload[1] == '7') {
            walk(top);
            break;
        }
        key = open_key(top, pick(i));
        if (workload[1] == '3') query(key);
        if (workload[1] == '4') {
            data[0] = (BYTE)i;
            RegSetValueExW(key, names[1], 0, REG_BINARY, data, BYTES);
        }
        RegCloseKey(key);
    }
    RegCloseKey(held);
    return (now_ns() - began) / (workload[1] == '7' ? keys : count);
}

static void measure(HKEY top, const char* workload, int runs, const char* subject) {
    double times[32];
    int run;
    for (run = 0; run < runs; ++run) times[run] = once(top, workload, 20000);
    qsort(times, (size_t)runs, sizeof *times, by_value);
    printf(
        "{\"suite\":\"cm\",\"workload\":\"%s\",\"variant\":\"%s\",\"n\":%u,\"subject\":\"%s\",\"unit\":\"ns\","
        "\"median\":%.1f,"
        "\"min\":%.1f,\"max\":%.1f,\"runs\":%d,\"steal\":0}\n",
        workload, workload[1] == '2' ? "h" : "u", (unsigned)keys, subject, times[runs / 2], times[0], times[runs - 1],
        runs);
    fflush(stdout);
}

int main(int argc, char** argv) {
    static const char* workloads[] = {"W1", "W2", "W3", "W4", "W7"};
    double began;
    HKEY top;
    LONG error;
    size_t w;
    int runs = argc > 2 ? atoi(argv[2]) : 5;
    const char* subject = argc > 3 ? argv[3] : "win32";
    keys = argc > 1 ? (DWORD)atoi(argv[1]) : 10000;
    if (runs < 1 || runs > 32 || keys < 1) die("usage: win32_bench KEYS RUNS SUBJECT", 87);
    for (w = 0; w < BYTES; ++w) data[w] = (BYTE)(w * 7 + 1);
    make_paths();
    error = RegCreateKeyExW(HKEY_CURRENT_USER, root, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &top, NULL);
    if (error != ERROR_SUCCESS) die("RegCreateKeyExW root", error);
    began = now_ns();
    build(top);
    began = (now_ns() - began) / keys;
    printf(
        "{\"suite\":\"cm\",\"workload\":\"W6\",\"variant\":\"u\",\"n\":%u,\"subject\":\"%s\",\"unit\":\"ns\","
        "\"median\":%.1f,"
        "\"min\":%.1f,\"max\":%.1f,\"runs\":1,\"steal\":0}\n",
        (unsigned)keys, subject, began, began, began);
    for (w = 0; w < sizeof workloads / sizeof *workloads; ++w) measure(top, workloads[w], runs, subject);
    RegCloseKey(top);
    RegDeleteTreeW(HKEY_CURRENT_USER, root);
    return 0;
}
