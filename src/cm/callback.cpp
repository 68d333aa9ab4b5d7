// An operation's way down (pre) and up (post) through the callbacks.
#include "cm/callback.h"

#include <algorithm>

#include "cm/callback_registry.h"

namespace regent::cm::filter {
namespace {

struct ClassLayout {
    std::uint16_t call_context;
    std::uint16_t object_context;
    REG_NOTIFY_CLASS post;
};

// Where each pre structure has its two per-callback fields. The two classes of XP have none; they are not sent (R43).
constexpr std::array<ClassLayout, MaxRegNtNotifyClass> make_layouts() {
    std::array<ClassLayout, MaxRegNtNotifyClass> layouts{};
#define RG_CLASS(pre, post, type, context) layouts[pre] = {offsetof(type, CallContext), offsetof(type, context), post}
    RG_CLASS(RegNtPreDeleteKey, RegNtPostDeleteKey, REG_DELETE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreSetValueKey, RegNtPostSetValueKey, REG_SET_VALUE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreDeleteValueKey, RegNtPostDeleteValueKey, REG_DELETE_VALUE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreSetInformationKey, RegNtPostSetInformationKey, REG_SET_INFORMATION_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreRenameKey, RegNtPostRenameKey, REG_RENAME_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreEnumerateKey, RegNtPostEnumerateKey, REG_ENUMERATE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreEnumerateValueKey, RegNtPostEnumerateValueKey, REG_ENUMERATE_VALUE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreQueryKey, RegNtPostQueryKey, REG_QUERY_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreQueryValueKey, RegNtPostQueryValueKey, REG_QUERY_VALUE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreQueryMultipleValueKey, RegNtPostQueryMultipleValueKey, REG_QUERY_MULTIPLE_VALUE_KEY_INFORMATION,
             ObjectContext);
    RG_CLASS(RegNtPreKeyHandleClose, RegNtPostKeyHandleClose, REG_KEY_HANDLE_CLOSE_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreCreateKeyEx, RegNtPostCreateKeyEx, REG_CREATE_KEY_INFORMATION, RootObjectContext);
    RG_CLASS(RegNtPreOpenKeyEx, RegNtPostOpenKeyEx, REG_OPEN_KEY_INFORMATION, RootObjectContext);
    RG_CLASS(RegNtPreFlushKey, RegNtPostFlushKey, REG_FLUSH_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreLoadKey, RegNtPostLoadKey, REG_LOAD_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreUnLoadKey, RegNtPostUnLoadKey, REG_UNLOAD_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreQueryKeySecurity, RegNtPostQueryKeySecurity, REG_QUERY_KEY_SECURITY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreSetKeySecurity, RegNtPostSetKeySecurity, REG_SET_KEY_SECURITY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreRestoreKey, RegNtPostRestoreKey, REG_RESTORE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreSaveKey, RegNtPostSaveKey, REG_SAVE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreReplaceKey, RegNtPostReplaceKey, REG_REPLACE_KEY_INFORMATION, ObjectContext);
    RG_CLASS(RegNtPreQueryKeyName, RegNtPostQueryKeyName, REG_QUERY_KEY_NAME, ObjectContext);
    RG_CLASS(RegNtPreSaveMergedKey, RegNtPostSaveMergedKey, REG_SAVE_MERGED_KEY_INFORMATION, ObjectContext);
#undef RG_CLASS
    return layouts;
}
constexpr auto layouts = make_layouts();

void*& field(void* information, std::uint16_t offset) {
    return *reinterpret_cast<void**>(static_cast<std::byte*>(information) + offset);
}

void* context_of(void* object, Ticket ticket) {
    if (context_count.load(std::memory_order_acquire) == 0) return nullptr;
    return ContextStore::find(object, ticket);
}

bool creates_object(REG_NOTIFY_CLASS pre_class) {
    return pre_class == RegNtPreCreateKeyEx || pre_class == RegNtPreOpenKeyEx;
}

}  // namespace

// Fills seen() with the tickets that this operation is for, highest first; returns their number.
std::size_t Operation::copy_call_order() {
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
    const Ticket running = this_thread().running;
    if (running == 0) return count;

    // A call made by a callback goes to those below it alone (R32).
    Seen* entries = seen();
    Seen* below = std::find_if(entries, entries + count, [&](const Seen& entry) { return entry.ticket == running; });
    if (below == entries + count) return 0;
    return static_cast<std::size_t>(std::copy(below + 1, entries + count, entries) - entries);
}

bool Operation::pre() {
    const std::size_t count = copy_call_order();
    if (count == 0) return true;
    const ClassLayout& layout = layouts[class_];
    Seen* entries = seen();
    ThreadRecord& thread = this_thread();
    for (std::size_t i = 0; i < count; ++i) {
        const Ticket ticket = entries[i].ticket;
        Stay stay(thread, ticket);
        if (!stay) continue;
        field(information_, layout.call_context) = nullptr;
        field(information_, layout.object_context) = context_of(object_, ticket);
        const NTSTATUS answer = stay.call(class_, information_);
        // A close cannot be refused: whatever they answer, all see it (R29).
        if (!NT_SUCCESS(answer) && class_ != RegNtPreKeyHandleClose) {
            bypassed_ = answer == STATUS_CALLBACK_BYPASS;
            status_ = bypassed_ ? STATUS_SUCCESS : answer;
            return false;
        }
        entries[seen_count_++] = {ticket, field(information_, layout.call_context)};
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
    const ClassLayout& layout = layouts[class_];
    ThreadRecord* thread = seen_count_ != 0 ? &this_thread() : nullptr;
    for (std::size_t i = seen_count_; i-- > 0;) {
        const Seen& entry = seen()[i];
        Stay stay(*thread, entry.ticket);
        if (!stay) continue;  // unregistered in between: its post is dropped (R15)
        REG_POST_OPERATION_INFORMATION info;
        info.Object = !creates ? object : NT_SUCCESS(status) ? result_ : nullptr;
        info.Status = status;
        info.PreInformation = information_;
        info.ReturnStatus = status;
        info.CallContext = entry.call_context;
        info.ObjectContext = info.Object != nullptr ? context_of(info.Object, entry.ticket) : nullptr;
        info.Reserved = nullptr;
        field(information_, layout.call_context) = entry.call_context;
        field(information_, layout.object_context) = creates ? context_of(object_, entry.ticket) : info.ObjectContext;
        if (stay.call(layout.post, &info) != STATUS_CALLBACK_BYPASS) continue;  // then ReturnStatus counts (R24)
        if (class_ == RegNtPreKeyHandleClose) continue;
        status = creates ? override_result(status, info) : info.ReturnStatus;
    }
    return status;
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
