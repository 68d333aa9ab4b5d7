/* A filter with a communication port: "echo" is answered at once, "ask" sends the program a message and gives its
   reply, "tell" sends one without a reply, "late" one that nobody answers in time. */
#include <fltKernel.h>

static PFLT_FILTER Filter;
static PFLT_PORT Server, Client;

static NTSTATUS NTAPI Connect(PFLT_PORT port, PVOID cookie, PVOID context, ULONG size, PVOID* connection) {
    if (cookie != &Server || size != 4 || RtlCompareMemory(context, "open", 4) != 4) return STATUS_INVALID_PARAMETER;
    Client = port;
    *connection = &Client;
    DbgPrint("port: connected\n");
    return STATUS_SUCCESS;
}

static VOID NTAPI Disconnect(PVOID connection) {
    DbgPrint("port: disconnected %u\n", (ULONG)(connection == &Client));
    FltCloseClientPort(Filter, &Client);
}

static NTSTATUS NTAPI Message(PVOID cookie, PVOID input, ULONG inputSize, PVOID output, ULONG outputSize, PULONG used) {
    LARGE_INTEGER soon;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    ULONG size = outputSize;

    if (cookie != &Client || inputSize < 4) return STATUS_INVALID_PARAMETER;
    soon.QuadPart = -10000; /* 1 ms */
    if (RtlCompareMemory(input, "echo", 4) == 4) {
        if (outputSize < inputSize) return STATUS_BUFFER_TOO_SMALL;
        RtlCopyMemory(output, input, inputSize);
        size = inputSize;
        status = STATUS_SUCCESS;
    } else if (RtlCompareMemory(input, "ask ", 4) == 4) {
        status = FltSendMessage(Filter, &Client, input, inputSize, output, &size, NULL);
    } else if (RtlCompareMemory(input, "tell", 4) == 4) {
        status = FltSendMessage(Filter, &Client, input, inputSize, NULL, NULL, NULL);
        size = 0;
    } else if (RtlCompareMemory(input, "late", 4) == 4) {
        status = FltSendMessage(Filter, &Client, input, inputSize, output, &size, &soon);
        if (status == STATUS_TIMEOUT) status = STATUS_IO_TIMEOUT;
        size = 0;
    }
    *used = NT_SUCCESS(status) ? size : 0;
    return status;
}

static NTSTATUS NTAPI UnloadFilter(FLT_FILTER_UNLOAD_FLAGS flags) {
    UNREFERENCED_PARAMETER(flags);
    FltCloseCommunicationPort(Server);
    FltUnregisterFilter(Filter);
    DbgPrint("port: unloaded\n");
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    FLT_REGISTRATION registration = {0};
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    PSECURITY_DESCRIPTOR security;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(path);
    registration.Size = sizeof(registration);
    registration.Version = FLT_REGISTRATION_VERSION;
    registration.FilterUnloadCallback = UnloadFilter;
    status = FltRegisterFilter(driver, &registration, &Filter);
    if (!NT_SUCCESS(status)) return status;
    status = FltBuildDefaultSecurityDescriptor(&security, FLT_PORT_ALL_ACCESS);
    if (NT_SUCCESS(status)) {
        RtlInitUnicodeString(&name, L"\\WatchPort");
        InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, security);
        status = FltCreateCommunicationPort(Filter, &Server, &attributes, &Server, Connect, Disconnect, Message, 1);
        FltFreeSecurityDescriptor(security);
    }
    if (NT_SUCCESS(status)) status = FltStartFiltering(Filter);
    if (!NT_SUCCESS(status)) FltUnregisterFilter(Filter);
    return status;
}
