/* The regmon driver's interface: \Device\Regmon, \\.\Regmon in Win32's spelling. Shared by drivers/regmon (also
   compiled as a Windows driver) and by every consumer. Plain C; the includer has the NT base types (include/wdk, nt or
   win32).

   A consumer opens the device, sends CONFIGURE (optional) and START, then READs batches until it is done, sends STOP,
   READs until a batch says REGMON_BATCH_STOPPED with no record, and closes. One consumer records at a time (START from
   a second handle is STATUS_DEVICE_BUSY); QUERY_STATS works from any handle. Closing the handle ends its session.

   The ledger: Produced = Delivered + Pending + the sum of Dropped[], always; after the last READ Pending is 0. */
#pragma once

#define REGMON_DEVICE_NAME L"\\Device\\Regmon"
#define REGMON_LINK_NAME L"\\DosDevices\\Regmon"
#define REGMON_DEFAULT_ALTITUDE L"385200" /* Parameters\Altitude (REG_SZ) of the service key wins */

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x910 + n, METHOD_BUFFERED, FILE_READ_ACCESS); READ is METHOD_OUT_DIRECT */
#define IOCTL_REGMON_CONFIGURE 0x00226440u   /* in: REGMON_CONFIG */
#define IOCTL_REGMON_START 0x00226444u       /* no buffers; STATUS_DEVICE_BUSY: another handle records */
#define IOCTL_REGMON_STOP 0x00226448u        /* no buffers; the records so far stay readable */
#define IOCTL_REGMON_READ 0x0022644Eu        /* in: REGMON_READ, out: REGMON_BATCH and records */
#define IOCTL_REGMON_QUERY_STATS 0x00226450u /* out: REGMON_STATS */

#define REGMON_DATA_MAXIMUM 512u /* bytes of value data a record can hold; the default is 64 */
#define REGMON_DATA_DEFAULT 64u
#define REGMON_NAME_MAXIMUM 2048u /* bytes of Path and of Name in a record; longer ones are cut and flagged */
#define REGMON_PATH_MAXIMUM 4096u

/* What START records. Sent before START; a change while recording is STATUS_DEVICE_BUSY. */
typedef struct _REGMON_CONFIG {
    ULONGLONG OperationMask; /* bit n: the post class n (RegNtPostX) is recorded; all ones by default */
    ULONG DataBytes;         /* value data captured per record, at most REGMON_DATA_MAXIMUM */
    ULONG FlushMilliseconds; /* a waiting READ gets what there is after this time (20 by default) */
    ULONG Flags;             /* REGMON_CONFIG_x */
    ULONG OnlyProcessId;     /* 0: every process */
} REGMON_CONFIG, *PREGMON_CONFIG;
#define REGMON_CONFIG_INCLUDE_SELF 1u /* the consumer's own operations too (a monitor embedded in its subject) */

/* STATUS_INVALID_DEVICE_STATE: this handle did not START. The output buffer needs REGMON_READ_MINIMUM bytes. */
#define REGMON_READ_MINIMUM 16384u
typedef struct _REGMON_READ {
    ULONG WaitMilliseconds; /* for the first record; 0 answers at once */
    ULONG Reserved;         /* 0 */
} REGMON_READ, *PREGMON_READ;

/* Head of READ's answer; records follow, each REGMON_HEADER.Size bytes long. Definitions (names, processes) come before
   the events that use them. Events are in order within one ring, not between rings: sort by Time + Duration. */
typedef struct _REGMON_BATCH {
    ULONG Bytes; /* of the whole answer, this header included */
    ULONG Records;
    ULONG Flags;            /* REGMON_BATCH_x */
    ULONG Reserved;         /* 0 */
    ULONGLONG RawFrequency; /* raw ticks a second, measured since the driver was loaded */
    ULONGLONG RawBase;      /* a raw stamp ... */
    LONGLONG TimeBase;      /* ... and the NT time (100 ns since 1601 UTC) of the same moment */
} REGMON_BATCH, *PREGMON_BATCH;
#define REGMON_BATCH_STOPPED 1u /* recording has stopped; when Records is 0 too, everything was delivered */
#define REGMON_BATCH_MORE 2u    /* the buffer was full: READ again at once */

typedef struct _REGMON_HEADER {
    USHORT Size; /* of the record, a multiple of 8 */
    UCHAR Kind;  /* REGMON_KIND_x */
    UCHAR Operation;
    ULONG Status; /* NTSTATUS of the operation */
} REGMON_HEADER, *PREGMON_HEADER;
#define REGMON_KIND_EVENT 1   /* REGMON_EVENT */
#define REGMON_KIND_NAME 2    /* REGMON_NAME: the path that a NameId stands for; never changes, also after a rename */
#define REGMON_KIND_PROCESS 3 /* REGMON_PROCESS */
#define REGMON_KIND_GAP 4     /* REGMON_GAP: events are missing here */

typedef struct _REGMON_EVENT {
    REGMON_HEADER Header; /* Operation: the post class (RegNtPostSetValueKey = 16 ...) */
    ULONGLONG Time;       /* raw stamp at the pre-notification */
    ULONGLONG Duration;   /* raw ticks from there to the post-notification */
    ULONG ProcessId;
    ULONG ThreadId;
    ULONG Sequence; /* counts this ring's events, the dropped ones too */
    USHORT Ring;
    USHORT Flags; /* REGMON_EVENT_x */
    ULONG NameId; /* path of the key; for create, open and load: of the key that Path is relative to, 0 = absolute */
    ULONG Detail[5];
    USHORT PathLength; /* bytes; create, open, load: the name as the caller gave it */
    USHORT NameLength; /* bytes; value name, new name, enumerated key's name, file name */
    USHORT DataLength; /* bytes of value data captured */
    USHORT Reserved;
    /* UTF-16 Path, UTF-16 Name, Data: one behind the other without padding */
} REGMON_EVENT, *PREGMON_EVENT;
#define REGMON_EVENT_KERNEL 1u     /* previous mode was KernelMode */
#define REGMON_EVENT_NAME_CUT 2u   /* Path or Name was longer than recorded */
#define REGMON_EVENT_UNREADABLE 4u /* the caller's buffer could not be read for the details */

/* Detail[] by operation (0 where not known):
   CreateKeyEx, OpenKeyEx   DesiredAccess, GrantedAccess, Disposition, Options
   SetValueKey              Type, Length
   QueryValueKey            Type, Length, information class, buffer length
   EnumerateValueKey        Type, Length, information class, buffer length, Index
   EnumerateKey             Index, information class, buffer length
   QueryKey                 information class, buffer length, SubKeys, Values, UserFlags
   SetInformationKey        class, Length                        (Data: the bytes set)
   QueryMultipleValueKey    count of entries
   QueryKeySecurity, SetKeySecurity   SecurityInformation
   LoadKey                  Flags                                (Name: the hive file)
   SaveKey                  Format; RestoreKey  Flags
   DeleteKey, DeleteValueKey, RenameKey, FlushKey, UnLoadKey, KeyHandleClose   none */
#define REGMON_DETAIL_DESIRED_ACCESS 0
#define REGMON_DETAIL_GRANTED_ACCESS 1
#define REGMON_DETAIL_DISPOSITION 2
#define REGMON_DETAIL_OPTIONS 3
#define REGMON_DETAIL_TYPE 0
#define REGMON_DETAIL_LENGTH 1
#define REGMON_DETAIL_VALUE_CLASS 2
#define REGMON_DETAIL_VALUE_BUFFER 3
#define REGMON_DETAIL_VALUE_INDEX 4
#define REGMON_DETAIL_ENUM_INDEX 0
#define REGMON_DETAIL_ENUM_CLASS 1
#define REGMON_DETAIL_ENUM_BUFFER 2
#define REGMON_DETAIL_KEY_CLASS 0
#define REGMON_DETAIL_KEY_BUFFER 1
#define REGMON_DETAIL_KEY_SUBKEYS 2
#define REGMON_DETAIL_KEY_VALUES 3
#define REGMON_DETAIL_KEY_USER_FLAGS 4
#define REGMON_DETAIL_SECURITY_INFORMATION 0
#define REGMON_DETAIL_LOAD_FLAGS 0
#define REGMON_DETAIL_SAVE_FORMAT 0

typedef struct _REGMON_NAME {
    REGMON_HEADER Header;
    ULONG NameId;
    ULONG PathLength; /* bytes of UTF-16 path that follow: \REGISTRY\MACHINE\... */
    ULONGLONG KeyId;  /* the same for every name of one key */
} REGMON_NAME, *PREGMON_NAME;

typedef struct _REGMON_PROCESS {
    REGMON_HEADER Header;
    ULONG ProcessId;
    ULONG NameLength; /* bytes of UTF-8 image name that follow */
} REGMON_PROCESS, *PREGMON_PROCESS;

typedef struct _REGMON_GAP {
    REGMON_HEADER Header; /* Operation: REGMON_DROP_x */
    ULONGLONG Time;       /* raw stamp of the first event missing */
    ULONG Count;
    USHORT Ring;
    USHORT Reserved;
} REGMON_GAP, *PREGMON_GAP;

#define REGMON_DROP_RING_FULL 0  /* the consumer was too slow */
#define REGMON_DROP_RING_BUSY 1  /* more threads at once than rings */
#define REGMON_DROP_NAMES_FULL 2 /* no room for the definition that the event needs */
#define REGMON_DROP_CLOSED 3     /* recorded, but the consumer closed its handle before reading it */
#define REGMON_DROP_REASONS 4

typedef struct _REGMON_STATS {
    ULONGLONG Produced;  /* events seen while recording, since START */
    ULONGLONG Delivered; /* handed to READ */
    ULONGLONG Pending;   /* in the rings */
    ULONGLONG Dropped[REGMON_DROP_REASONS];
    ULONGLONG Excluded; /* the consumer's own operations: not produced */
    ULONGLONG Batches;
    ULONGLONG WakeUps; /* work items queued for the consumer */
    ULONG Rings;
    ULONG RingBytes;
    ULONG Recording; /* 0 or 1 */
    ULONG Consumers; /* open handles */
} REGMON_STATS, *PREGMON_STATS;
