#include "io/flt.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <optional>
#include <vector>

#include "ex/call_driver.h"
#include "ex/rundown.h"
#include "io/driver_life.h"
#include "io/request.h"
#include "regent/fltport.h"
#include "se/access.h"
#include "wdk/fltKernel.h"

using namespace regent;
using namespace regent::io;

namespace regent::io {
namespace {

struct Message {
    std::uint64_t id = 0;
    std::vector<std::byte> text;
    bool wants_reply = false;
    std::size_t reply_room = 0;
    std::vector<std::byte> reply;
    NTSTATUS status = STATUS_PENDING;
    KEVENT done;
};
using MessageRef = std::shared_ptr<Message>;

struct ServerPort;

}  // namespace
}  // namespace regent::io

// The driver's pointers. A client port lives until the program and the driver have both let go of it.
struct _FLT_FILTER {
    const DRIVER_OBJECT* driver;
    PFLT_FILTER_UNLOAD_CALLBACK unload;
    bool started = false;
};

struct _FLT_PORT {
    // A server port.
    _FLT_FILTER* filter = nullptr;
    Utf16 name;
    se::SecurityDescriptor security;
    PVOID cookie = nullptr;
    PFLT_CONNECT_NOTIFY connect = nullptr;
    PFLT_DISCONNECT_NOTIFY disconnect = nullptr;
    PFLT_MESSAGE_NOTIFY message = nullptr;
    LONG connections_left = 0;
    // A client port.
    std::shared_ptr<_FLT_PORT> server;
    PVOID connection_cookie = nullptr;
    std::atomic<bool> connected{false};
    bool closed_by_driver = false;
    std::uint64_t next_id = 1;
    std::deque<MessageRef> waiting;  // for the program to take
    std::vector<MessageRef> taken;   // for its reply
    KEVENT arrived;
    ex::RundownRef calls;    // of the driver's message routine
    ex::RundownRef endings;  // of its disconnect routine
};
using PortRef = std::shared_ptr<_FLT_PORT>;

namespace regent::io {
namespace {

struct Manager {
    Mutex<LockRank::leaf> lock;  // everything in filters and ports that changes
    std::vector<std::unique_ptr<_FLT_FILTER>> filters RG_GUARDED_BY(lock);
    std::vector<PortRef> servers RG_GUARDED_BY(lock);
    std::vector<PortRef> clients RG_GUARDED_BY(lock);

    PortRef find(const std::vector<PortRef>& ports, const _FLT_PORT* port) RG_REQUIRES(lock) {
        const auto found = std::ranges::find_if(ports, [&](const PortRef& each) { return each.get() == port; });
        return found != ports.end() ? *found : nullptr;
    }
};

Manager& manager() {
    static auto& instance = *new Manager;
    return instance;
}

NTSTATUS complete(IRP* irp, NTSTATUS status, ULONG_PTR information = 0) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

template <typename Record>
std::optional<Record> head_of(Bytes input) {
    Record record;
    if (input.size() < sizeof record) return std::nullopt;
    std::memcpy(&record, input.data(), sizeof record);
    return record;
}

// The program's connection, as its file keeps it.
struct Connection {
    PortRef port;
};
Connection* connection_of(IRP* irp) {
    return static_cast<Connection*>(IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext);
}

bool may_connect(const _FLT_PORT& server, KPROCESSOR_MODE mode) {
    static constexpr GENERIC_MAPPING mapping{STANDARD_RIGHTS_READ, FLT_PORT_CONNECT, 0, FLT_PORT_ALL_ACCESS};
    return se::access_check(server.security, ob::current().token(), FLT_PORT_CONNECT, mapping, mode, 0).has_value();
}

void end_message(Message& message, NTSTATUS status) {
    message.status = status;
    KeSetEvent(&message.done, IO_NO_INCREMENT, FALSE);
}

// The port is of no use to its program any more: whoever waits for it is told.
// False: somebody else did it.
bool disconnect(const PortRef& port) {
    std::deque<MessageRef> orphans;
    {
        ExclusiveGuard guard(manager().lock);
        if (!port->connected.exchange(false)) return false;
        orphans.swap(port->waiting);
        for (MessageRef& message : port->taken) orphans.push_back(std::move(message));
        port->taken.clear();
        port->server->connections_left++;
    }
    for (const MessageRef& message : orphans) end_message(*message, STATUS_PORT_DISCONNECTED);
    KeSetEvent(&port->arrived, IO_NO_INCREMENT, FALSE);
    return true;
}

NTSTATUS connect(IRP* irp, Bytes input) {
    const auto request = head_of<FLTPORT_CONNECT>(input);
    auto* const file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    if (!request || file->FsContext != nullptr ||
        input.size() != sizeof *request + request->NameBytes + request->ContextBytes)
        return STATUS_INVALID_PARAMETER;
    const Utf16View name(reinterpret_cast<const char16_t*>(input.data() + sizeof *request), request->NameBytes / 2u);
    auto port = std::make_shared<_FLT_PORT>();
    KeInitializeEvent(&port->arrived, NotificationEvent, FALSE);
    {
        ExclusiveGuard guard(manager().lock);
        for (const PortRef& server : manager().servers)
            if (rtl::equal_folded(server->name, name)) port->server = server;
        if (!port->server) return STATUS_OBJECT_NAME_NOT_FOUND;
        if (!may_connect(*port->server, irp->RequestorMode)) return STATUS_ACCESS_DENIED;
        if (port->server->connections_left <= 0) return STATUS_CONNECTION_COUNT_LIMIT;
        port->server->connections_left--;
        port->connected = true;
        manager().clients.push_back(port);
    }
    std::vector<std::byte> context(input.end() - request->ContextBytes, input.end());
    const NTSTATUS status = ex::call_driver("port connect routine", port->server->connect, PFLT_PORT{port.get()},
                                            port->server->cookie, PVOID{context.empty() ? nullptr : context.data()},
                                            static_cast<ULONG>(context.size()), &port->connection_cookie);
    if (!NT_SUCCESS(status)) {
        disconnect(port);
        ExclusiveGuard guard(manager().lock);
        std::erase(manager().clients, port);
        return status;
    }
    file->FsContext = std::make_unique<Connection>(Connection{port}).release();
    return STATUS_SUCCESS;
}

NTSTATUS send(_FLT_PORT& port, Bytes input, MutableBytes output, ULONG& used) {
    if (port.server->message == nullptr) return STATUS_INVALID_DEVICE_REQUEST;
    ex::RundownGuard call(port.calls);
    if (!call || !port.connected) return STATUS_PORT_DISCONNECTED;
    // One buffer is the request's for both ways: the routine gets its input in one of its own.
    std::vector<std::byte> in(input.begin(), input.end());
    const NTSTATUS status =
        ex::call_driver("port message routine", port.server->message, port.connection_cookie,
                        PVOID{in.empty() ? nullptr : in.data()}, static_cast<ULONG>(in.size()),
                        PVOID{output.empty() ? nullptr : output.data()}, static_cast<ULONG>(output.size()), &used);
    used = std::min(used, static_cast<ULONG>(output.size()));
    return status;
}

MessageRef take_message(_FLT_PORT& port, std::size_t room, NTSTATUS& status) {
    ExclusiveGuard guard(manager().lock);
    status = port.connected ? STATUS_PENDING : STATUS_PORT_DISCONNECTED;
    if (port.waiting.empty()) {
        if (port.connected) KeClearEvent(&port.arrived);
        return nullptr;
    }
    if (room < sizeof(FLTPORT_MESSAGE) + port.waiting.front()->text.size()) {
        status = STATUS_BUFFER_OVERFLOW;
        return nullptr;
    }
    MessageRef message = std::move(port.waiting.front());
    port.waiting.pop_front();
    if (message->wants_reply) port.taken.push_back(message);
    return message;
}

// Waits in slices: a cancelled request is seen by its flag.
NTSTATUS get(const IRP* irp, _FLT_PORT& port, MutableBytes output, ULONG& used) {
    NTSTATUS status = STATUS_PENDING;
    MessageRef message;
    while ((message = take_message(port, output.size(), status)) == nullptr) {
        if (status != STATUS_PENDING) return status;
        LARGE_INTEGER slice;
        slice.QuadPart = -500000;  // 50 ms
        KeWaitForSingleObject(&port.arrived, Executive, KernelMode, FALSE, &slice);
        if (is_cancelled(*irp)) return STATUS_CANCELLED;
    }
    FLTPORT_MESSAGE head{};
    head.ReplyLength = static_cast<ULONG>(message->wants_reply ? message->reply_room + sizeof(FLTPORT_REPLY) : 0);
    head.MessageId = message->id;
    std::memcpy(output.data(), &head, sizeof head);
    std::ranges::copy(message->text, output.begin() + sizeof head);
    used = static_cast<ULONG>(sizeof head + message->text.size());
    if (!message->wants_reply) end_message(*message, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

NTSTATUS reply(_FLT_PORT& port, Bytes input) {
    const auto head = head_of<FLTPORT_REPLY>(input);
    if (!head) return STATUS_INVALID_PARAMETER;
    MessageRef message;
    {
        ExclusiveGuard guard(manager().lock);
        const auto found = std::ranges::find_if(port.taken, [&](const auto& m) { return m->id == head->MessageId; });
        if (found == port.taken.end()) return STATUS_FLT_NO_WAITER_FOR_REPLY;
        message = std::move(*found);
        port.taken.erase(found);
    }
    const Bytes text = input.subspan(sizeof *head);
    const std::size_t size = std::min(text.size(), message->reply_room);
    message->reply.assign(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    end_message(*message, size < text.size() ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

NTSTATUS control(DEVICE_OBJECT*, IRP* irp) {
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl;
    auto* const buffer = static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer);
    const Bytes input(buffer, parameters.InputBufferLength);
    const MutableBytes output(buffer, parameters.OutputBufferLength);
    if (parameters.IoControlCode == IOCTL_FLTPORT_CONNECT) return complete(irp, connect(irp, input));
    const Connection* const connection = connection_of(irp);
    if (connection == nullptr) return complete(irp, STATUS_PORT_DISCONNECTED);
    ULONG used = 0;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (parameters.IoControlCode == IOCTL_FLTPORT_SEND) status = send(*connection->port, input, output, used);
    if (parameters.IoControlCode == IOCTL_FLTPORT_GET) status = get(irp, *connection->port, output, used);
    if (parameters.IoControlCode == IOCTL_FLTPORT_REPLY) status = reply(*connection->port, input);
    return complete(irp, status, used);
}

// The program's last handle is closed.
NTSTATUS cleanup(DEVICE_OBJECT*, IRP* irp) {
    if (const Connection* const connection = connection_of(irp)) {
        const PortRef port = connection->port;
        ex::RundownGuard ending(port->endings);  // the filter stays until it was told
        const bool mine = disconnect(port);
        port->calls.wait();
        if (mine && ending && port->server->disconnect != nullptr)
            ex::call_driver("port disconnect routine", port->server->disconnect, port->connection_cookie);
        ExclusiveGuard guard(manager().lock);
        if (port->closed_by_driver) std::erase(manager().clients, port);
    }
    return complete(irp, STATUS_SUCCESS);
}

NTSTATUS close(DEVICE_OBJECT*, IRP* irp) {
    const std::unique_ptr<Connection> connection(connection_of(irp));
    IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext = nullptr;
    return complete(irp, STATUS_SUCCESS);
}

NTSTATUS accept(DEVICE_OBJECT*, IRP* irp) { return complete(irp, STATUS_SUCCESS, FILE_OPENED); }

// What stands in DriverUnload of a driver that registered a filter.
VOID unload_filter(PDRIVER_OBJECT driver) {
    PFLT_FILTER_UNLOAD_CALLBACK unload = nullptr;
    {
        ExclusiveGuard guard(manager().lock);
        for (const auto& filter : manager().filters)
            if (filter->driver == driver) unload = filter->unload;
    }
    if (unload != nullptr) ex::call_driver("filter unload routine", unload, FLT_FILTER_UNLOAD_FLAGS{0});
}

void close_server(const PortRef& server) {
    ExclusiveGuard guard(manager().lock);
    std::erase(manager().servers, server);
}

// Ports of the filter and their connections end; the driver's routines are not called any more.
void remove_filter(_FLT_FILTER* filter) {
    std::vector<PortRef> clients;
    {
        ExclusiveGuard guard(manager().lock);
        std::erase_if(manager().servers, [&](const PortRef& port) { return port->filter == filter; });
        for (const PortRef& port : manager().clients)
            if (port->server->filter == filter) clients.push_back(port);
    }
    for (const PortRef& port : clients) {
        disconnect(port);
        port->calls.wait();
        port->endings.wait();
    }
    ExclusiveGuard guard(manager().lock);
    for (const PortRef& port : clients) std::erase(manager().clients, port);
    std::erase_if(manager().filters, [&](const auto& each) { return each.get() == filter; });
}

}  // namespace

Result<void> start_fltmgr() {
    Ref<DriverState> driver = RG_TRY(create_driver(u"FltMgr"));
    auto& major = driver->object->object.MajorFunction;
    major[IRP_MJ_CREATE] = accept;
    major[IRP_MJ_CLEANUP] = cleanup;
    major[IRP_MJ_CLOSE] = close;
    major[IRP_MJ_DEVICE_CONTROL] = control;
    return add_built_in(std::move(driver), FLTPORT_DEVICE_NAME, FLTPORT_LINK_NAME, FILE_DEVICE_UNKNOWN, 0);
}

std::size_t remove_filters(const DRIVER_OBJECT* driver) {
    std::vector<_FLT_FILTER*> left;
    {
        ExclusiveGuard guard(manager().lock);
        for (const auto& filter : manager().filters)
            if (filter->driver == driver) left.push_back(filter.get());
    }
    for (_FLT_FILTER* filter : left) remove_filter(filter);
    return left.size();
}

}  // namespace regent::io

extern "C" {

NTSTATUS FltRegisterFilter(PDRIVER_OBJECT Driver, const FLT_REGISTRATION* Registration, PFLT_FILTER* RetFilter) {
    *RetFilter = nullptr;
    if (Registration->Size < offsetof(FLT_REGISTRATION, TransactionNotificationCallback) ||
        (Registration->Version & 0xFF00) != (FLT_REGISTRATION_VERSION & 0xFF00))
        return STATUS_INVALID_PARAMETER;
    auto filter = std::make_unique<_FLT_FILTER>(_FLT_FILTER{Driver, Registration->FilterUnloadCallback});
    *RetFilter = filter.get();
    // A filter without an unload routine cannot be unloaded.
    Driver->DriverUnload = Registration->FilterUnloadCallback != nullptr ? unload_filter : nullptr;
    ExclusiveGuard guard(manager().lock);
    manager().filters.push_back(std::move(filter));
    return STATUS_SUCCESS;
}

NTSTATUS FltStartFiltering(PFLT_FILTER Filter) {
    Filter->started = true;
    return STATUS_SUCCESS;
}

VOID FltUnregisterFilter(PFLT_FILTER Filter) { remove_filter(Filter); }

NTSTATUS FltCreateCommunicationPort(PFLT_FILTER Filter, PFLT_PORT* ServerPort, POBJECT_ATTRIBUTES ObjectAttributes,
                                    PVOID ServerPortCookie, PFLT_CONNECT_NOTIFY ConnectNotifyCallback,
                                    PFLT_DISCONNECT_NOTIFY DisconnectNotifyCallback,
                                    PFLT_MESSAGE_NOTIFY MessageNotifyCallback, LONG MaxConnections) {
    *ServerPort = nullptr;
    if (ObjectAttributes->ObjectName == nullptr || ObjectAttributes->SecurityDescriptor == nullptr ||
        (ObjectAttributes->Attributes & OBJ_KERNEL_HANDLE) == 0 || ConnectNotifyCallback == nullptr ||
        MaxConnections <= 0)
        return STATUS_INVALID_PARAMETER;
    auto security = se::capture_descriptor(ObjectAttributes->SecurityDescriptor);
    if (!security) return security.error().code();
    auto port = std::make_shared<_FLT_PORT>();
    port->filter = Filter;
    port->name = rtl::view(*ObjectAttributes->ObjectName);
    port->security = std::move(*security);
    port->cookie = ServerPortCookie;
    port->connect = ConnectNotifyCallback;
    port->disconnect = DisconnectNotifyCallback;
    port->message = MessageNotifyCallback;
    port->connections_left = MaxConnections;
    ExclusiveGuard guard(manager().lock);
    for (const PortRef& other : manager().servers)
        if (rtl::equal_folded(other->name, port->name)) return STATUS_OBJECT_NAME_COLLISION;
    *ServerPort = port.get();
    manager().servers.push_back(std::move(port));
    return STATUS_SUCCESS;
}

VOID FltCloseCommunicationPort(PFLT_PORT ServerPort) {
    PortRef port;
    {
        ExclusiveGuard guard(manager().lock);
        port = manager().find(manager().servers, ServerPort);
    }
    if (port) close_server(port);
}

VOID FltCloseClientPort(PFLT_FILTER, PFLT_PORT* ClientPort) {
    PortRef port;
    {
        ExclusiveGuard guard(manager().lock);
        port = manager().find(manager().clients, std::exchange(*ClientPort, nullptr));
        if (!port) return;
        port->closed_by_driver = true;
    }
    disconnect(port);
    ExclusiveGuard guard(manager().lock);
    std::erase(manager().clients, port);
}

NTSTATUS FltSendMessage(PFLT_FILTER, PFLT_PORT* ClientPort, PVOID SenderBuffer, ULONG SenderBufferLength,
                        PVOID ReplyBuffer, PULONG ReplyLength, PLARGE_INTEGER Timeout) {
    const auto* const text = static_cast<const std::byte*>(SenderBuffer);
    auto message = std::make_shared<Message>();
    message->text.assign(text, text + SenderBufferLength);
    message->wants_reply = ReplyBuffer != nullptr && ReplyLength != nullptr;
    message->reply_room = message->wants_reply ? *ReplyLength : 0;
    KeInitializeEvent(&message->done, NotificationEvent, FALSE);
    PortRef port;
    {
        ExclusiveGuard guard(manager().lock);
        port = manager().find(manager().clients, *ClientPort);
        if (!port || !port->connected) return STATUS_PORT_DISCONNECTED;
        message->id = port->next_id++;
        port->waiting.push_back(message);
    }
    KeSetEvent(&port->arrived, IO_NO_INCREMENT, FALSE);
    if (KeWaitForSingleObject(&message->done, Executive, KernelMode, FALSE, Timeout) == STATUS_TIMEOUT) {
        ExclusiveGuard guard(manager().lock);
        const auto same = [&](const MessageRef& other) { return other == message; };
        if (std::erase_if(port->waiting, same) + std::erase_if(port->taken, same) != 0) return STATUS_TIMEOUT;
    }
    // Ended meanwhile: whoever took it out of the lists says how.
    KeWaitForSingleObject(&message->done, Executive, KernelMode, FALSE, nullptr);
    if (message->wants_reply) {
        std::ranges::copy(message->reply, static_cast<std::byte*>(ReplyBuffer));
        *ReplyLength = static_cast<ULONG>(message->reply.size());
    }
    return message->status;
}
}  // extern "C"
