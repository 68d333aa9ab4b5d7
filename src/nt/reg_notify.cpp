// NtNotifyChangeKey and NtNotifyChangeMultipleKeys. The keys' side is in cm/notify.h; here are the caller's event,
// status block and APC.
#include <atomic>

#include "cm/notify.h"
#include "ex/apc.h"
#include "ex/dispatcher.h"
#include "nt/apc.h"
#include "nt/reg_key.h"
#include "nt/service.h"
#include "nt/thread.h"
#include "ob/namespace.h"
#include "rtl/io_status.h"
#include "wdk/wdm.h"

namespace regent::nt {
namespace {

class NotifyCall;

// The second key of a call. It keeps that key open.
class SecondKey final : public cm::NotifyRequest {
public:
    SecondKey(cm::KeyRef key, Ref<NotifyCall> call) : key_(std::move(key)), call_(std::move(call)) {}
    void complete(NTSTATUS status) noexcept override;
    // REQUIRES: once, by whoever ended the call.
    void withdraw() {
        static_cast<void>(cm::cancel_notify(*key_, *this));
        key_ = nullptr;
    }

private:
    cm::KeyRef key_;
    const Ref<NotifyCall> call_;
};

// What a caller wants to run at the end: a user's APC, or a work item of the kernel's (NO-6).
struct Aftermath {
    std::unique_ptr<ex::UserApc> apc;
    Ref<ex::ApcQueue> queue;
    PWORK_QUEUE_ITEM item = nullptr;
    WORK_QUEUE_TYPE type = DelayedWorkQueue;

    void begin() {
        if (apc != nullptr) queue->queue(std::move(apc));
        if (item != nullptr) ExQueueWorkItem(std::exchange(item, nullptr), type);
    }
};

// One waiting call: whoever ends it first writes the status block, sets the event and queues what is to run. It keeps
// the key open (NO-10).
class NotifyCall final : public cm::NotifyRequest {
public:
    NotifyCall(cm::KeyRef key, ob::ObjectRef<KEVENT> event, PIO_STATUS_BLOCK block, Aftermath aftermath)
        : key_(std::move(key)), event_(std::move(event)), block_(block), aftermath_(std::move(aftermath)) {
        KeInitializeEvent(&done_, NotificationEvent, FALSE);
    }

    // REQUIRES: before anything is armed.
    void set_second(Ref<SecondKey> second) { second_ = std::move(second); }
    // The status block is gone, or may be, and with it the thread that an APC is for.
    void forget_block() {
        block_ = nullptr;
        aftermath_.apc = nullptr;
    }
    void complete(NTSTATUS status) noexcept override {
        if (over_.exchange(true)) return;
        status_ = status;
        rtl::complete_io_status(block_, status, 0);
        if (event_) KeSetEvent(event_.get(), 0, FALSE);
        aftermath_.begin();
        KeSetEvent(&done_, 0, FALSE);
        withdraw();
    }
    // Ends the call untold; false when somebody else has ended it.
    bool abandon() {
        if (over_.exchange(true)) return false;
        static_cast<void>(cm::cancel_notify(*key_, *this));
        withdraw();
        return true;
    }
    bool over() const { return over_; }
    // REQUIRES: `done` was signaled.
    NTSTATUS status() const { return status_; }
    KEVENT& done() { return done_; }

private:
    // The keys hold this call no more; it need not hold them.
    void withdraw() {
        const cm::KeyRef key = std::move(key_);
        if (!second_) return;
        const Ref<SecondKey> second = std::move(second_);
        static_cast<void>(cm::cancel_notify(*key, *this));
        second->withdraw();
    }

    cm::KeyRef key_;
    ob::ObjectRef<KEVENT> event_;
    Ref<SecondKey> second_;
    PIO_STATUS_BLOCK block_;
    Aftermath aftermath_;
    KEVENT done_;
    std::atomic<bool> over_{false};
    NTSTATUS status_ = STATUS_PENDING;
};

void SecondKey::complete(NTSTATUS status) noexcept { call_->complete(status); }

void leave_blocks(ob::Thread& thread) { end_thread_notifications(thread, StatusBlocks::leave); }

// Blocks until the change, the close of the handle, or the end of the calling thread's client.
NTSTATUS wait_for(NotifyCall& call, PIO_STATUS_BLOCK block) {
    DISPATCHER_HEADER* const headers[] = {&call.done().Header};
    for (;;) {
        const NTSTATUS waited = ex::wait(headers, WaitAny, true, nullptr, ob::current().previous_mode);
        if (waited == STATUS_WAIT_0) return call.status();
        if (!call.abandon()) continue;  // told in the same moment: the event is about to be set
        rtl::complete_io_status(block, waited, 0);
        return after_alertable_wait(waited);
    }
}

// The arguments of both services.
struct NotifyArguments {
    HANDLE key;
    HANDLE event;
    PIO_APC_ROUTINE apc;
    PVOID apc_context;
    PIO_STATUS_BLOCK block;
    ULONG filter;
    bool watch_tree;
    PVOID buffer;
    ULONG buffer_size;
    bool asynchronous;
};

// ERRORS, in this order: ACCESS_VIOLATION (status block), INVALID_PARAMETER (filter, buffer; a kernel caller's type of
// work queue, inferred).
NTSTATUS check(const NotifyArguments& arguments) {
    if (arguments.block == nullptr) return STATUS_ACCESS_VIOLATION;
    if ((arguments.filter & ~static_cast<ULONG>(REG_LEGAL_CHANGE_FILTER)) != 0) return STATUS_INVALID_PARAMETER;
    if (arguments.buffer != nullptr || arguments.buffer_size != 0) return STATUS_INVALID_PARAMETER;
    const bool item = arguments.apc != nullptr && ob::current().kernel();
    if (item && reinterpret_cast<std::uintptr_t>(arguments.apc_context) >= MaximumWorkQueue)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

// A call that blocks runs nothing at its end.
Aftermath aftermath_of(const NotifyArguments& arguments) {
    Aftermath aftermath;
    if (arguments.apc == nullptr || !arguments.asynchronous) return aftermath;
    if (ob::current().kernel()) {
        aftermath.item = reinterpret_cast<PWORK_QUEUE_ITEM>(arguments.apc);
        aftermath.type = static_cast<WORK_QUEUE_TYPE>(reinterpret_cast<std::uintptr_t>(arguments.apc_context));
        return aftermath;
    }
    aftermath.apc = make_io_apc(arguments.apc, arguments.apc_context, arguments.block);
    aftermath.queue = ex::current_apc_queue();
    return aftermath;
}

// Arms `call` on its key, and on the second one when there is one, and waits when the caller wants that.
NTSTATUS arm(const NotifyArguments& arguments, cm::KeyBody& key, const Ref<NotifyCall>& call,
             const cm::KeyRef& second) {
    if (arguments.asynchronous) {
        rtl::complete_io_status(arguments.block, STATUS_PENDING, 0);
        if ((arguments.filter & REG_NOTIFY_THREAD_AGNOSTIC) == 0) call->issuer = ob::current().thread;
    }
    if (second) {
        const auto leg = rtl::make_ref<SecondKey>(second, call);
        call->set_second(leg);
        const auto armed = cm::notify_change(*second, arguments.filter, arguments.watch_tree, leg);
        if (!armed) {
            call->abandon();
            return armed.error().code();
        }
    }
    const auto armed = cm::notify_change(key, arguments.filter, arguments.watch_tree, call);
    if (!armed) {
        call->abandon();
        return armed.error().code();
    }
    // The second key was quicker than we: take back what was armed after the end.
    if (call->over()) static_cast<void>(cm::cancel_notify(key, *call));
    return arguments.asynchronous ? STATUS_PENDING : wait_for(*call, arguments.block);
}

NTSTATUS notify(const NotifyArguments& arguments, const cm::KeyRef& key, cm::KeyRef second) {
    ob::ObjectRef<KEVENT> event;
    if (arguments.asynchronous && arguments.event != nullptr) {
        auto found = ob::reference_as<KEVENT>(arguments.event, EVENT_MODIFY_STATE, ob::types::event(),
                                              ob::current().previous_mode);
        if (!found) return found.error().code();
        event = std::move(*found);
        KeClearEvent(event.get());  // NO-3
    }
    return arm(arguments, *key,
               rtl::make_ref<NotifyCall>(key, std::move(event), arguments.block, aftermath_of(arguments)),
               std::move(second));
}

// The subordinate key of NtNotifyChangeMultipleKeys, opened for the caller. ERRORS: the attributes', the opening's,
// OBJECT_NAME_INVALID (in the master's hive, NT-10; before Windows 10 INVALID_PARAMETER).
Result<cm::KeyRef> open_subordinate(POBJECT_ATTRIBUTES attributes, const cm::KeyBody& master) {
    CapturedAttributes captured;
    RG_TRY(captured.capture(attributes, CapturedAttributes::Security::ignore));
    cm::OpenRequest request;
    request.root = captured.get().root;
    request.name = captured.get().name;
    request.attributes = captured.get().attributes;
    request.desired = KEY_NOTIFY;
    auto opened = cm::open_key(request);
    if (!opened) return std::unexpected(opened.error());
    if (&opened->body->block().hive() == &master.block().hive()) return fail(STATUS_OBJECT_NAME_INVALID);
    return std::move(opened->body);
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

// ERRORS, in this order: check's, the key handle's, the event handle's, HIVE_UNLOADED, KEY_DELETED. PENDING: the block
// and the event tell the outcome.
NTSTATUS NtNotifyChangeKey(HANDLE KeyHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                           PIO_STATUS_BLOCK IoStatusBlock, ULONG CompletionFilter, BOOLEAN WatchTree, PVOID Buffer,
                           ULONG BufferSize, BOOLEAN Asynchronous) {
    const NotifyArguments arguments{KeyHandle,        Event,          ApcRoutine, ApcContext, IoStatusBlock,
                                    CompletionFilter, WatchTree != 0, Buffer,     BufferSize, Asynchronous != 0};
    if (const NTSTATUS wrong = check(arguments); wrong != STATUS_SUCCESS) return wrong;
    const auto key = reference_key(KeyHandle, KEY_NOTIFY);
    if (!key) return key.error().code();
    return notify(arguments, *key, nullptr);
}

// One key, or one and a second in another hive: the first change of either ends the wait of both. ERRORS, in this
// order: INVALID_PARAMETER (count; a context without an APC that could get it), check's, the master handle's, the
// subordinate's, then as NtNotifyChangeKey.
NTSTATUS NtNotifyChangeMultipleKeys(HANDLE MasterKeyHandle, ULONG Count, POBJECT_ATTRIBUTES SubordinateObjects,
                                    HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                    PIO_STATUS_BLOCK IoStatusBlock, ULONG CompletionFilter, BOOLEAN WatchTree,
                                    PVOID Buffer, ULONG BufferSize, BOOLEAN Asynchronous) {
    if (Count > 1) return STATUS_INVALID_PARAMETER;
    if (ApcContext != nullptr && (Asynchronous == 0 || Event != nullptr)) return STATUS_INVALID_PARAMETER;
    const NotifyArguments arguments{MasterKeyHandle,  Event,          ApcRoutine, ApcContext, IoStatusBlock,
                                    CompletionFilter, WatchTree != 0, Buffer,     BufferSize, Asynchronous != 0};
    if (const NTSTATUS wrong = check(arguments); wrong != STATUS_SUCCESS) return wrong;
    const auto key = reference_key(MasterKeyHandle, KEY_NOTIFY);
    if (!key) return key.error().code();
    if (Count == 0) return notify(arguments, *key, nullptr);
    auto second = open_subordinate(SubordinateObjects, **key);
    if (!second) return second.error().code();
    return notify(arguments, *key, std::move(*second));
}

}  // namespace service
}  // namespace regent::nt
