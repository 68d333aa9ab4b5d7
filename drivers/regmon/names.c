#include "regmon.h"

/* Which keys and processes the consumer has been told of. Both tables are direct-mapped: a key that takes another one's
   slot only makes that other one be defined again, under a new NameId, when it is seen next. */
#define NAME_SLOTS 16384
#define PROCESS_SLOTS 256

/* Readers take no lock. A NameId is never used twice, so a reader that finds the same one before and after it read
   KeyId knows that the two belong together; a writer takes NameId away first. */
typedef struct _NAME_SLOT {
    volatile LONG64 NameId; /* 0: empty */
    volatile LONG64 KeyId;
} NAME_SLOT;

typedef struct _PROCESS_SLOT {
    volatile LONG64 ProcessId;
    volatile LONG64 Process; /* the object: a new process may get an old id */
} PROCESS_SLOT;

static NAME_SLOT* g_Slots;
static PROCESS_SLOT g_Processes[PROCESS_SLOTS];
static FAST_MUTEX g_Lock; /* writers; the producer's side of g_Ring */
static RING g_Ring;
static ULONG g_NextNameId;
static volatile LONG64 g_Epoch; /* counts renames */
static POBJECT_NAME_INFORMATION g_Scratch;

#define SCRATCH_BYTES (sizeof(OBJECT_NAME_INFORMATION) + 0x10000)

NTSTATUS NamesInitialize(ULONG RingBytes) {
    ExInitializeFastMutex(&g_Lock);
    g_Slots = ExAllocatePoolWithTag(NonPagedPool, NAME_SLOTS * sizeof(*g_Slots), DRIVER_POOL_TAG);
    g_Scratch = ExAllocatePoolWithTag(NonPagedPool, SCRATCH_BYTES, DRIVER_POOL_TAG);
    if (g_Slots == NULL || g_Scratch == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    return RingInitialize(&g_Ring, RingBytes, 0xFFFF);
}

VOID NamesUninitialize(VOID) {
    RingUninitialize(&g_Ring);
    if (g_Slots != NULL) ExFreePoolWithTag(g_Slots, DRIVER_POOL_TAG);
    if (g_Scratch != NULL) ExFreePoolWithTag(g_Scratch, DRIVER_POOL_TAG);
    g_Slots = NULL;
    g_Scratch = NULL;
}

VOID NamesReset(VOID) {
    RtlZeroMemory(g_Slots, NAME_SLOTS * sizeof(*g_Slots));
    RtlZeroMemory(g_Processes, sizeof(g_Processes));
    RingReset(&g_Ring);
    g_NextNameId = 0;
}

PRING NamesRing(VOID) { return &g_Ring; }

static NAME_SLOT* SlotOf(ULONG_PTR KeyId) {
    return &g_Slots[(ULONG)(((ULONGLONG)KeyId * 0x9E3779B97F4A7C15ull) >> 50) % NAME_SLOTS];
}

static ULONG FindName(ULONG_PTR KeyId) {
    NAME_SLOT* slot = SlotOf(KeyId);
    LONG64 name = LoadAcquire64(&slot->NameId);

    if (name == 0 || LoadAcquire64(&slot->KeyId) != (LONG64)KeyId) return 0;
    return LoadAcquire64(&slot->NameId) == name ? (ULONG)name : 0;
}

/* The path of the key now: asked of the object manager into the scratch buffer, or, for an object that is closing (or a
   key that is deleted), the name that the Configuration Manager keeps with it. REQUIRES: g_Lock. */
static BOOLEAN QueryPath(PVOID Object, BOOLEAN Closing, PUNICODE_STRING Path) {
    PCUNICODE_STRING cached = NULL;
    ULONG_PTR id;
    ULONG length;

    if (!Closing && NT_SUCCESS(ObQueryNameString(Object, g_Scratch, SCRATCH_BYTES, &length)) &&
        g_Scratch->Name.Length != 0) {
        *Path = g_Scratch->Name;
        return TRUE;
    }
    if (!NT_SUCCESS(CmCallbackGetKeyObjectID(&g_Session.Cookie, Object, &id, &cached)) || cached == NULL) return FALSE;
    *Path = *cached;
    return TRUE;
}

static ULONG EmitName(ULONG_PTR KeyId, PUNICODE_STRING Path) {
    ULONG bytes = Path->Length < REGMON_PATH_MAXIMUM ? Path->Length : REGMON_PATH_MAXIMUM;
    ULONG size = (ULONG)((sizeof(REGMON_NAME) + bytes + 7) & ~(ULONG_PTR)7);
    PREGMON_NAME record = RingReserve(&g_Ring, size);

    if (record == NULL) return REGMON_NO_NAME;
    RtlZeroMemory(record, sizeof(*record));
    record->Header.Size = (USHORT)size;
    record->Header.Kind = REGMON_KIND_NAME;
    record->NameId = ++g_NextNameId;
    record->PathLength = bytes;
    record->KeyId = KeyId;
    if (bytes != 0) RtlCopyMemory(record + 1, Path->Buffer, bytes);
    RingCommit(&g_Ring, size);
    return g_NextNameId;
}

static ULONG DefineName(PVOID Object, ULONG_PTR KeyId, BOOLEAN Closing) {
    UNICODE_STRING path = {0, 0, NULL};
    NAME_SLOT* slot = SlotOf(KeyId);
    ULONG name;

    ExAcquireFastMutex(&g_Lock);
    name = FindName(KeyId); /* another thread may have been faster */
    if (name == 0) {
        LONG64 epoch = LoadAcquire64(&g_Epoch);
        QueryPath(Object, Closing, &path);
        name = EmitName(KeyId, &path);
        /* A rename while we asked: the name serves this event, but is not kept. */
        if (name != REGMON_NO_NAME && LoadAcquire64(&g_Epoch) == epoch) {
            StoreRelease64(&slot->NameId, 0);
            StoreRelease64(&slot->KeyId, (LONG64)KeyId);
            StoreRelease64(&slot->NameId, (LONG64)name);
        }
    }
    ExReleaseFastMutex(&g_Lock);
    return name;
}

ULONG NameOfKey(PVOID Object, BOOLEAN Closing) {
    ULONG_PTR id = 0;
    ULONG name;

    if (!NT_SUCCESS(CmCallbackGetKeyObjectID(&g_Session.Cookie, Object, &id, NULL))) return 0;
    name = FindName(id);
    return name != 0 ? name : DefineName(Object, id, Closing);
}

VOID NamesForget(VOID) {
    ULONG i;

    InterlockedIncrement64(&g_Epoch);
    ExAcquireFastMutex(&g_Lock);
    for (i = 0; i < NAME_SLOTS; i++) StoreRelease64(&g_Slots[i].NameId, 0);
    ExReleaseFastMutex(&g_Lock);
}

static BOOLEAN EmitProcess(ULONG ProcessId, PCSTR Name) {
    ULONG bytes = (ULONG)strlen(Name);
    ULONG size = (ULONG)((sizeof(REGMON_PROCESS) + bytes + 7) & ~(ULONG_PTR)7);
    PREGMON_PROCESS record = RingReserve(&g_Ring, size);

    if (record == NULL) return FALSE;
    RtlZeroMemory(record, sizeof(*record));
    record->Header.Size = (USHORT)size;
    record->Header.Kind = REGMON_KIND_PROCESS;
    record->ProcessId = ProcessId;
    record->NameLength = bytes;
    RtlCopyMemory(record + 1, Name, bytes);
    RingCommit(&g_Ring, size);
    return TRUE;
}

BOOLEAN DefineCurrentProcess(ULONG ProcessId) {
    PROCESS_SLOT* slot = &g_Processes[(ProcessId ^ (ProcessId >> 8)) % PROCESS_SLOTS];
    PEPROCESS process = PsGetCurrentProcess();
    BOOLEAN defined = TRUE;

    /* Ids and objects change under the lock; a torn look at them only defines a process once more. */
    if (LoadAcquire64(&slot->ProcessId) == (LONG64)ProcessId &&
        LoadAcquire64(&slot->Process) == (LONG64)(ULONG_PTR)process)
        return TRUE;
    ExAcquireFastMutex(&g_Lock);
    defined = EmitProcess(ProcessId, (PCSTR)PsGetProcessImageFileName(process));
    if (defined) {
        StoreRelease64(&slot->Process, 0);
        StoreRelease64(&slot->ProcessId, (LONG64)ProcessId);
        StoreRelease64(&slot->Process, (LONG64)(ULONG_PTR)process);
    }
    ExReleaseFastMutex(&g_Lock);
    return defined;
}
