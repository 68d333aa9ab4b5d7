// Packets: allocation, the way down (IofCallDriver), the way up (IofCompleteRequest), cancellation.
#include <cstdlib>
#include <cstring>
#include <new>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "io/request.h"
#include "io/request_finish.h"

namespace regent::io {

namespace {
constexpr ULONG driver_verifier_iomanager_violation = 0xC9;
constexpr ULONG multiple_irp_complete_requests = 0x44;
constexpr ULONG cancel_state_in_completed_irp = 0x48;
constexpr ULONG no_more_irp_stack_locations = 0x35;

std::size_t packet_size(CCHAR stack_size) {
    return sizeof(IRP) + static_cast<std::size_t>(stack_size) * sizeof(IO_STACK_LOCATION);
}

KSPIN_LOCK cancel_spin_lock = 0;

// Finishes a packet of IoBuildDeviceIoControlRequest.
void finish_built(IRP* irp) {
    IrpHead& head = head_of(irp);
    if (!NT_ERROR(irp->IoStatus.Status) && head.caller_output != nullptr && irp->AssociatedIrp.SystemBuffer != nullptr)
        std::memcpy(head.caller_output, irp->AssociatedIrp.SystemBuffer,
                    std::min<std::size_t>(irp->IoStatus.Information, head.caller_output_length));
    if (irp->UserIosb != nullptr) *irp->UserIosb = irp->IoStatus;
    std::free(irp->AssociatedIrp.SystemBuffer);
    PKEVENT event = head.caller_event;
    free_packet(irp);
    if (event != nullptr) KeSetEvent(event, IO_NO_INCREMENT, FALSE);
}

// Whoever cancels exchanges it at any moment.
PDRIVER_CANCEL cancel_routine(const IRP* irp) { return __atomic_load_n(&irp->CancelRoutine, __ATOMIC_ACQUIRE); }

void check_completion(IRP* irp) {
    const auto address = reinterpret_cast<ULONG_PTR>(irp);
    if (irp->CurrentLocation > irp->StackCount + 1) KeBugCheckEx(multiple_irp_complete_requests, address, 0, 0, 0);
    if (irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == -1)
        KeBugCheckEx(driver_verifier_iomanager_violation, 6, static_cast<ULONG>(irp->IoStatus.Status), address, 0);
    if (PDRIVER_CANCEL routine = cancel_routine(irp))
        KeBugCheckEx(cancel_state_in_completed_irp, address, reinterpret_cast<ULONG_PTR>(routine), 0, 0);
}

bool wants_completion(const IO_STACK_LOCATION& location, const IRP& irp) {
    if (location.CompletionRoutine == nullptr) return false;
    if (irp.Cancel && (location.Control & SL_INVOKE_ON_CANCEL) != 0) return true;
    return (location.Control & (NT_SUCCESS(irp.IoStatus.Status) ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR)) != 0;
}

}  // namespace

IRP* allocate_packet(CCHAR stack_size) {
    if (stack_size < 1) return nullptr;
    void* block = std::calloc(1, sizeof(IrpHead) + packet_size(stack_size));
    if (block == nullptr) return nullptr;
    auto* head = new (block) IrpHead;
    auto* irp = reinterpret_cast<IRP*>(head + 1);
    IoInitializeIrp(irp, static_cast<USHORT>(packet_size(stack_size)), stack_size);
    return irp;
}

void free_packet(IRP* irp) {
    irp->Type = 0;  // a later completion through a stale pointer is recognised as long as the block is not reused
    std::free(&head_of(irp));
}

}  // namespace regent::io

using namespace regent;
using namespace regent::io;

extern "C" {

VOID IoInitializeIrp(PIRP irp, USHORT size, CCHAR stack_size) {
    std::memset(static_cast<void*>(irp), 0, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = size;
    irp->StackCount = static_cast<CHAR>(stack_size);
    irp->CurrentLocation = static_cast<CHAR>(stack_size + 1);
    irp->Tail.Overlay.CurrentStackLocation = reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + stack_size;
    InitializeListHead(&irp->ThreadListEntry);
}

PIRP IoAllocateIrp(CCHAR stack_size, BOOLEAN) { return allocate_packet(stack_size); }

VOID IoFreeIrp(PIRP irp) { free_packet(irp); }

NTSTATUS IofCallDriver(PDEVICE_OBJECT device, PIRP irp) {
    if (irp->CurrentLocation <= 1) KeBugCheckEx(no_more_irp_stack_locations, reinterpret_cast<ULONG_PTR>(irp), 0, 0, 0);
    IoSetNextIrpStackLocation(irp);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    location->DeviceObject = device;
    if (location->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION) return invalid_request(device, irp);
    return ex::call_driver("dispatch routine", device->DriverObject->MajorFunction[location->MajorFunction], device,
                           irp);
}

VOID IofCompleteRequest(PIRP irp, CCHAR) {
    check_completion(irp);
    while (irp->CurrentLocation <= irp->StackCount) {
        IO_STACK_LOCATION& location = *irp->Tail.Overlay.CurrentStackLocation;
        irp->PendingReturned = (location.Control & SL_PENDING_RETURNED) != 0;
        const bool call = wants_completion(location, *irp);
        irp->CurrentLocation++;
        irp->Tail.Overlay.CurrentStackLocation++;
        const bool more = irp->CurrentLocation <= irp->StackCount;
        if (call) {
            PDEVICE_OBJECT upper = more ? irp->Tail.Overlay.CurrentStackLocation->DeviceObject : nullptr;
            const NTSTATUS status =
                ex::call_driver("completion routine", location.CompletionRoutine, upper, irp, location.Context);
            if (status == STATUS_MORE_PROCESSING_REQUIRED) return;
        } else if (irp->PendingReturned && more) {
            IoMarkIrpPending(irp);
        }
    }
    irp->CurrentLocation = static_cast<CHAR>(irp->StackCount + 2);  // recognises a second completion
    if (head_of(irp).request != nullptr)
        finish_request(*head_of(irp).request);
    else if (head_of(irp).built)
        finish_built(irp);
}

VOID IoAcquireCancelSpinLock(PKIRQL irql) { *irql = KeAcquireSpinLockRaiseToDpc(&cancel_spin_lock); }
VOID IoReleaseCancelSpinLock(KIRQL irql) { KeReleaseSpinLock(&cancel_spin_lock, irql); }

BOOLEAN IoCancelIrp(PIRP irp) {
    // The frame is entered first: the cancel routine itself gives back the lock and the IRQL that came with it.
    ex::DriverCall frame(reinterpret_cast<const void*>(cancel_routine(irp)), "cancel routine");
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    __atomic_store_n(&irp->Cancel, TRUE, __ATOMIC_SEQ_CST);
    PDRIVER_CANCEL routine = IoSetCancelRoutine(irp, nullptr);
    if (routine == nullptr) {
        IoReleaseCancelSpinLock(irql);
        return FALSE;
    }
    irp->CancelIrql = irql;
    rtl::call_routine(routine, IoGetCurrentIrpStackLocation(irp)->DeviceObject, irp);
    return TRUE;
}

PIRP IoBuildDeviceIoControlRequest(ULONG code, PDEVICE_OBJECT device, PVOID input, ULONG input_length, PVOID output,
                                   ULONG output_length, BOOLEAN internal, PKEVENT event, PIO_STATUS_BLOCK iosb) {
    PIRP irp = allocate_packet(device->StackSize);
    if (irp == nullptr) return nullptr;
    IrpHead& head = head_of(irp);
    head.built = true;
    head.caller_event = event;
    irp->UserIosb = iosb;
    irp->RequestorMode = KernelMode;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.IoControlCode = code;
    next->Parameters.DeviceIoControl.InputBufferLength = input_length;
    next->Parameters.DeviceIoControl.OutputBufferLength = output_length;
    if (METHOD_FROM_CTL_CODE(code) == METHOD_NEITHER) {
        next->Parameters.DeviceIoControl.Type3InputBuffer = input;
        irp->UserBuffer = output;
        return irp;
    }
    const std::size_t size = std::max(input_length, output_length);
    if (size != 0) irp->AssociatedIrp.SystemBuffer = std::calloc(1, size);
    if (size != 0 && irp->AssociatedIrp.SystemBuffer == nullptr) {
        free_packet(irp);
        return nullptr;
    }
    if (input_length != 0) std::memcpy(irp->AssociatedIrp.SystemBuffer, input, input_length);
    if (METHOD_FROM_CTL_CODE(code) == METHOD_BUFFERED) {
        head.caller_output = output;
        head.caller_output_length = output_length;
    } else if (output_length != 0) {
        IoAllocateMdl(output, output_length, FALSE, FALSE, irp);
        if (irp->MdlAddress != nullptr) MmBuildMdlForNonPagedPool(irp->MdlAddress);
    }
    return irp;
}

}  // extern "C"
