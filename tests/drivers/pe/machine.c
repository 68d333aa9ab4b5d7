/* What the code of a driver for Windows takes from the machine and from inline functions of Windows' headers, which no
   import shows: IRQL in CR8, the current thread by GS, clocks in the shared page, the lookaside lists' own pointers.
   Built by mingw-w64 with its DDK headers; the driver loads when all of it is there. */
/* The compiler knows neither NT's formats nor that gs:[n] is an address. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Warray-bounds"
#include <ntifs.h>
#include <stdio.h>

static ULONG Failed;
#define CHECK(e) ((e) ? (void)0 : (void)(Failed++, DbgPrint("machine: line %d: %s\n", __LINE__, #e)))

static ULONG_PTR ReadCr8(void) {
    ULONG_PTR value;
    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}
static void WriteCr8(ULONG_PTR value) { __asm__ volatile("mov %0, %%cr8" : : "r"(value)); }
static PVOID ReadGs(void) {
    PVOID value;
    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(value));
    return value;
}

static void Irql(void) {
    KIRQL old;
    KSPIN_LOCK lock;
    KeInitializeSpinLock(&lock);
    CHECK(ReadCr8() == PASSIVE_LEVEL);
    old = KeAcquireSpinLockRaiseToDpc(&lock);
    CHECK(old == PASSIVE_LEVEL);
    CHECK(ReadCr8() == DISPATCH_LEVEL);
    KeReleaseSpinLock(&lock, old);
    WriteCr8(APC_LEVEL);
    CHECK(KeGetCurrentIrql() == APC_LEVEL);
    WriteCr8(PASSIVE_LEVEL);
}

static void SharedPage(void) {
    volatile ULONGLONG* time = (volatile ULONGLONG*)(ULONG_PTR)0xFFFFF78000000014ULL;
    volatile ULONG* version = (volatile ULONG*)(ULONG_PTR)0xFFFFF7800000026CULL;
    LARGE_INTEGER now;
    KeQuerySystemTime(&now);
    CHECK(*time > 132000000000000000ULL); /* after 2019 */
    CHECK(now.QuadPart - (LONGLONG)*time < 10 * 10000000LL && (LONGLONG)*time - now.QuadPart < 10 * 10000000LL);
    CHECK(*version == 10);
}

static void Lookaside(void) {
    NPAGED_LOOKASIDE_LIST list;
    PVOID block;
    ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, 'hcaM', 0);
    block = list.L.Allocate(list.L.Type, list.L.Size, list.L.Tag); /* what the inline allocation does on a miss */
    CHECK(block != NULL);
    if (block != NULL) list.L.Free(block);
    block = ExAllocateFromNPagedLookasideList(&list);
    CHECK(block != NULL);
    if (block != NULL) ExFreeToNPagedLookasideList(&list, block);
    ExDeleteNPagedLookasideList(&list);
}

typedef VOID(NTAPI* INIT_STRING)(PUNICODE_STRING, PCWSTR);
static void Routines(void) {
    UNICODE_STRING name, text;
    INIT_STRING init;
    RtlInitUnicodeString(&name, L"RtlInitUnicodeString");
    init = (INIT_STRING)(ULONG_PTR)MmGetSystemRoutineAddress(&name);
    CHECK(init != NULL);
    if (init != NULL) init(&text, L"four");
    CHECK(init != NULL && text.Length == 8);
    RtlInitUnicodeString(&name, L"KeNoSuchRoutine");
    CHECK(MmGetSystemRoutineAddress(&name) == NULL);
}

static int __cdecl CompareNumbers(const void* a, const void* b) {
    return *(const int*)a < *(const int*)b ? -1 : *(const int*)a > *(const int*)b;
}
void __cdecl qsort(void* base, size_t count, size_t width, int(__cdecl* compare)(const void*, const void*));

static void Library(void) {
    int numbers[] = {3, -1, 2};
    WCHAR wide[32];
    char narrow[64];
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, L"name");
    /* Arguments in registers and on the stack, a 64-bit one among them, wide text, a counted string. */
    _snprintf(narrow, sizeof narrow, "%d %x %s %I64x %ws %wZ %c", -1, 0xabcU, "text", 0x123456789abcdefULL, L"wide",
              &name, 'c');
    CHECK(strcmp(narrow, "-1 abc text 123456789abcdef wide name c") == 0);
    CHECK(_snwprintf(wide, 32, L"%s-%u", L"w", 7u) == 3 && wcscmp(wide, L"w-7") == 0);
    qsort(numbers, 3, sizeof numbers[0], CompareNumbers);
    CHECK(numbers[0] == -1 && numbers[1] == 2 && numbers[2] == 3);
    DbgPrint("machine: %u %u %u %u %u %u %u %u %wZ\n", 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, &name);
}

/* The kernel exports POBJECT_TYPE variables, and the WDK's library makes the import's slot the pointer that its headers
   declare. mingw-w64's headers take one step too many: the slots are named here. */
extern POBJECT_TYPE* __imp_ExEventObjectType;
extern POBJECT_TYPE* __imp_IoFileObjectType;
static void Objects(void) {
    HANDLE event = NULL;
    PVOID object = NULL;
    PVOID none = NULL; /* the call that fails clears it */
    CHECK(ReadGs() == (PVOID)KeGetCurrentThread());
    CHECK(NT_SUCCESS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE)));
    CHECK(NT_SUCCESS(ObReferenceObjectByHandle(event, 0, *__imp_ExEventObjectType, KernelMode, &object, NULL)));
    CHECK(ObReferenceObjectByHandle(event, 0, *__imp_IoFileObjectType, KernelMode, &none, NULL) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    if (object != NULL) ObDereferenceObject(object);
    ZwClose(event);
    CHECK(PsInitialSystemProcess == PsGetCurrentProcess());
}

static VOID NTAPI Unload(PDRIVER_OBJECT driver) { UNREFERENCED_PARAMETER(driver); }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    UNREFERENCED_PARAMETER(path);
    Irql();
    SharedPage();
    Lookaside();
    Routines();
    Library();
    Objects();
    DbgPrint("machine: %u failed\n", Failed);
    driver->DriverUnload = Unload;
    return Failed == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
