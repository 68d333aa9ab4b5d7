// NtNotifyChangeKey. The key's side is in cm/notify.h; here are the caller's event and status block.
#include "cm/notify.h"
#include "ex/dispatcher.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/thread.h"
#include "ob/namespace.h"
#include "rtl/io_status.h"
#include "wdk/wdm.h"

namespace regent::nt {
namespace {

// One waiting call: told once, it writes the status block, then sets the event. It keeps the key open (NO-10).
class NotifyCall final : public cm::NotifyRequest {
public:
    NotifyCall(cm::KeyRef key, ob::ObjectRef<KEVENT> event, PIO_STATUS_BLOCK block)
        : key_(std::move(key)), event_(std::move(event)), block_(block) {
        KeInitializeEvent(&done_, NotificationEvent, FALSE);
    }

    // The status block is gone, or may be.
    void forget_block() { block_ = nullptr; }
    void complete(NTSTATUS status) noexcept override {
        status_ = status;
        rtl::complete_io_status(block_, status, 0);
        if (event_) KeSetEvent(event_.get(), 0, FALSE);
        KeSetEvent(&done_, 0, FALSE);
        // The key holds this request no more; this request need not hold the key.
        key_ = nullptr;
    }
    // REQUIRES: `done` was signaled.
    NTSTATUS status() const { return status_; }
    KEVENT& done() { return done_; }

private:
    cm::KeyRef key_;
    ob::ObjectRef<KEVENT> event_;
    PIO_STATUS_BLOCK block_;
    KEVENT done_;
    NTSTATUS status_ = STATUS_PENDING;
};

void leave_blocks(ob::Thread& thread) { end_thread_notifications(thread, StatusBlocks::leave); }

// Blocks until the change, the close of the handle, or the end of the calling thread's client.
NTSTATUS wait_for(cm::KeyBody& key, NotifyCall& call, PIO_STATUS_BLOCK block) {
    DISPATCHER_HEADER* const headers[] = {&call.done().Header};
    for (;;) {
        const NTSTATUS waited = ex::wait(headers, WaitAny, true, nullptr, ob::current().previous_mode);
        if (waited == STATUS_WAIT_0) return call.status();
        if (!cm::cancel_notify(key, call)) continue;  // told in the same moment: the event is about to be set
        rtl::complete_io_status(block, waited, 0);
        return waited;
    }
}

}  // namespace

void end_thread_notifications(ob::Thread& thread, StatusBlocks blocks) {
    for (const auto& request : cm::take_notifies_of(thread)) {
        if (blocks == StatusBlocks::leave) static_cast<NotifyCall&>(*request).forget_block();
        request->complete(STATUS_NOTIFY_CLEANUP);
    }
}

void watch_thread_ends() { ob::set_thread_exit_hook(leave_blocks); }

namespace service {

// ERRORS, in this order: ACCESS_VIOLATION (status block), INVALID_PARAMETER (filter, buffer), NOT_SUPPORTED (an APC),
// the key handle's, the event handle's, HIVE_UNLOADED, KEY_DELETED. PENDING: the block and the event tell the outcome.
NTSTATUS NtNotifyChangeKey(HANDLE KeyHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID,
                           PIO_STATUS_BLOCK IoStatusBlock, ULONG CompletionFilter, BOOLEAN WatchTree, PVOID Buffer,
                           ULONG BufferSize, BOOLEAN Asynchronous) {
    if (IoStatusBlock == nullptr) return STATUS_ACCESS_VIOLATION;
    if ((CompletionFilter & ~static_cast<ULONG>(REG_LEGAL_CHANGE_FILTER)) != 0) return STATUS_INVALID_PARAMETER;
    if (Buffer != nullptr || BufferSize != 0) return STATUS_INVALID_PARAMETER;
    if (ApcRoutine != nullptr) return STATUS_NOT_SUPPORTED;
    const auto key = reference_key(KeyHandle, KEY_NOTIFY);
    if (!key) return key.error().code();
    ob::ObjectRef<KEVENT> event;
    if (Asynchronous != 0 && Event != nullptr) {
        auto found =
            ob::reference_as<KEVENT>(Event, EVENT_MODIFY_STATE, ob::types::event(), ob::current().previous_mode);
        if (!found) return found.error().code();
        event = std::move(*found);
        KeClearEvent(event.get());  // NO-3
    }
    const auto call = rtl::make_ref<NotifyCall>(*key, std::move(event), IoStatusBlock);
    if (Asynchronous != 0) {
        rtl::complete_io_status(IoStatusBlock, STATUS_PENDING, 0);
        if ((CompletionFilter & REG_NOTIFY_THREAD_AGNOSTIC) == 0) call->issuer = ob::current().thread;
    }
    const auto armed = cm::notify_change(**key, CompletionFilter, WatchTree != 0, call);
    if (!armed) return armed.error().code();
    return Asynchronous != 0 ? STATUS_PENDING : wait_for(**key, *call, IoStatusBlock);
}

}  // namespace service
}  // namespace regent::nt
