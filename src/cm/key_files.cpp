// What a key's hive does with files: flush and save. And the notifier's verbs, which need nothing but the key.
#include "cm/key_lock.h"
#include "hive/hive_save.h"

namespace regent::cm {

Result<void> flush_key(KeyBody& body) {
    {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
    }
    return body.block().hive().flush();
}

// The hive's lock is taken for short steps, and not for the syncs: a save keeps nobody waiting for long.
Result<void> save_key(const KeyBody& body, rtl::File& out, hive::Format format) {
    hive::HiveSave save(out, format);
    for (bool done = false; !done;) {
        const ReadKey key(body.block());
        RG_TRY(key.alive());
        if (body.block().hive().options().master) return fail(STATUS_ACCESS_DENIED);
        done = RG_TRY(save.step(key.storage(), key.cell()));
    }
    return save.finish();
}

Result<void> notify_change(KeyBody& body, ULONG filter, bool watch_tree, Ref<NotifyRequest> request) {
    return body.watch(filter, watch_tree, std::move(request));
}

bool cancel_notify(KeyBody& body, const NotifyRequest& request) { return body.cancel_watch(request); }

std::vector<Ref<NotifyRequest>> take_notifies_of(const ob::Thread& thread) {
    return notifier().take_requests_of(thread);
}

}  // namespace regent::cm
