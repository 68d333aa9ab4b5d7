/* The inside of the regmon driver. Data flow:

     callback (capture.c) -> a ring of its thread (ring.c) -> READ's buffer (reads.c) -> the consumer
                          \-> definitions, once per key and process (names.c) -/

   In the callback nothing is allocated, nothing is formatted, no lock is waited for except when a key or process is
   seen for the first time. */
#pragma once

#include "common/driver.h"
#include "regent/regmon_ioctl.h"

#define REGMON_CACHE_LINE 64
#define REGMON_NO_NAME 0xFFFFFFFFu /* the definition did not fit: the event is dropped, and counted */

/* What a compiler may not reorder. Both compilers we are built with have these; MSVC's names stand beside them. */
#if defined(__GNUC__)
#define LoadAcquire64(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define StoreRelease64(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define StoreRelease32(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#else
#define LoadAcquire64(p) ReadAcquire64(p)
#define StoreRelease64(p, v) WriteRelease64((p), (v))
#define StoreRelease32(p, v) WriteRelease((p), (v))
#endif

/* ---- ring.c ----
   A ring has one producer at a time (whoever holds Busy) and one consumer (whoever holds the session's drain lock).
   Records lie contiguous; one that would cross the end is preceded by a filler. Positions count bytes for ever. */
typedef struct _RING {
    volatile LONG Busy; /* 1: a producer is inside */
    ULONG Sequence;
    volatile LONG64 Tail;
    LONG64 KnownHead; /* the producer's last look at Head */
    ULONGLONG Produced;
    ULONGLONG Dropped[REGMON_DROP_REASONS];
    ULONG GapCount; /* events dropped since the last record */
    UCHAR GapReason;
    ULONGLONG GapTime;
    volatile LONG Kicked; /* the consumer was woken for this ring and has not emptied it yet */
    UCHAR Padding[REGMON_CACHE_LINE];
    volatile LONG64 Head;
    ULONGLONG Delivered;
    PUCHAR Buffer;
    ULONG Size; /* a power of two */
    USHORT Index;
} RING, *PRING;

NTSTATUS RingInitialize(PRING Ring, ULONG Size, USHORT Index);
VOID RingUninitialize(PRING Ring);
VOID RingReset(PRING Ring); /* REQUIRES: no producer, no consumer */
/* Room for a record of `Size` bytes, a multiple of 8; NULL: full. RingCommit makes it visible. */
PVOID RingReserve(PRING Ring, ULONG Size);
VOID RingCommit(PRING Ring, ULONG Size);
/* Copies records up to position `End` to the buffer. Returns FALSE when the buffer is full before. */
BOOLEAN RingDrain(PRING Ring, LONG64 End, PUCHAR Buffer, ULONG Length, PULONG Used, PULONG Records);
ULONG RingUsed(PRING Ring);
/* Writes the record of the events that were dropped since the last one. REQUIRES: the caller is the only producer. */
VOID RingTellGap(PRING Ring, PREGMON_GAP Gap);

/* ---- names.c ---- */
NTSTATUS NamesInitialize(ULONG RingBytes);
VOID NamesUninitialize(VOID);
VOID NamesReset(VOID);
/* The NameId of the key's path now, defining it when it is new; REGMON_NO_NAME: no room. `Closing`: the object has no
   references left, so only its cached name can be asked for. */
ULONG NameOfKey(PVOID Object, BOOLEAN Closing);
/* After a rename: every path may have changed. */
VOID NamesForget(VOID);
/* Makes sure the current process is defined. FALSE: no room. */
BOOLEAN DefineCurrentProcess(ULONG ProcessId);
PRING NamesRing(VOID);

/* ---- capture.c ---- */
EX_CALLBACK_FUNCTION RegmonCallback;

/* ---- session.c ---- */
#define MAXIMUM_RINGS 64

typedef struct _SESSION {
    volatile LONG Recording; /* read by every callout; changes only while the callback is not registered */
    LARGE_INTEGER Cookie;
    REGMON_CONFIG Config;
    ULONG ExcludedProcessId; /* 0: none */
    volatile LONG64 Excluded;
    volatile LONG64 BusyDrops; /* produced and dropped without a ring */
    ULONG RingCount;
    PRING Rings;
    FAST_MUTEX Lock;    /* who owns the session, and the consumer's side of all rings */
    PFILE_OBJECT Owner; /* of the session; NULL: none */
    ULONGLONG Batches;
    volatile LONG64 WakeUps;
} SESSION;
extern SESSION g_Session;

/* The ring of the thread, or one beside it. NULL: none was free, the event is dropped. */
PRING AcquireRing(VOID);
VOID ReleaseRing(PRING Ring);

NTSTATUS SessionInitialize(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
VOID SessionUninitialize(PDRIVER_OBJECT DriverObject);

/* ---- reads.c ---- */
NTSTATUS ReadsInitialize(PDEVICE_OBJECT Device);
VOID ReadsUninitialize(VOID);
/* IOCTL_REGMON_READ: answers it or lets it wait. */
NTSTATUS ReadsRequest(PIRP Irp);
/* Ends what waits for this file. */
VOID ReadsCancel(PFILE_OBJECT File);
VOID WakeConsumer(void);
NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* ---- clock.c ----
   The time stamp counter where the processor keeps it constant, else the performance counter. */
VOID ClockInitialize(VOID);
ULONGLONG RawNow(VOID);
/* What a reader needs to turn the batch's raw times into the system's. */
VOID ClockDescribe(PREGMON_BATCH Batch);
