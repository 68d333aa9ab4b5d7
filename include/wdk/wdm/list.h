/* Doubly and singly linked lists threaded through their entries. A removed entry keeps its stale links. */
#pragma once

#include "base.h"

#define InitializeListHead32(head) InitializeListHead(head)

FORCEINLINE VOID InitializeListHead(PLIST_ENTRY head) { head->Flink = head->Blink = head; }

FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY* head) { return (BOOLEAN)(head->Flink == head); }

/* Links that do not point back at each other are a corrupted list, which must not be walked any further. */
RG_EXTERN_C_BEGIN
DECLSPEC_NORETURN VOID RtlFailFast(ULONG Code);
RG_EXTERN_C_END
#define FAST_FAIL_CORRUPT_LIST_ENTRY 3

FORCEINLINE VOID RgCheckLinks(const LIST_ENTRY* entry) {
    if (__builtin_expect(entry->Flink->Blink != entry || entry->Blink->Flink != entry, 0))
        RtlFailFast(FAST_FAIL_CORRUPT_LIST_ENTRY);
}

/* TRUE when the list is empty afterwards. */
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY entry) {
    PLIST_ENTRY next = entry->Flink;
    PLIST_ENTRY previous = entry->Blink;
    RgCheckLinks(entry);
    previous->Flink = next;
    next->Blink = previous;
    return (BOOLEAN)(next == previous);
}

/* On an empty list: the head itself. */
FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head) {
    PLIST_ENTRY entry = head->Flink;
    (void)RemoveEntryList(entry);
    return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY head) {
    PLIST_ENTRY entry = head->Blink;
    (void)RemoveEntryList(entry);
    return entry;
}

FORCEINLINE VOID InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry) {
    PLIST_ENTRY next = head->Flink;
    RgCheckLinks(head);
    entry->Flink = next;
    entry->Blink = head;
    next->Blink = entry;
    head->Flink = entry;
}

FORCEINLINE VOID InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry) {
    PLIST_ENTRY previous = head->Blink;
    RgCheckLinks(head);
    entry->Flink = head;
    entry->Blink = previous;
    previous->Flink = entry;
    head->Blink = entry;
}

FORCEINLINE VOID AppendTailList(PLIST_ENTRY head, PLIST_ENTRY list) {
    PLIST_ENTRY end = head->Blink;
    head->Blink->Flink = list;
    head->Blink = list->Blink;
    list->Blink->Flink = head;
    list->Blink = end;
}

FORCEINLINE VOID PushEntryList(PSINGLE_LIST_ENTRY head, PSINGLE_LIST_ENTRY entry) {
    entry->Next = head->Next;
    head->Next = entry;
}

FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY head) {
    PSINGLE_LIST_ENTRY entry = head->Next;
    if (entry != NULL) head->Next = entry->Next;
    return entry;
}
