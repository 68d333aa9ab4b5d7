/* How fltuser.h's functions reach the communication ports of filters: control codes of \\.\FltMgr, a built-in device of
   the host. Plain C; the includer has the NT base types already. */
#pragma once

#define FLTPORT_DEVICE_NAME u"\\Device\\FltMgr"
#define FLTPORT_LINK_NAME u"\\??\\FltMgr"

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x910.., METHOD_BUFFERED, FILE_ANY_ACCESS) */
#define IOCTL_FLTPORT_CONNECT 0x00222440u /* in: FLTPORT_CONNECT, the name, the context; the file is the connection */
#define IOCTL_FLTPORT_SEND 0x00222444u    /* the filter's message routine: in and out are its buffers */
#define IOCTL_FLTPORT_GET 0x00222448u     /* waits; out: FLTPORT_MESSAGE, the message */
#define IOCTL_FLTPORT_REPLY 0x0022244Cu   /* in: FLTPORT_REPLY, the reply */

typedef struct _FLTPORT_CONNECT {
    USHORT NameBytes;
    USHORT ContextBytes;
} FLTPORT_CONNECT;

/* fltuser.h's FILTER_MESSAGE_HEADER and FILTER_REPLY_HEADER. */
typedef struct _FLTPORT_MESSAGE {
    ULONG ReplyLength;
    ULONGLONG MessageId;
} FLTPORT_MESSAGE;
typedef struct _FLTPORT_REPLY {
    NTSTATUS Status;
    ULONGLONG MessageId;
} FLTPORT_REPLY;
