// Registry callbacks: who is registered, in which order they are called, and what each may see and change.
//
// A service that is about to act on a key does, holding no cm lock:
//
//     if (!filter::any_registered()) return cm::set_value(key, name, type, data);
//     REG_SET_VALUE_KEY_INFORMATION info{...captured arguments...};
//     filter::Operation operation(RegNtPreSetValueKey, key_body, &info);
//     return operation.run([&] { return cm::set_value(key, name, type, data); });
//
// The engine knows keys only through KeyObjectHooks. Rule numbers (R19 ...) are those of docs/callbacks.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "ex/driver_image.h"
#include "rtl/status.h"
#include "rtl/utf16.h"
#include "wdk/regcallback.h"

namespace regent::ex {
class GuardedBuffer;
}

namespace regent::cm::filter {

struct ContextNode;
struct Registration;

// The Windows that a driver was written for, oldest first: which classes its callbacks are told of, how the structures
// end, and what counts of its answers (docs/callbacks.md, "Profiles").
enum class Profile : std::uint8_t { xp, server2003, vista, windows7 };
// "XP", "Server2003" (or "2003"), "Vista", "Windows7", in any case. Nothing for another word.
std::optional<Profile> profile_named(Utf16View name);
// What the registrations of a driver will be; a driver that is not named here has windows7.
void set_driver_profile(ex::DriverId driver, Profile profile);

// The callbacks' contexts of one key object: a member of KeyBody, first used by CmSetCallbackObjectContext.
// Invariants: (1) a node belongs to at most one registration; (2) each context set is cleaned exactly once, by the
// close of the object or by the unregistration, whichever claims it first. Internally synchronised by the engine.
class ObjectContexts {
public:
    ObjectContexts() = default;
    ObjectContexts(const ObjectContexts&) = delete;
    ObjectContexts& operator=(const ObjectContexts&) = delete;
    // REQUIRES: close_key_object() ran, or no context was ever set.
    ~ObjectContexts();
    bool never_used() const { return head_.load(std::memory_order_relaxed) == nullptr; }

private:
    friend struct ContextStore;
    std::atomic<ContextNode*> head_{nullptr};
    bool closed_ = false;
};

// What the engine asks of the floor's key objects; set once at start. `object` is what stands in a REG_* structure.
struct KeyObjectHooks {
    // Null when `object` is not a key object.
    ObjectContexts* (*contexts)(void* object) = nullptr;
    // The same for every object of one key, stable across rename.
    ULONG_PTR (*key_id)(void* object) = nullptr;
    // A name that lives as long as the object and may be stale after a rename; null when there is none.
    PCUNICODE_STRING (*cached_name)(void* object) = nullptr;
    // The name now.
    Result<Utf16> (*current_name)(void* object) = nullptr;
    // True when somebody holds a reference to an object that is being closed; null: never.
    bool (*referenced_again)(void* object) = nullptr;
    // The object of the transaction that a key object is part of; null when it is part of none.
    void* (*bound_transaction)(void* object) = nullptr;
};
void set_key_object_hooks(const KeyObjectHooks& hooks);

extern std::atomic<std::uint32_t> registration_count;
// The hook's whole cost while nobody listens. RG_NO_CALLBACKS builds without it, to measure that cost.
#if defined(RG_NO_CALLBACKS)
inline constexpr bool any_registered() { return false; }
#else
inline bool any_registered() { return registration_count.load(std::memory_order_relaxed) != 0; }
#endif

// For the host's own filters; drivers come through CmRegisterCallback(Ex). The altitude is a decimal string.
// ERRORS: INVALID_PARAMETER (altitude malformed), FLT_INSTANCE_ALTITUDE_COLLISION, INSUFFICIENT_RESOURCES.
Result<LARGE_INTEGER> register_callback(PEX_CALLBACK_FUNCTION function, Utf16View altitude, void* context,
                                        Profile profile = Profile::windows7);
// Waits until no thread runs the callback, hands back every context it still has on key objects, and only then returns.
// ERRORS: INVALID_PARAMETER (cookie unknown), POSSIBLE_DEADLOCK (called inside that callback: it stays registered).
Result<void> unregister_callback(LARGE_INTEGER cookie);

// For the driver host: takes away every registration whose function lies in the image, as unregister_callback does.
// Returns how many there were: a driver that left them behind.
std::size_t unregister_image(const void* start, std::size_t size);

// One service call on its way through the callbacks. Lives on the stack of the service; externally synchronised.
// Uses: pre(), then the operation if pre() is true, then post() exactly once with the outcome. run() does the three.
class Operation {
public:
    // `information` is the REG_* structure of `pre_class`; `object` its Object (RootObject for create and open).
    // Both must outlive the operation, as must the references that keep `object`.
    Operation(REG_NOTIFY_CLASS pre_class, void* object, void* information)
        : class_(pre_class), object_(object), information_(information) {}
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    // Calls the callbacks from the highest altitude down. False: do not perform the operation; blocked_status() says
    // what to hand to post(): the callback's error, or STATUS_SUCCESS after a bypass (outputs supplied by the driver).
    [[nodiscard]] bool pre();
    NTSTATUS blocked_status() const { return status_; }
    bool bypassed() const { return bypassed_; }

    // Calls those whose pre succeeded, lowest first. Returns the status for the caller, overridden or not.
    [[nodiscard]] NTSTATUS post(NTSTATUS status) { return finish(status, object_, false); }
    // The same for create and open: `result` is the key object made (or supplied by a bypass), null on failure, with
    // one reference that the operation now carries; afterwards post_object() carries it. A callback may have dropped
    // the object (null now) or supplied another: open a handle only when the status is a success and post_object() is
    // set.
    [[nodiscard]] NTSTATUS post(NTSTATUS status, void* result) { return finish(status, result, true); }
    void* post_object() const { return result_; }

    template <typename Body>
    NTSTATUS run(Body&& body) {
        return post(pre() ? std::forward<Body>(body)() : blocked_status());
    }

private:
    friend struct RunningOperation;
    friend bool is_captured_input(const volatile void* address, std::size_t size);
    using Ticket = std::uint64_t;
    struct Seen {
        Ticket ticket;
        void* call_context;
    };
    // What few operations need.
    struct Extra {
        Extra() = default;
        ~Extra();
        Extra(const Extra&) = delete;
        Extra& operator=(const Extra&) = delete;
        std::optional<Utf16> full_name;  // made for a callback of XP only
        UNICODE_STRING full_name_string;
        ex::GuardedBuffer* output = nullptr;  // for callbacks that the verifier watches
    };
    static constexpr std::size_t inline_callbacks = 8;

    Seen* seen() { return many_ ? many_.get() : few_; }
    [[gnu::visibility("hidden")]] std::size_t copy_call_order(Ticket running);
    // The calls of callbacks that are not plain ones (callback_verify.cpp). pre: nothing when it is not called.
    std::optional<NTSTATUS> special_pre(const Registration& registration);
    std::optional<NTSTATUS> special_post(const Registration& registration, REG_POST_OPERATION_INFORMATION& info);
    // For the callbacks of older profiles (callback_profile.cpp). pre: nothing when its Windows does not send this.
    std::optional<NTSTATUS> older_pre(const Registration& registration);
    std::optional<NTSTATUS> older_post(const Registration& registration, REG_POST_OPERATION_INFORMATION& info);
    NTSTATUS with_version_1_0(const Registration& registration, REG_NOTIFY_CLASS notify_class, void* information);
    PUNICODE_STRING complete_path();
    friend class GuardedOutput;
    Extra& extra() {
        if (!extra_) extra_ = std::make_unique<Extra>();
        return *extra_;
    }
    NTSTATUS finish(NTSTATUS status, void* object, bool creates);
    NTSTATUS override_result(NTSTATUS status, REG_POST_OPERATION_INFORMATION& info);
    void report_resurrection(const Registration& registration);

    REG_NOTIFY_CLASS class_;
    bool bypassed_ = false;
    bool stopped_ = false;      // a callback refused or bypassed the operation
    bool resurrected_ = false;  // a callback took a reference to the object that is being closed
    NTSTATUS status_ = STATUS_SUCCESS;
    void* object_;
    void* information_;
    void* result_ = nullptr;
    std::size_t seen_count_ = 0;  // callbacks whose pre succeeded: the first seen_count_ of seen()
    std::unique_ptr<Seen[]> many_;
    std::unique_ptr<Extra> extra_;
    Seen few_[inline_callbacks];  // left unset until copied: an empty operation must cost nothing
};

// True when a callback is running on this thread and the memory belongs to inputs that the service captured for it:
// a kernel address as drivers see it, which probes refuse (R61).
bool is_captured_input(const volatile void* address, std::size_t size);

// The last reference to a key object is gone: PreKeyHandleClose, context cleanups, `close`, PostKeyHandleClose (R39).
// Call it whether or not any_registered(); it is one load when nobody listens and no context was set.
void close_key_object(void* object, ObjectContexts& contexts, void (*close)(void* object));

}  // namespace regent::cm::filter
