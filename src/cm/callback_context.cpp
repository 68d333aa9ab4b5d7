// Object contexts: one per key object and callback, handed back exactly once.
#include <memory>

#include "cm/callback_registry.h"

namespace regent::cm::filter {

// Invariants: (1) owner is 0 when no context is set, and such a node may be taken for another owner; (2) nodes of an
// object are freed only with the object, so a reader may walk them without the lock; (3) a node is on its owner's list
// exactly while owner is not 0. Everything but the two atomics is under the context lock.
struct ContextNode {
    std::atomic<Ticket> owner{0};
    std::atomic<void*> context{nullptr};
    void* object = nullptr;
    bool cleaning = false;  // unregistration is telling the callback; the object must stay
    ContextNode* next_of_object = nullptr;
    ContextNode* next_of_owner = nullptr;
    ContextNode* previous_of_owner = nullptr;
};

constinit std::atomic<std::uint32_t> context_count{0};

namespace {

using ContextLock = Mutex<LockRank::leaf>;
ContextLock context_lock;
ConditionVariable context_changed;
KeyObjectHooks hooks;

void link_locked(Registration& registration, ContextNode& node) {
    node.previous_of_owner = nullptr;
    node.next_of_owner = registration.contexts;
    if (registration.contexts != nullptr) registration.contexts->previous_of_owner = &node;
    registration.contexts = &node;
    context_count.fetch_add(1, std::memory_order_release);
}

// Claims the node: after this nobody else cleans it. Returns the context that stood in it.
void* unlink_locked(Registration& registration, ContextNode& node) {
    if (node.previous_of_owner != nullptr) {
        node.previous_of_owner->next_of_owner = node.next_of_owner;
    } else {
        registration.contexts = node.next_of_owner;
    }
    if (node.next_of_owner != nullptr) node.next_of_owner->previous_of_owner = node.previous_of_owner;
    node.owner.store(0, std::memory_order_release);
    context_count.fetch_sub(1, std::memory_order_relaxed);
    return node.context.load(std::memory_order_relaxed);
}

// Delivered to whoever set the context, even when a lower callback's call closes the object: exactly once beats the
// altitude limit. Calls made by the cleanup go below both.
void deliver(Registration& registration, void* object, void* context) {
    if (context == nullptr) return;
    REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION info{object, context, nullptr};
    ThreadRecord& thread = this_thread();
    const Ticket own = registration.cookie.load(std::memory_order_relaxed);
    const Stay stay(thread, registration, call_order.lower_of(thread.running, own));
    (void)registration.call(RegNtCallbackObjectContextCleanup, &info);
}

}  // namespace

ObjectContexts::~ObjectContexts() {
    ContextNode* node = head_.load(std::memory_order_relaxed);
    while (node != nullptr) {
        RG_ASSERT(node->owner.load(std::memory_order_relaxed) == 0);
        const std::unique_ptr<ContextNode> doomed(node);
        node = node->next_of_object;
    }
}

void set_key_object_hooks(const KeyObjectHooks& new_hooks) { hooks = new_hooks; }
const KeyObjectHooks& key_object_hooks() { return hooks; }

void* ContextStore::find(void* object, Ticket ticket) {
    if (hooks.contexts == nullptr) return nullptr;
    const ObjectContexts* contexts = hooks.contexts(object);
    if (contexts == nullptr) return nullptr;
    for (ContextNode* node = contexts->head_.load(std::memory_order_acquire); node != nullptr;
         node = node->next_of_object) {
        if (node->owner.load(std::memory_order_acquire) == ticket) return node->context.load(std::memory_order_relaxed);
    }
    return nullptr;
}

NTSTATUS ContextStore::set(void* object, Ticket cookie, void* context, void** old) {
    ObjectContexts* contexts = hooks.contexts != nullptr && object != nullptr ? hooks.contexts(object) : nullptr;
    if (contexts == nullptr) return STATUS_INVALID_PARAMETER;
    auto fresh = std::make_unique<ContextNode>();
    ExclusiveGuard guard(context_lock);
    Registration& registration = registrations[slot_of(cookie)];
    if (registration.cookie.load(std::memory_order_relaxed) != cookie || !registration.takes_contexts ||
        contexts->closed_) {
        return STATUS_INVALID_PARAMETER;
    }
    ContextNode* unused = nullptr;
    ContextNode* const head = contexts->head_.load(std::memory_order_relaxed);
    for (ContextNode* node = head; node != nullptr; node = node->next_of_object) {
        const Ticket owner = node->owner.load(std::memory_order_relaxed);
        if (owner == cookie) {
            void* const previous = node->context.exchange(context, std::memory_order_acq_rel);
            if (old != nullptr) *old = previous;
            return STATUS_SUCCESS;
        }
        if (owner == 0 && !node->cleaning) unused = node;
    }
    ContextNode& node = unused != nullptr ? *unused : *fresh;
    node.object = object;
    node.context.store(context, std::memory_order_relaxed);
    node.owner.store(cookie, std::memory_order_release);
    link_locked(registration, node);
    if (unused == nullptr) {
        node.next_of_object = head;
        contexts->head_.store(fresh.release(), std::memory_order_release);
    }
    if (old != nullptr) *old = nullptr;
    return STATUS_SUCCESS;
}

void ContextStore::clean_object(void* object, ObjectContexts& contexts) {
    if (contexts.never_used()) return;
    context_lock.lock();
    contexts.closed_ = true;
    ContextNode* const head = contexts.head_.load(std::memory_order_relaxed);
    for (ContextNode* node = head; node != nullptr; node = node->next_of_object) {
        const Ticket owner = node->owner.load(std::memory_order_relaxed);
        if (owner == 0) continue;
        Registration& registration = registrations[slot_of(owner)];
        void* const context = unlink_locked(registration, *node);
        ++registration.cleanups_running;  // unregistration waits for this
        context_lock.unlock();
        deliver(registration, object, context);
        context_lock.lock();
        --registration.cleanups_running;
        context_changed.notify_all();
    }
    // An unregistration on another thread may be telling its callback about this object right now.
    context_changed.wait(context_lock, [&] {
        for (ContextNode* node = head; node != nullptr; node = node->next_of_object) {
            if (node->cleaning) return false;
        }
        return true;
    });
    context_lock.unlock();
}

void ContextStore::clean_registration(Registration& registration) {
    context_lock.lock();
    registration.takes_contexts = false;
    while (registration.contexts != nullptr) {
        ContextNode& node = *registration.contexts;
        void* const object = node.object;
        void* const context = unlink_locked(registration, node);
        node.cleaning = true;
        context_lock.unlock();
        deliver(registration, object, context);
        context_lock.lock();
        node.cleaning = false;
        context_changed.notify_all();
    }
    context_changed.wait(context_lock, [&] { return registration.cleanups_running == 0; });
    context_lock.unlock();
}

}  // namespace regent::cm::filter
