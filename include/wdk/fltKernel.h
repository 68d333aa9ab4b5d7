/* The filter manager, as far as registry filters use it: registration and communication ports work; what needs a file
   system fails with the status beside it. */
#pragma once

#include "ntifs.h"

struct _FLT_FILTER;
typedef struct _FLT_FILTER* PFLT_FILTER;
struct _FLT_PORT;
typedef struct _FLT_PORT* PFLT_PORT;
typedef struct _FLT_INSTANCE* PFLT_INSTANCE;
typedef struct _FLT_VOLUME* PFLT_VOLUME;
typedef struct _FLT_CALLBACK_DATA* PFLT_CALLBACK_DATA;
typedef struct _FLT_FILE_NAME_INFORMATION* PFLT_FILE_NAME_INFORMATION;
typedef PVOID PFLT_CONTEXT;

#define STATUS_FLT_NO_HANDLER_DEFINED ((NTSTATUS)0xC01C0001)
#define STATUS_FLT_NO_WAITER_FOR_REPLY ((NTSTATUS)0xC01C0020)
#define STATUS_FLT_INVALID_NAME_REQUEST ((NTSTATUS)0xC01C0005)
#define STATUS_FLT_NOT_INITIALIZED ((NTSTATUS)0xC01C0007)
#define STATUS_FLT_DELETING_OBJECT ((NTSTATUS)0xC01C000B)
#define STATUS_FLT_DO_NOT_ATTACH ((NTSTATUS)0xC01C000F)

#ifndef STATUS_CONNECTION_COUNT_LIMIT
#define STATUS_CONNECTION_COUNT_LIMIT ((NTSTATUS)0xC0000246)
#endif

#define FLT_REGISTRATION_VERSION 0x0203
#define FLT_PORT_CONNECT 0x0001
#define FLT_PORT_ALL_ACCESS (FLT_PORT_CONNECT | STANDARD_RIGHTS_ALL)
#define IRP_MJ_OPERATION_END ((UCHAR)0x80)

typedef ULONG FLT_FILTER_UNLOAD_FLAGS;
#define FLTFL_FILTER_UNLOAD_MANDATORY 1
typedef NTSTATUS(NTAPI* PFLT_FILTER_UNLOAD_CALLBACK)(FLT_FILTER_UNLOAD_FLAGS Flags);
typedef struct _FLT_CONTEXT_REGISTRATION FLT_CONTEXT_REGISTRATION;
typedef struct _FLT_OPERATION_REGISTRATION {
    UCHAR MajorFunction;
    ULONG Flags;
    PVOID PreOperation;
    PVOID PostOperation;
    PVOID Reserved1;
} FLT_OPERATION_REGISTRATION, *PFLT_OPERATION_REGISTRATION;
/* File operations never come: their tables and the instance routines are kept and not called. */
typedef struct _FLT_REGISTRATION {
    USHORT Size;
    USHORT Version;
    ULONG Flags;
    const FLT_CONTEXT_REGISTRATION* ContextRegistration;
    const FLT_OPERATION_REGISTRATION* OperationRegistration;
    PFLT_FILTER_UNLOAD_CALLBACK FilterUnloadCallback;
    PVOID InstanceSetupCallback;
    PVOID InstanceQueryTeardownCallback;
    PVOID InstanceTeardownStartCallback;
    PVOID InstanceTeardownCompleteCallback;
    PVOID GenerateFileNameCallback;
    PVOID NormalizeNameComponentCallback;
    PVOID NormalizeContextCleanupCallback;
    PVOID TransactionNotificationCallback;
    PVOID NormalizeNameComponentExCallback;
    PVOID SectionNotificationCallback;
} FLT_REGISTRATION, *PFLT_REGISTRATION;

typedef NTSTATUS(NTAPI* PFLT_CONNECT_NOTIFY)(PFLT_PORT ClientPort, PVOID ServerPortCookie, PVOID ConnectionContext,
                                             ULONG SizeOfContext, PVOID* ConnectionPortCookie);
typedef VOID(NTAPI* PFLT_DISCONNECT_NOTIFY)(PVOID ConnectionCookie);
typedef NTSTATUS(NTAPI* PFLT_MESSAGE_NOTIFY)(PVOID PortCookie, PVOID InputBuffer, ULONG InputBufferLength,
                                             PVOID OutputBuffer, ULONG OutputBufferLength,
                                             PULONG ReturnOutputBufferLength);

RG_EXTERN_C_BEGIN

NTSTATUS FltRegisterFilter(PDRIVER_OBJECT Driver, const FLT_REGISTRATION* Registration, PFLT_FILTER* RetFilter);
NTSTATUS FltStartFiltering(PFLT_FILTER Filter);
VOID FltUnregisterFilter(PFLT_FILTER Filter);
NTSTATUS FltBuildDefaultSecurityDescriptor(PSECURITY_DESCRIPTOR* SecurityDescriptor, ACCESS_MASK DesiredAccess);
VOID FltFreeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor);
NTSTATUS FltCreateCommunicationPort(PFLT_FILTER Filter, PFLT_PORT* ServerPort, POBJECT_ATTRIBUTES ObjectAttributes,
                                    PVOID ServerPortCookie, PFLT_CONNECT_NOTIFY ConnectNotifyCallback,
                                    PFLT_DISCONNECT_NOTIFY DisconnectNotifyCallback,
                                    PFLT_MESSAGE_NOTIFY MessageNotifyCallback, LONG MaxConnections);
VOID FltCloseCommunicationPort(PFLT_PORT ServerPort);
VOID FltCloseClientPort(PFLT_FILTER Filter, PFLT_PORT* ClientPort);
/* STATUS_TIMEOUT (a success) when the time is over, STATUS_PORT_DISCONNECTED when the program is gone. Without a reply
   buffer it returns when the program has taken the message. */
NTSTATUS FltSendMessage(PFLT_FILTER Filter, PFLT_PORT* ClientPort, PVOID SenderBuffer, ULONG SenderBufferLength,
                        PVOID ReplyBuffer, PULONG ReplyLength, PLARGE_INTEGER Timeout);

/* STATUS_FLT_INVALID_NAME_REQUEST */
NTSTATUS FltGetFileNameInformation(PFLT_CALLBACK_DATA CallbackData, ULONG NameOptions,
                                   PFLT_FILE_NAME_INFORMATION* FileNameInformation);
NTSTATUS FltGetFileNameInformationUnsafe(PFILE_OBJECT FileObject, PFLT_INSTANCE Instance, ULONG NameOptions,
                                         PFLT_FILE_NAME_INFORMATION* FileNameInformation);
VOID FltReleaseFileNameInformation(PFLT_FILE_NAME_INFORMATION FileNameInformation);
/* STATUS_NOT_SUPPORTED: there are no volumes. */
NTSTATUS FltGetDiskDeviceObject(PFLT_VOLUME Volume, PDEVICE_OBJECT* DiskDeviceObject);
NTSTATUS FltClose(HANDLE FileHandle);
VOID FltObjectDereference(PVOID FltObject);
PCHAR FltGetIrpName(UCHAR IrpMajorCode);

RG_EXTERN_C_END

RG_STATIC_ASSERT(sizeof(FLT_REGISTRATION) == 0x70);
