// Request packets and the requests of callers behind them. Inside this floor only.
//
//   [IrpHead][IRP][IO_STACK_LOCATION x StackCount]      one block; a driver holds the address in the middle
//
// A packet made for a caller has a Request. The block and the Request live until the dispatch routine has returned AND
// the packet was completed, whichever is last, and as long as a canceller looks at them.
#pragma once

#include <atomic>
#include <memory>

#include "io/file.h"
#include "io/io_state.h"

namespace regent::io {

struct Request;

struct alignas(16) IrpHead {
    Request* request = nullptr;      // null: the packet is a driver's own
    PKEVENT caller_event = nullptr;  // IoBuildDeviceIoControlRequest: signaled at the end
    void* caller_output = nullptr;
    ULONG caller_output_length = 0;
    bool built = false;  // made by IoBuildDeviceIoControlRequest: the host frees it
};
inline IrpHead& head_of(IRP* irp) { return *(reinterpret_cast<IrpHead*>(irp) - 1); }

// A packet with its stack locations, zeroed; null: no memory.
IRP* allocate_packet(CCHAR stack_size);
void free_packet(IRP* irp);

// What a caller asked of a device, from the first dispatch call to the completion.
// Invariants: 1. listed by its thread from start() until it completes. 2. `sink` and event are told once, after the
// output is in place.
struct Request {
    IRP* irp = nullptr;
    DEVICE_OBJECT* device = nullptr;
    ob::ObjectRef<FILE_OBJECT> file;
    ob::ObjectRef<void> event;  // body: KEVENT
    std::unique_ptr<CompletionSink> sink;
    MutableBytes output;  // buffered: where Information bytes of the system buffer go
    std::unique_ptr<std::byte[]> system_buffer;
    ob::Thread* thread = nullptr;
    bool listed = false;
    std::atomic<bool> completed{false};
    NTSTATUS status = STATUS_PENDING;
    ULONG_PTR information = 0;
    KEVENT done;
    std::atomic<int> references{2};  // the dispatching thread's and the packet's

    ~Request();
};
void release(Request* request);

// A request with a packet for the device's stack; `major` and the file are in the first stack location.
// ERRORS: INSUFFICIENT_RESOURCES.
Result<Request*> make_request(DEVICE_OBJECT* device, FILE_OBJECT* file, UCHAR major);
IO_STACK_LOCATION& first_location(Request& request);

struct Outcome {
    NTSTATUS status;
    ULONG_PTR information;
};
// Sends it down, takes over the caller's reference. `wait`: returns when it is over, with its final status.
Outcome submit(Request* request, bool wait);

// create, cleanup, close and the like: no caller buffers, always waited for.
Outcome submit_simple(DEVICE_OBJECT* device, FILE_OBJECT* file, UCHAR major);

// Cancels what matches and, when asked to, waits until it is over.
void cancel_requests(ob::Thread* thread, const FILE_OBJECT* file, bool wait);

// IRP::Cancel, which another thread may set at any time.
inline bool is_cancelled(const IRP& irp) { return __atomic_load_n(&irp.Cancel, __ATOMIC_SEQ_CST) != 0; }

}  // namespace regent::io
