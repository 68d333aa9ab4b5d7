/* What registry programs use beside the registry: threads, locks, modules, messages, text, bounded strings, formats.
   Compiles for Windows as it stands. Returns 0, or 1 after printing a line that was not as expected. */
#define UNICODE
#define _UNICODE
#include <windows.h>

#include <process.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tchar.h>
#include <wchar.h>

#include <strsafe.h>

#include "check.h"

static CRITICAL_SECTION section;
static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static LONG volatile interlocked;
static int guarded, turns, initialisations;

static BOOL WINAPI initialise(PINIT_ONCE unused, PVOID parameter, PVOID* context) {
    (void)unused;
    ++initialisations;
    if (context != NULL) *context = parameter;
    return TRUE;
}

static DWORD WINAPI worker(LPVOID parameter) {
    int index;
    InitOnceExecuteOnce(&once, initialise, NULL, NULL);
    for (index = 0; index < 1000; ++index) {
        EnterCriticalSection(&section);
        EnterCriticalSection(&section);
        ++guarded;
        LeaveCriticalSection(&section);
        LeaveCriticalSection(&section);
        InterlockedIncrement(&interlocked);
        AcquireSRWLockShared(&lock);
        ReleaseSRWLockShared(&lock);
    }
    AcquireSRWLockExclusive(&lock);
    ++turns;
    ReleaseSRWLockExclusive(&lock);
    WakeAllConditionVariable(&changed);
    if (parameter != NULL) ExitThread(7);
    return 5;
}

static unsigned WINAPI c_worker(void* event) {
    SetEvent((HANDLE)event);
    return 3;
}

static int threads(void) {
    HANDLE handles[4], event, thread;
    DWORD code = 0, id = 0;
    int index, exits = 0;
    InitializeCriticalSection(&section);
    for (index = 0; index < 4; ++index) {
        handles[index] =
            CreateThread(NULL, 0, worker, index == 3 ? &section : NULL, index == 2 ? CREATE_SUSPENDED : 0, &id);
        CHECK(handles[index] != NULL && id != 0);
    }
    CHECK(WaitForSingleObject(handles[2], 0) == WAIT_TIMEOUT && ResumeThread(handles[2]) == 1);
    AcquireSRWLockExclusive(&lock);
    while (turns < 4) CHECK(SleepConditionVariableSRW(&changed, &lock, 10000, 0));
    ReleaseSRWLockExclusive(&lock);
    CHECK(WaitForMultipleObjects(4, handles, TRUE, 10000) == WAIT_OBJECT_0);
    for (index = 0; index < 4; ++index) {
        CHECK(GetExitCodeThread(handles[index], &code));
        exits += (int)code;
        CHECK(CloseHandle(handles[index]));
    }
    CHECK(exits == 22 && guarded == 4000 && interlocked == 4000 && initialisations == 1);
    CHECK(TryEnterCriticalSection(&section));
    LeaveCriticalSection(&section);
    DeleteCriticalSection(&section);
    CHECK(InterlockedCompareExchange(&interlocked, 1, 4000) == 4000 && InterlockedExchange(&interlocked, 2) == 1);
    event = CreateEvent(NULL, FALSE, FALSE, NULL);
    thread = (HANDLE)_beginthreadex(NULL, 0, c_worker, event, 0, NULL);
    CHECK(WaitForSingleObject(event, 10000) == WAIT_OBJECT_0 && WaitForSingleObject(thread, 10000) == WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code) && code == 3 && CloseHandle(thread) && CloseHandle(event));
    id = TlsAlloc();
    CHECK(id != TLS_OUT_OF_INDEXES && TlsSetValue(id, &code) && TlsGetValue(id) == &code && TlsFree(id));
    return 0;
}

static int modules(void) {
    typedef LSTATUS(WINAPI * DeleteKeyEx)(HKEY, LPCWSTR, REGSAM, DWORD);
    HMODULE advapi = GetModuleHandleW(L"advapi32.dll"), shell;
    DeleteKeyEx delete_key;
    WCHAR name[MAX_PATH];
    CHECK(advapi != NULL || (advapi = LoadLibraryW(L"ADVAPI32")) != NULL);
    delete_key = (DeleteKeyEx)(void*)GetProcAddress(advapi, "RegDeleteKeyExW");
    CHECK(delete_key != NULL && delete_key(HKEY_CURRENT_USER, L"no such key", 0, 0) == ERROR_FILE_NOT_FOUND);
    CHECK(GetProcAddress(advapi, "NoSuchFunction") == NULL && GetLastError() == ERROR_PROC_NOT_FOUND);
    CHECK(GetProcAddress(GetModuleHandleA("ntdll"), "NtOpenKey") != NULL);
    CHECK(GetProcAddress(GetModuleHandleA("kernel32"), "NtOpenKey") == NULL);
    CHECK(GetProcAddress(LoadLibraryW(L"ktmw32"), "CommitTransaction") != NULL);
    CHECK(GetProcAddress(GetModuleHandleA("KERNEL32.DLL"), "GetTickCount64") != NULL);
    CHECK(GetModuleHandleW(L"no such module") == NULL && GetLastError() == ERROR_MOD_NOT_FOUND);
    shell = LoadLibraryW(L"shlwapi.dll");
    CHECK(shell != NULL && GetProcAddress(shell, "SHDeleteKeyW") != NULL && FreeLibrary(shell));
    CHECK(GetModuleFileNameW(NULL, name, MAX_PATH) > 0 && wcsstr(name, L"surface_program") != NULL);
    CHECK(GetModuleFileNameW(NULL, name, 4) == 4);
    return 0;
}

static int command_lines(void) {
    int count = 0;
    LPWSTR* words = CommandLineToArgvW(L"\"a b\\\" c\\\\d \"e \\\"f\" g\\\\\\\"h \"\" \"i\"\"j\"", &count);
    CHECK(words != NULL && count >= 6);
    CHECK(wcscmp(words[0], L"a b\\") == 0 && wcscmp(words[1], L"c\\\\d") == 0 && wcscmp(words[2], L"e \"f") == 0);
    CHECK(wcscmp(words[3], L"g\\\"h") == 0 && wcscmp(words[4], L"") == 0 && LocalFree(words) == NULL);
    words = CommandLineToArgvW(GetCommandLineW(), &count);
    CHECK(words != NULL && count >= 1 && wcsstr(words[0], L"surface_program") != NULL && LocalFree(words) == NULL);
    return 0;
}

static DWORD format_list(WCHAR* to, DWORD room, const WCHAR* message, ...) {
    DWORD count;
    va_list list;
    va_start(list, message);
    count = FormatMessageW(FORMAT_MESSAGE_FROM_STRING, message, 0, 0, to, room, &list);
    va_end(list);
    return count;
}

static int messages(void) {
    WCHAR text[128], *block = NULL;
    DWORD_PTR array[2];
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_ALLOCATE_BUFFER,
                         NULL, ERROR_KEY_DELETED, 0, (LPWSTR)&block, 0, NULL) > 0);
    CHECK(wcslen(block) > 2 && wcscmp(block + wcslen(block) - 2, L"\r\n") == 0);
    CHECK(LocalFree(block) == NULL);
    CHECK(format_list(text, 128, L"%2 is %1!05u!%% of %3!S!%n%0 nothing", 42, L"x", "narrow") > 0);
    CHECK(wcscmp(text, L"x is 00042% of narrow\r\n") == 0);
    array[0] = (DWORD_PTR)L"first", array[1] = 255;
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%1-%2!x!", 0, 0, text, 128,
                         (va_list*)array) == 8);
    CHECK(wcscmp(text, L"first-ff") == 0);
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS, L"%1", 0, 0, text, 128, NULL) ==
          2);
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS, L"long", 0, 0, text, 4, NULL) ==
          0);
    CHECK(GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 0x0FFFFFFF, 0, text, 128, NULL) == 0);
    CHECK(GetLastError() == ERROR_MR_MID_NOT_FOUND);
    return 0;
}

static int bounded(void) {
    WCHAR text[8], *end = NULL;
    char narrow[8];
    size_t left = 0;
    CHECK(StringCchCopyW(text, 8, L"abc") == S_OK && StringCchCatW(text, 8, L"def") == S_OK);
    CHECK(wcscmp(text, L"abcdef") == 0);
    CHECK(StringCchCatW(text, 8, L"ghi") == STRSAFE_E_INSUFFICIENT_BUFFER && wcscmp(text, L"abcdefg") == 0);
    CHECK(StringCbCopyA(narrow, sizeof(narrow), "12345678") == STRSAFE_E_INSUFFICIENT_BUFFER && strlen(narrow) == 7);
    CHECK(StringCchCopyNW(text, 8, L"abcdef", 2) == S_OK && wcscmp(text, L"ab") == 0);
    CHECK(StringCchPrintfW(text, 8, L"%d-%s", 12, L"xy") == S_OK && wcscmp(text, L"12-xy") == 0);
    CHECK(StringCchPrintfW(text, 8, L"%08x", 1) == STRSAFE_E_INSUFFICIENT_BUFFER && wcscmp(text, L"0000000") == 0);
    CHECK(StringCchLengthW(text, 8, &left) == S_OK && left == 7);
    CHECK(StringCchLengthW(text, 7, &left) == STRSAFE_E_INVALID_PARAMETER);
    CHECK(StringCchCopyExW(text, 8, L"abc", &end, &left, 0) == S_OK && end == text + 3 && left == 5);
    CHECK(StringCbCatExW(text, sizeof(text), L"d", &end, &left, 0) == S_OK && end == text + 4 && left == 8);
    CHECK(StringCchCopyExW(text, 4, L"abcdef", NULL, NULL, STRSAFE_NO_TRUNCATION) == STRSAFE_E_INSUFFICIENT_BUFFER);
    CHECK(text[0] == 0 && StringCchCopyW(text, 0, L"a") == STRSAFE_E_INVALID_PARAMETER);
    return 0;
}

static int texts(void) {
    WCHAR wide[64], *rest = NULL;
    char narrow[64];
    SYSTEMTIME time;
    FILETIME file;
    BYTE* block;
    CHECK(MultiByteToWideChar(CP_UTF8, 0, "h\xC3\xA9", -1, wide, 64) == 3 && wide[1] == 0xE9);
    CHECK(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xFF", 1, wide, 64) == 0);
    CHECK(GetLastError() == ERROR_NO_UNICODE_TRANSLATION);
    CHECK(WideCharToMultiByte(CP_UTF8, 0, L"\x20AC", -1, narrow, 64, NULL, NULL) == 4);
    CHECK(WideCharToMultiByte(CP_UTF8, 0, L"abc", -1, narrow, 2, NULL, NULL) == 0);
    CHECK(GetLastError() == ERROR_INSUFFICIENT_BUFFER);
    CHECK(CompareStringOrdinal(L"Abc", -1, L"aBC", -1, TRUE) == CSTR_EQUAL);
    CHECK(CompareStringOrdinal(L"a", 1, L"b", 1, FALSE) == CSTR_LESS_THAN);
    StringCchCopyW(wide, 64, L"aBc\x00e9");
    CHECK(wcscmp(CharUpperW(wide), L"ABC\x00c9") == 0 && wcscmp(CharLowerW(wide), L"abc\x00e9") == 0);
    CHECK((ULONG_PTR)CharUpperW((LPWSTR)(ULONG_PTR)'x') == 'X');
    CHECK(wcscmp(_itow(-255, wide, 10), L"-255") == 0 && wcscmp(_itow(-1, wide, 16), L"ffffffff") == 0);
    CHECK(wcstoul(L"0x1F rest", &rest, 0) == 31 && wcscmp(rest, L" rest") == 0);
    CHECK(StringCchPrintfW(wide, 64, L"%s|%S|%5.2f|%I64d", L"w", "n", 3.14159, (LONGLONG)-5) == S_OK);
    CHECK(wcscmp(wide, L"w|n| 3.14|-5") == 0);
    CHECK(wsprintfW(wide, L"%04X:%s", 0xAB, L"z") == 6 && wcscmp(wide, L"00AB:z") == 0);
    CHECK(lstrcpynW(wide, L"abcdef", 4) == wide && wcscmp(wide, L"abc") == 0);
    CHECK(SetEnvironmentVariableW(L"RegentVariable", L"value") &&
          GetEnvironmentVariableW(L"REGENTVARIABLE", wide, 64) == 5);
    CHECK(ExpandEnvironmentStringsW(L"<%RegentVariable%>", wide, 64) == 8 && wcscmp(wide, L"<value>") == 0);
    CHECK(SetEnvironmentVariableW(L"RegentVariable", NULL) &&
          GetEnvironmentVariableW(L"RegentVariable", wide, 64) == 0);
    CHECK(GetLastError() == ERROR_ENVVAR_NOT_FOUND);
    memset(&time, 0, sizeof(time));
    time.wYear = 2024, time.wMonth = 2, time.wDay = 29, time.wHour = 12, time.wMilliseconds = 250;
    CHECK(SystemTimeToFileTime(&time, &file) && FileTimeToSystemTime(&file, &time));
    CHECK(time.wDayOfWeek == 4 && time.wMilliseconds == 250 && time.wDay == 29);
    time.wMonth = 13;
    CHECK(!SystemTimeToFileTime(&time, &file) && GetLastError() == ERROR_INVALID_PARAMETER);
    block = (BYTE*)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 5);
    CHECK(block != NULL && HeapSize(GetProcessHeap(), 0, block) == 5);
    block = (BYTE*)HeapReAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, block, 100);
    CHECK(block != NULL && block[4] == 0 && block[99] == 0 && HeapFree(GetProcessHeap(), 0, block));
    return 0;
}

int main(void) {
    int line = threads();
    if (line == 0) line = modules();
    if (line == 0) line = command_lines();
    if (line == 0) line = messages();
    if (line == 0) line = bounded();
    if (line == 0) line = texts();
    if (line == 0) _tprintf(_T("%s\n"), _T("ok"));
    return line == 0 ? 0 : 1;
}
