/* The pre-notifications that wait for their post-notification, by thread. A thread gets exactly one post for one pre,
   in this order, but creates nest: a callback of ours or of a filter below may create keys itself. So a thread has a
   stack of entries, and a post belongs to the newest one. */
#pragma once

#include "key_path.h"

typedef struct _PENDING_ENTRY {
    LIST_ENTRY Link; /* in a bucket, newest first; free for the taker's use afterwards */
    HANDLE ThreadId;
    LARGE_INTEGER Start; /* performance counter at the pre-notification */
    LONGLONG Elapsed;    /* for the taker: ticks of the same counter */
    NTSTATUS Status;     /* for the taker */
    UNICODE_STRING Name; /* full key name; its buffer follows the entry */
} PENDING_ENTRY, *PPENDING_ENTRY;

VOID PendingInitialize(VOID);
/* REQUIRES: the callback is unregistered, no entry is taken. Frees what is left. */
VOID PendingUninitialize(VOID);
/* An entry with the full name of the key: `CompleteName`, prefixed with `RootObject`'s name when it is relative. Not
   yet in the table. NULL: no memory. */
PPENDING_ENTRY PendingCreate(PVOID RootObject, PUNICODE_STRING CompleteName);
VOID PendingFree(PPENDING_ENTRY Entry);
VOID PendingPush(PPENDING_ENTRY Entry); /* stamps it and makes it this thread's newest */
PPENDING_ENTRY PendingPop(VOID);        /* this thread's newest; NULL when its pre-notification was not seen */
LONG PendingCount(VOID);
