#include "cm/key_body.h"

#include <new>

#include "cm/key_lock.h"
#include "cm/registry.h"
#include "ob/namespace.h"

namespace regent::cm {

KeyBody::KeyBody(Ref<KeyControlBlock> block) : block_(std::move(block)) { block_->hive().key_opened(); }

KeyBody::KeyBody(Ref<KeyControlBlock> block, Ref<TransactionBinding> bound)
    : block_(std::move(block)), bound_(std::move(bound)) {
    block_->hive().key_opened();
}

KeyBody::~KeyBody() {
    end_watch();
    delete cached_name_.load(std::memory_order_acquire);
    if (!bound_) key_table().delay_close(*block_);
    end_opening(block_->hive());
}

void end_opening(MountedHive& hive) {
    hive.key_closed();
    // Counted before it is asked: who marks the hive counts afterwards, so one of the two sees the other.
    if (!hive.leaves_when_unused() || hive.open_keys() != 0) return;
    if (Registry* registry = running_registry()) registry->unload_unused(hive);
}

Result<void> KeyBody::watch(ULONG filter, bool watch_tree, Ref<NotifyRequest> request) {
    watched_.store(true, std::memory_order_release);
    return notifier().arm(notify_, *block_, filter, watch_tree, std::move(request));
}

bool KeyBody::cancel_watch(const NotifyRequest& request) { return notifier().cancel(notify_, request); }

void KeyBody::end_watch() {
    if (watched_.load(std::memory_order_acquire)) notifier().close(notify_);
}

PCUNICODE_STRING KeyBody::cached_name() {
    CachedName* known = cached_name_.load(std::memory_order_acquire);
    if (known != nullptr) return &known->string;
    auto fresh = std::unique_ptr<CachedName>(new (std::nothrow) CachedName);
    if (fresh == nullptr) return nullptr;
    fresh->text = block_->path();
    if (fresh->text.size() > 0x7FFF) return nullptr;
    fresh->string = rtl::unicode_string(fresh->text);
    if (cached_name_.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel)) {
        return &fresh.release()->string;
    }
    return &known->string;
}

KeyBody* key_body_of(void* object) {
    if (object == nullptr || &ob::type_of(object) != &key_type()) return nullptr;
    return static_cast<KeyBody*>(object);
}

std::size_t copy_key_path(const KeyBody& body, std::span<char16_t> out) { return body.block().copy_path(out); }

}  // namespace regent::cm
