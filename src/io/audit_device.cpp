// \Device\SecurityAudit: the records of the security audit for user mode; the contract is include/regent/audit_log.h.
#include <cstring>

#include "io/audit_text.h"
#include "io/driver_life.h"
#include "io/io_state.h"
#include "io/waiting_read.h"
#include "regent/audit_log.h"

namespace regent::io {

namespace {

constexpr std::size_t records_at_a_time = 512;

NTSTATUS complete(IRP* irp, NTSTATUS status, ULONG_PTR information = 0) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS control(DEVICE_OBJECT*, IRP* irp) {
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl;
    if (parameters.IoControlCode != IOCTL_AUDIT_READ) return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    if (parameters.InputBufferLength < sizeof(AUDIT_READ)) return complete(irp, STATUS_INVALID_PARAMETER);
    if (parameters.OutputBufferLength < AUDIT_MINIMUM_BUFFER) return complete(irp, STATUS_BUFFER_TOO_SMALL);
    AUDIT_READ read;
    std::memcpy(&read, irp->AssociatedIrp.SystemBuffer, sizeof read);
    const auto records = read_within(*irp, read.WaitMilliseconds, [&](int wait_ms) {
        return ob::AuditLog::instance().read(read.After, records_at_a_time, wait_ms);
    });
    const auto ledger = ob::AuditLog::instance().ledger();
    AUDIT_BATCH batch{};
    batch.Last = read.After;
    batch.Produced = ledger.produced;
    batch.Kept = ledger.kept;
    batch.Dropped = ledger.dropped;
    const MutableBytes out(static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer), parameters.OutputBufferLength);
    const MutableBytes text = out.subspan(sizeof batch);
    std::size_t used = 0;
    for (const ob::AuditRecord& record : records) {
        const std::string line = audit_line(record);
        if (line.size() > text.size() - used) break;
        std::memcpy(text.data() + used, line.data(), line.size());
        used += line.size();
        batch.Lost += record.sequence - batch.Last - 1;
        batch.Count++;
        batch.Last = record.sequence;
    }
    batch.TextBytes = static_cast<ULONG>(used);
    std::memcpy(out.data(), &batch, sizeof batch);
    return complete(irp, STATUS_SUCCESS, sizeof batch + used);
}

NTSTATUS accept(DEVICE_OBJECT*, IRP* irp) { return complete(irp, STATUS_SUCCESS, FILE_OPENED); }

NTSTATUS create(DEVICE_OBJECT*, IRP* irp) {
    const bool may = irp->RequestorMode == KernelMode || ob::current().token().enabled(SE_SECURITY_PRIVILEGE);
    return may ? complete(irp, STATUS_SUCCESS, FILE_OPENED) : complete(irp, STATUS_PRIVILEGE_NOT_HELD);
}

}  // namespace

Result<void> start_audit_device() {
    Ref<DriverState> driver = RG_TRY(create_driver(u"SecurityAudit"));
    auto& major = driver->object->object.MajorFunction;
    major[IRP_MJ_CREATE] = create;
    major[IRP_MJ_CLEANUP] = accept;
    major[IRP_MJ_CLOSE] = accept;
    major[IRP_MJ_DEVICE_CONTROL] = control;
    return add_built_in(std::move(driver), AUDIT_DEVICE_NAME, AUDIT_LINK_NAME, FILE_DEVICE_UNKNOWN,
                        FILE_DEVICE_SECURE_OPEN);
}

}  // namespace regent::io
