/* \Device\DbgView: the debugger's lines for user mode. A built-in device of the host, open to administrators;
   \\.\DbgView in Win32's spelling. One IOCTL: lines after a sequence number, optionally waiting for the first one.
   Plain C; the includer has the NT base types already (include/nt, include/win32 or include/wdk). */
#pragma once

#define DBGVIEW_DEVICE_NAME u"\\Device\\DbgView"
#define DBGVIEW_LINK_NAME u"\\??\\DbgView"

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_READ_ACCESS) */
#define IOCTL_DBGVIEW_READ 0x00226400u

/* Input of IOCTL_DBGVIEW_READ. */
typedef struct _DBGVIEW_READ {
    ULONGLONG After;        /* lines with a greater sequence number are wanted; 0 starts with the oldest one kept */
    ULONG WaitMilliseconds; /* how long to wait for a line when there is none; 0 answers at once */
    ULONG Reserved;         /* 0 */
} DBGVIEW_READ, *PDBGVIEW_READ;

/* Output: one DBGVIEW_BATCH, then Count lines, each aligned to 8 bytes. */
typedef struct _DBGVIEW_BATCH {
    ULONG Count;    /* lines that follow; 0 when the wait timed out */
    ULONG Bytes;    /* of the whole answer, this header included */
    ULONGLONG Last; /* sequence number to pass as After next time */
    ULONGLONG Lost; /* lines between After and the first one here that the ring no longer had */
} DBGVIEW_BATCH, *PDBGVIEW_BATCH;

typedef struct _DBGVIEW_LINE {
    ULONG Size;         /* of this line, a multiple of 8: the next one starts there */
    ULONG TextLength;   /* bytes of Text (UTF-8, no terminator, at most 512) */
    ULONGLONG Sequence; /* from 1, without gaps */
    LONGLONG Time;      /* NT time: 100 ns since 1601 UTC */
    ULONG ProcessId;
    ULONG ThreadId;
    ULONG ComponentId; /* DPFLTR_x_ID */
    ULONG Level;
    char Text[8];
} DBGVIEW_LINE, *PDBGVIEW_LINE;
#define DBGVIEW_LINE_HEADER 40u /* offset of Text */
