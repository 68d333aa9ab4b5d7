// \Device\DbgView: the debugger's lines for user mode; the contract is include/regent/dbgview.h.
#include <algorithm>
#include <cstring>

#include "ex/debug_sink.h"
#include "io/driver_life.h"
#include "io/io_state.h"
#include "io/waiting_read.h"
#include "regent/dbgview.h"

namespace regent::io {

namespace {

NTSTATUS complete(IRP* irp, NTSTATUS status, ULONG_PTR information = 0) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

std::size_t line_size(std::size_t text) { return (DBGVIEW_LINE_HEADER + text + 7) & ~std::size_t{7}; }

// Appends the line; false when there is no room.
bool put_line(MutableBytes out, std::size_t& used, const ex::DebugLine& line) {
    const std::size_t text = std::min<std::size_t>(line.text.size(), 512);
    const std::size_t size = line_size(text);
    if (size > out.size() - used) return false;
    DBGVIEW_LINE head{};
    head.Size = static_cast<ULONG>(size);
    head.TextLength = static_cast<ULONG>(text);
    head.Sequence = line.sequence;
    head.Time = line.time;
    head.ProcessId = line.pid;
    head.ThreadId = line.tid;
    head.ComponentId = line.component;
    head.Level = line.level;
    std::byte* place = out.data() + used;
    std::memset(place, 0, size);
    std::memcpy(place, &head, DBGVIEW_LINE_HEADER);
    std::memcpy(place + DBGVIEW_LINE_HEADER, line.text.data(), text);
    used += size;
    return true;
}

NTSTATUS control(DEVICE_OBJECT*, IRP* irp) {
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl;
    if (parameters.IoControlCode != IOCTL_DBGVIEW_READ) return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    if (parameters.InputBufferLength < sizeof(DBGVIEW_READ)) return complete(irp, STATUS_INVALID_PARAMETER);
    if (parameters.OutputBufferLength < sizeof(DBGVIEW_BATCH) + line_size(512))
        return complete(irp, STATUS_BUFFER_TOO_SMALL);
    DBGVIEW_READ read;
    std::memcpy(&read, irp->AssociatedIrp.SystemBuffer, sizeof read);
    const auto lines = read_within(*irp, read.WaitMilliseconds, [&](int wait_ms) {
        return ex::DebugSink::instance().wait_and_read(read.After, wait_ms);
    });
    const MutableBytes out(static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer), parameters.OutputBufferLength);
    DBGVIEW_BATCH batch{};
    batch.Last = read.After;
    std::size_t used = sizeof batch;
    for (const ex::DebugLine& line : lines) {
        if (batch.Count == 0 && read.After != 0) batch.Lost = line.sequence - read.After - 1;
        if (!put_line(out, used, line)) break;
        batch.Count++;
        batch.Last = line.sequence;
    }
    batch.Bytes = static_cast<ULONG>(used);
    std::memcpy(out.data(), &batch, sizeof batch);
    return complete(irp, STATUS_SUCCESS, used);
}

NTSTATUS accept(DEVICE_OBJECT*, IRP* irp) { return complete(irp, STATUS_SUCCESS, FILE_OPENED); }

}  // namespace

Result<void> start_dbgview() {
    static_assert(offsetof(DBGVIEW_LINE, Text) == DBGVIEW_LINE_HEADER);
    Ref<DriverState> driver = RG_TRY(create_driver(u"DbgView"));
    auto& major = driver->object->object.MajorFunction;
    major[IRP_MJ_CREATE] = accept;
    major[IRP_MJ_CLEANUP] = accept;
    major[IRP_MJ_CLOSE] = accept;
    major[IRP_MJ_DEVICE_CONTROL] = control;
    return add_built_in(std::move(driver), DBGVIEW_DEVICE_NAME, DBGVIEW_LINK_NAME, FILE_DEVICE_UNKNOWN,
                        FILE_DEVICE_SECURE_OPEN);
}

}  // namespace regent::io
