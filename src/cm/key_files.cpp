// What a key's hive does with files: flush and save. And the notifier's verbs, which need nothing but the key.
#include "cm/key_lock.h"

namespace regent::cm {

Result<void> flush_key(KeyBody& body) {
    {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
    }
    return body.block().hive().flush();
}

Result<void> save_key(const KeyBody& body, rtl::File& out, hive::Format format) {
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    if (body.block().hive().options().master) return fail(STATUS_ACCESS_DENIED);
    return key.storage().save_subtree(key.cell(), out, format);
}

Result<void> notify_change(KeyBody& body, ULONG filter, bool watch_tree, Ref<NotifyRequest> request) {
    return body.watch(filter, watch_tree, std::move(request));
}

bool cancel_notify(KeyBody& body, const NotifyRequest& request) { return body.cancel_watch(request); }

std::vector<Ref<NotifyRequest>> take_notifies_of(const ob::Thread& thread) {
    return notifier().take_requests_of(thread);
}

}  // namespace regent::cm
