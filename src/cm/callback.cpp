// An operation's way down (pre) and up (post) through the callbacks.
#include "cm/callback.h"

#include <algorithm>

#include "cm/callback_classes.h"
#include "cm/callback_registry.h"

namespace regent::cm::filter {
namespace {

void* context_of(void* object, Ticket ticket) {
    if (context_count.load(std::memory_order_acquire) == 0) return nullptr;
    return ContextStore::find(object, ticket);
}

}  // namespace

// Fills seen() with the tickets that this operation is for, highest first; returns their number.
std::size_t Operation::copy_call_order(Ticket running) {
    std::size_t count = 0;
    for (;;) {
        const std::uint32_t version = call_order.version();
        if (version % 2 != 0) continue;
        count = call_order.count();
        if (count > inline_callbacks && !many_) many_ = std::make_unique_for_overwrite<Seen[]>(max_registrations);
        Seen* entries = seen();
        for (std::size_t i = 0; i < count; ++i) entries[i].ticket = call_order.at(i);
        if (call_order.unchanged(version)) break;
    }
    if (running == 0) return count;

    // A call made by a callback goes to those below it alone (R32).
    Seen* entries = seen();
    Seen* below = std::find_if(entries, entries + count, [&](const Seen& entry) { return entry.ticket == running; });
    if (below == entries + count) return 0;
    return static_cast<std::size_t>(std::copy(below + 1, entries + count, entries) - entries);
}

bool Operation::pre() {
    ThreadRecord& thread = this_thread();
    const std::size_t count = copy_call_order(thread.running);
    if (count == 0) return true;
    const ClassLayout& layout = class_layouts[class_];
    void*& call_context = field_at(information_, layout.call_context);
    Seen* entries = seen();
    const RunningOperation running(thread, *this);
    for (std::size_t i = 0; i < count; ++i) {
        const Ticket ticket = entries[i].ticket;
        const Stay stay(thread, ticket);
        if (!stay) continue;
        const Registration& registration = *stay;
        call_context = nullptr;
        field_at(information_, layout.object_context) = context_of(object_, ticket);
        NTSTATUS answer;
        if (registration.plain) [[likely]] {
            answer = registration.call(class_, information_);
        } else {
            const std::optional<NTSTATUS> told = special_pre(registration);
            if (!told) continue;
            answer = *told;
        }
        if (class_ == RegNtPreKeyHandleClose) report_resurrection(registration);
        // A close cannot be refused: whatever they answer, all see it (R29).
        if (!NT_SUCCESS(answer) && class_ != RegNtPreKeyHandleClose) {
            stopped_ = true;
            bypassed_ = answer == STATUS_CALLBACK_BYPASS && registration.profile >= Profile::vista;
            status_ = bypassed_ ? STATUS_SUCCESS : answer;
            return false;
        }
        entries[seen_count_++] = {ticket, call_context};
    }
    return true;
}

// What a post of create or open did to the object. The documented gestures (R26, R27): on success to failure the
// callback drops the reference and sets Object to null; on failure to success it puts an object with a reference into
// Object.
NTSTATUS Operation::override_result(NTSTATUS status, REG_POST_OPERATION_INFORMATION& info) {
    void** const slot = static_cast<REG_CREATE_KEY_INFORMATION*>(information_)->ResultObject;
    const NTSTATUS answer = info.ReturnStatus;
    if (!NT_SUCCESS(answer)) {
        if (NT_SUCCESS(status) && info.Object == nullptr) result_ = nullptr;
        return answer;
    }
    void* object = info.Object;
    if (object == nullptr && !NT_SUCCESS(status) && slot != nullptr) object = *slot;
    if (object == nullptr) return status;  // success without an object is nothing to hand to the caller: not taken
    result_ = object;
    return answer;
}

NTSTATUS Operation::finish(NTSTATUS status, void* object, bool creates) {
    if (creates) {
        RG_ASSERT(creates_object(class_));
        result_ = object;
        // A bypass promised an object and left none.
        if (NT_SUCCESS(status) && object == nullptr) status = STATUS_UNSUCCESSFUL;
    }
    if (seen_count_ == 0) return status;
    const ClassLayout& layout = class_layouts[class_];
    ThreadRecord& thread = this_thread();
    const RunningOperation running(thread, *this);
    for (std::size_t i = seen_count_; i-- > 0;) {
        const Seen& entry = seen()[i];
        const Stay stay(thread, entry.ticket);
        if (!stay) continue;  // unregistered in between: its post is dropped (R15)
        const Registration& registration = *stay;
        REG_POST_OPERATION_INFORMATION info;
        info.Object = !creates ? object : NT_SUCCESS(status) ? result_ : nullptr;
        info.Status = status;
        info.PreInformation = information_;
        info.ReturnStatus = status;
        info.CallContext = entry.call_context;
        info.ObjectContext = info.Object != nullptr ? context_of(info.Object, entry.ticket) : nullptr;
        info.Reserved = nullptr;
        field_at(information_, layout.call_context) = entry.call_context;
        field_at(information_, layout.object_context) =
            creates ? context_of(object_, entry.ticket) : info.ObjectContext;
        NTSTATUS answer;
        if (registration.plain) [[likely]] {
            answer = registration.call(layout.post, &info);
        } else {
            answer = special_post(registration, info).value_or(STATUS_SUCCESS);
        }
        if (class_ == RegNtPreKeyHandleClose) {
            report_resurrection(registration);
        } else if (answer == STATUS_CALLBACK_BYPASS) {  // then ReturnStatus counts (R24)
            status = creates ? override_result(status, info) : info.ReturnStatus;
        }
    }
    return status;
}

// The object had no references left when its close began (R41).
void Operation::report_resurrection(const Registration& registration) {
    const KeyObjectHooks& hooks = key_object_hooks();
    if (resurrected_ || hooks.referenced_again == nullptr || !hooks.referenced_again(object_)) return;
    resurrected_ = true;
    report_driver_fault(ex::verifier::rules::object_resurrected,
                        "a registry callback referenced a key object that is being closed", registration);
}

void close_key_object(void* object, ObjectContexts& contexts, void (*close)(void* object)) {
    if (!any_registered() && contexts.never_used()) return close(object);
    REG_KEY_HANDLE_CLOSE_INFORMATION info{};
    info.Object = object;
    Operation operation(RegNtPreKeyHandleClose, object, &info);
    (void)operation.pre();
    ContextStore::clean_object(object, contexts);
    close(object);
    (void)operation.post(STATUS_SUCCESS);
}

}  // namespace regent::cm::filter
