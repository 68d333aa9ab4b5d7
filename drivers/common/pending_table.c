#include "pending_table.h"

#define BUCKETS 64

typedef struct _BUCKET {
    KSPIN_LOCK Lock;
    LIST_ENTRY Entries;
} BUCKET;

static BUCKET g_Buckets[BUCKETS];
static volatile LONG g_Count;

static BUCKET* BucketOf(HANDLE ThreadId) { return &g_Buckets[((ULONG_PTR)ThreadId >> 2) % BUCKETS]; }

VOID PendingInitialize(VOID) {
    ULONG i;

    for (i = 0; i < BUCKETS; i++) {
        KeInitializeSpinLock(&g_Buckets[i].Lock);
        InitializeListHead(&g_Buckets[i].Entries);
    }
    g_Count = 0;
}

VOID PendingUninitialize(VOID) {
    ULONG i;

    for (i = 0; i < BUCKETS; i++) {
        while (!IsListEmpty(&g_Buckets[i].Entries))
            PendingFree(CONTAINING_RECORD(RemoveHeadList(&g_Buckets[i].Entries), PENDING_ENTRY, Link));
    }
}

/* The name of a key object into a fresh buffer (free with ExFreePoolWithTag), NULL when there is none. */
static POBJECT_NAME_INFORMATION QueryObjectName(PVOID Object) {
    POBJECT_NAME_INFORMATION name;
    ULONG length = 0;

    if (ObQueryNameString(Object, NULL, 0, &length) != STATUS_INFO_LENGTH_MISMATCH) return NULL;
    name = ExAllocatePoolWithTag(NonPagedPool, length, DRIVER_POOL_TAG);
    if (name == NULL) return NULL;
    if (NT_SUCCESS(ObQueryNameString(Object, name, length, &length))) return name;
    ExFreePoolWithTag(name, DRIVER_POOL_TAG);
    return NULL;
}

static VOID Append(PUNICODE_STRING Target, PCUNICODE_STRING Source) {
    USHORT room = (USHORT)(Target->MaximumLength - Target->Length);
    USHORT bytes = Source->Length < room ? Source->Length : room;

    RtlCopyMemory((PUCHAR)Target->Buffer + Target->Length, Source->Buffer, bytes);
    Target->Length = (USHORT)(Target->Length + bytes);
}

PPENDING_ENTRY PendingCreate(PVOID RootObject, PUNICODE_STRING CompleteName) {
    static const UNICODE_STRING separator = {sizeof(WCHAR), sizeof(WCHAR), L"\\"};
    BOOLEAN absolute = CompleteName->Length != 0 && CompleteName->Buffer[0] == L'\\';
    POBJECT_NAME_INFORMATION root = absolute || RootObject == NULL ? NULL : QueryObjectName(RootObject);
    ULONG bytes = CompleteName->Length + (root != NULL ? root->Name.Length + (ULONG)sizeof(WCHAR) : 0);
    PPENDING_ENTRY entry;

    if (bytes > 0xFFFE) bytes = 0xFFFE; /* longer names do not exist; a filter above may still send one */
    entry = ExAllocatePoolWithTag(NonPagedPool, sizeof(*entry) + bytes, DRIVER_POOL_TAG);
    if (entry != NULL) {
        entry->Name.Buffer = (PWCH)(entry + 1);
        entry->Name.Length = 0;
        entry->Name.MaximumLength = (USHORT)bytes;
        if (root != NULL) {
            Append(&entry->Name, &root->Name);
            if (CompleteName->Length != 0) Append(&entry->Name, &separator);
        }
        if (CompleteName->Length != 0) Append(&entry->Name, CompleteName);
    }
    if (root != NULL) ExFreePoolWithTag(root, DRIVER_POOL_TAG);
    return entry;
}

VOID PendingFree(PPENDING_ENTRY Entry) { ExFreePoolWithTag(Entry, DRIVER_POOL_TAG); }

VOID PendingPush(PPENDING_ENTRY Entry) {
    BUCKET* bucket;
    KIRQL irql;

    Entry->ThreadId = PsGetCurrentThreadId();
    bucket = BucketOf(Entry->ThreadId);
    InterlockedIncrement(&g_Count);
    KeAcquireSpinLock(&bucket->Lock, &irql);
    InsertHeadList(&bucket->Entries, &Entry->Link);
    KeReleaseSpinLock(&bucket->Lock, irql);
    Entry->Start = KeQueryPerformanceCounter(NULL); /* last: what we did is not the operation's time */
}

PPENDING_ENTRY PendingPop(VOID) {
    HANDLE thread = PsGetCurrentThreadId();
    BUCKET* bucket = BucketOf(thread);
    PPENDING_ENTRY found = NULL;
    PLIST_ENTRY link;
    KIRQL irql;

    KeAcquireSpinLock(&bucket->Lock, &irql);
    for (link = bucket->Entries.Flink; link != &bucket->Entries; link = link->Flink) {
        PPENDING_ENTRY entry = CONTAINING_RECORD(link, PENDING_ENTRY, Link);
        if (entry->ThreadId != thread) continue;
        RemoveEntryList(link);
        found = entry;
        break;
    }
    KeReleaseSpinLock(&bucket->Lock, irql);
    if (found != NULL) InterlockedDecrement(&g_Count);
    return found;
}

LONG PendingCount(VOID) { return ReadShared(&g_Count); }
