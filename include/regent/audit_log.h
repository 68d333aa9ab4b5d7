/* \Device\SecurityAudit: the records of the security audit for user mode. A built-in device of the host;
   \\.\SecurityAudit in Win32's spelling. Opening it needs SeSecurityPrivilege. One IOCTL: the records after a sequence
   number, as JSON Lines, optionally waiting for the first one. docs/audit.md says what a line holds. Plain C; the
   includer has the NT base types already (include/nt, include/win32 or include/wdk). */
#pragma once

#define AUDIT_DEVICE_NAME u"\\Device\\SecurityAudit"
#define AUDIT_LINK_NAME u"\\??\\SecurityAudit"

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_BUFFERED, FILE_READ_ACCESS) */
#define IOCTL_AUDIT_READ 0x00226404u

/* Input of IOCTL_AUDIT_READ. */
typedef struct _AUDIT_READ {
    ULONGLONG After;        /* records with a greater sequence number are wanted; 0 starts with the oldest one kept */
    ULONG WaitMilliseconds; /* how long to wait for a record when there is none; 0 answers at once */
    ULONG Reserved;         /* 0 */
} AUDIT_READ, *PAUDIT_READ;

/* Output: one AUDIT_BATCH, then TextBytes of UTF-8: Count lines, each ending with \n. */
typedef struct _AUDIT_BATCH {
    ULONG Count; /* 0 when the wait timed out */
    ULONG TextBytes;
    ULONGLONG Last;     /* sequence number to pass as After next time */
    ULONGLONG Lost;     /* records between After and the first one here that the log no longer has */
    ULONGLONG Produced; /* the log's ledger: records made since the process began, */
    ULONGLONG Kept;     /* of these the ones it still has, */
    ULONGLONG Dropped;  /* and the others: Produced == Kept + Dropped */
} AUDIT_BATCH, *PAUDIT_BATCH;

/* The output buffer has to have room for any one line; a smaller one is BUFFER_TOO_SMALL. */
#define AUDIT_MINIMUM_BUFFER 0x80000u
