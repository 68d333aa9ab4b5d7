/* What a driver compiled with -fshort-wchar gets at run time: the 16-bit library, the inlines, the formats. Plain C. */
#include <ntifs.h>
#include <ntintsafe.h>
#include <ntstrsafe.h>
#include <stdio.h>

static int failures;
#define CHECK(e)                                            \
    do {                                                    \
        if (!(e)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #e); \
            ++failures;                                     \
        }                                                   \
    } while (0)

static void wide_library(void) {
    WCHAR text[16];
    CHECK(wcslen(L"abc") == 3);
    CHECK(wcscmp(L"abc", L"abd") < 0);
    CHECK(wcsncmp(L"abcX", L"abcY", 3) == 0);
    CHECK(_wcsnicmp(L"\\REGISTRY\\Machine", L"\\Registry\\x", 10) == 0);
    CHECK(wcscmp(wcsstr(L"one two", L"two"), L"two") == 0);
    CHECK(*wcschr(L"abc", L'b') == L'b');
    CHECK(wcsrchr(L"a\\b\\c", L'\\')[1] == L'c');
    CHECK(wcscpy_s(text, 16, L"copy") == 0 && wcscmp(text, L"copy") == 0);
    CHECK(wcscpy_s(text, 3, L"copy") != 0 && text[0] == 0);
    CHECK(wcsncpy_s(text, 4, L"truncated", _TRUNCATE) != 0 && wcscmp(text, L"tru") == 0);
    CHECK(swprintf(text, 16, L"%d %s %S", 7, L"w", "n") == 5 && wcscmp(text, L"7 w n") == 0);
    CHECK(_snwprintf(text, 2, L"%s", L"long") == -1);
    CHECK(wcstoul(L"0x1F", NULL, 0) == 31 && _wtoi(L"-12") == -12);
}

static void strings(void) {
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Sample");
    UNICODE_STRING same;
    WCHAR text[32];
    RtlInitUnicodeString(&same, L"\\DEVICE\\sample");
    CHECK(name.Length == 28 && name.MaximumLength == 30);
    CHECK(RtlEqualUnicodeString(&name, &same, TRUE));
    CHECK(RtlStringCbPrintfW(text, sizeof text, L"%wZ!", &name) == STATUS_SUCCESS);
    CHECK(wcscmp(text, L"\\Device\\Sample!") == 0);
}

static void inlines(void) {
    LONG value = 5;
    LONG64 big = 1;
    PVOID pointer = NULL;
    LIST_ENTRY head, a, b;
    CHECK(InterlockedIncrement(&value) == 6 && InterlockedExchangeAdd(&value, 4) == 6 && value == 10);
    CHECK(InterlockedCompareExchange(&value, 1, 10) == 10 && InterlockedDecrement64(&big) == 0);
    CHECK(InterlockedExchangePointer(&pointer, &value) == NULL && pointer == (PVOID)&value);
    InitializeListHead(&head);
    InsertTailList(&head, &a);
    InsertHeadList(&head, &b);
    CHECK(RemoveHeadList(&head) == &b && RemoveEntryList(&a) == TRUE && IsListEmpty(&head));
    ULONG sum;
    CHECK(RtlULongAdd(MAXULONG, 1, &sum) == STATUS_INTEGER_OVERFLOW && sum == MAXULONG);
}

static void pool_and_waits(void) {
    KEVENT event;
    LARGE_INTEGER zero = {.QuadPart = 0};
    PVOID block = ExAllocatePoolQuotaZero(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, 64, 'tseT');
    CHECK(block != NULL && *(char*)block == 0);
    ExFreePoolWithTag(block, 'tseT');
    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &zero) == STATUS_SUCCESS);
    CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &zero) == STATUS_TIMEOUT);
}

int main(void) {
    wide_library();
    strings();
    inlines();
    pool_and_waits();
    return failures != 0;
}
