// The engine's inside: registrations, the order in which they are called, and the rundown that lets one be removed
// while other threads run it. Included by callback*.cpp only.
//
// Readers take no lock and write nothing that another thread writes:
//  - The call order is a table of tickets under a version number; an operation copies it and never looks again, so a
//    callback registered later gets no orphan post (R8) and posts go to exactly those that saw the pre.
//  - A ticket names a registration and its generation. Registrations live in fixed slots that are reused and never
//  freed,
//    so a stale ticket is harmless: entering with it fails.
//  - Entering a callback raises a counter of this thread alone. Unregistration makes the ticket stale, orders every
//    thread's memory (membarrier), and then waits until all threads' counters for the slot are zero.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "cm/callback.h"
#include "cm/callback_altitude.h"
#include "ex/call_driver.h"
#include "ex/verifier.h"
#include "rtl/lock.h"

namespace regent::cm::filter {

using Ticket = std::uint64_t;  // generation << 8 | slot; 0 is nobody's; it is also the cookie
inline constexpr std::size_t max_registrations = 256;
inline std::size_t slot_of(Ticket ticket) { return ticket % max_registrations; }

struct Registration {
    std::atomic<Ticket> ticket{0};  // 0 from the start of unregistration: nobody may enter any more
    std::atomic<Ticket> cookie{0};  // 0 only when unregistration is complete
    // Written while the slot is free, read by threads that are inside.
    PEX_CALLBACK_FUNCTION function = nullptr;
    void* context = nullptr;
    Profile profile = Profile::windows7;
    bool plain = true;          // of today's Windows, and not watched by the verifier
    ex::DriverId verified = 0;  // the driver, when it is watched
    ULONG budget_ms = 0;        // then: what a call may take
    // Under the registration lock. A legacy registration has no altitude and stands above all that have one (R7).
    bool legacy = false;
    Altitude altitude;
    // Under the context lock.
    bool takes_contexts = false;
    unsigned cleanups_running = 0;
    ContextNode* contexts = nullptr;

    // REQUIRES: a Stay. The whole register carries the class: some drivers declare the argument as the enumeration
    // (R16).
    NTSTATUS call(REG_NOTIFY_CLASS notify_class, void* information) const {
        return ex::call_driver("registry callback", function, context,
                               reinterpret_cast<PVOID>(static_cast<std::uintptr_t>(notify_class)), information);
    }
};
// Hidden: what every callout looks at is not reached through the table that the system's loader fills in.
[[gnu::visibility("hidden")]] extern std::array<Registration, max_registrations> registrations;

// What one thread is doing here. Only that thread writes it.
struct ThreadRecord {
    std::array<std::atomic<std::uint32_t>, max_registrations> inside{};  // callouts under way, by slot
    Ticket running = 0;                    // the callback whose code runs now: calls it makes go only below it (R32)
    const Operation* operation = nullptr;  // the innermost that is calling callbacks
    ThreadRecord* next = nullptr;          // all records, for ever
    ThreadRecord* next_free = nullptr;     // those whose thread has ended
};
ThreadRecord& make_thread_record();
extern constinit thread_local ThreadRecord* thread_record_pointer __attribute__((tls_model("initial-exec")));
inline ThreadRecord& this_thread() {
    ThreadRecord* record = thread_record_pointer;
    return record != nullptr ? *record : make_thread_record();
}

// True when membarrier makes a plain store enough to announce "inside".
[[gnu::visibility("hidden")]] extern bool membarrier_works;

inline void announce_inside(std::atomic<std::uint32_t>& inside, std::uint32_t count) {
#if !defined(__SANITIZE_THREAD__)  // the sanitizer cannot see what membarrier orders
    if (membarrier_works) {
        inside.store(count, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return;
    }
#endif
    inside.store(count, std::memory_order_seq_cst);
}

// A thread's stay in one callback: while it lasts the registration is not freed, and nested calls go below `limit`.
class Stay {
public:
    // Enters if the ticket is still good.
    Stay(ThreadRecord& thread, Ticket ticket)
        : thread_(thread), inside_(thread.inside[slot_of(ticket)]), outer_(thread.running) {
        announce_inside(inside_, inside_.load(std::memory_order_relaxed) + 1);
        const Registration& candidate = registrations[slot_of(ticket)];
        if (candidate.ticket.load(std::memory_order_seq_cst) == ticket) {
            registration_ = &candidate;
            thread.running = ticket;
        }
    }
    // Enters without asking, for a context cleanup: its claim already holds the registration.
    Stay(ThreadRecord& thread, Registration& registration, Ticket limit)
        : thread_(thread),
          inside_(thread.inside[static_cast<std::size_t>(&registration - registrations.data())]),
          outer_(thread.running),
          registration_(&registration) {
        announce_inside(inside_, inside_.load(std::memory_order_relaxed) + 1);
        thread.running = limit;
    }
    ~Stay() {
        thread_.running = outer_;
        inside_.store(inside_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    explicit operator bool() const { return registration_ != nullptr; }
    const Registration& operator*() const { return *registration_; }

private:
    ThreadRecord& thread_;
    std::atomic<std::uint32_t>& inside_;
    Ticket outer_;
    const Registration* registration_ = nullptr;
};

// The operation whose callbacks this thread calls now.
struct RunningOperation {
    RunningOperation(ThreadRecord& record, const Operation& operation) : thread(record), outer(record.operation) {
        thread.operation = &operation;
    }
    ~RunningOperation() { thread.operation = outer; }
    RunningOperation(const RunningOperation&) = delete;
    RunningOperation& operator=(const RunningOperation&) = delete;
    ThreadRecord& thread;
    const Operation* outer;
};

// The call order, highest first. Written under the registration lock, copied without one.
class CallOrder {
public:
    std::uint32_t version() const { return version_.load(std::memory_order_acquire); }
    std::size_t count() const { return count_.load(std::memory_order_acquire); }
    Ticket at(std::size_t index) const { return tickets_[index].load(std::memory_order_acquire); }
    // True when nothing moved since version() gave `version`.
    bool unchanged(std::uint32_t version) const { return version_.load(std::memory_order_relaxed) == version; }
    // The lower of two, either may be 0 (no limit). One that is no longer listed counts as highest.
    Ticket lower_of(Ticket a, Ticket b) const;
    void insert(std::size_t index, Ticket ticket);
    void remove(Ticket ticket);

private:
    void write(std::size_t count, const std::array<Ticket, max_registrations>& tickets);
    std::atomic<std::uint32_t> version_{0};  // odd while being written
    std::atomic<std::size_t> count_{0};
    std::array<std::atomic<Ticket>, max_registrations> tickets_{};
};
[[gnu::visibility("hidden")]] extern CallOrder call_order;

// Object contexts, one lock for all: setting and cleaning are rare, looking up takes no lock.
struct ContextStore {
    static void* find(void* object, Ticket ticket);
    static NTSTATUS set(void* object, Ticket cookie, void* context, void** old);
    static void clean_object(void* object, ObjectContexts& contexts);
    static void clean_registration(Registration& registration);
};
[[gnu::visibility("hidden")]] extern std::atomic<std::uint32_t> context_count;  // contexts now set anywhere
const KeyObjectHooks& key_object_hooks();

Result<LARGE_INTEGER> register_legacy(PEX_CALLBACK_FUNCTION function, void* context, Profile profile);
Profile profile_of_driver(ex::DriverId driver);
// Of the driver whose code the address is in.
Profile profile_of(const void* address);
bool cookie_is_valid(const LARGE_INTEGER* cookie);
// A driver did what it must not; said loudly because Windows would hang or crash here.
void report_driver_fault(const ex::verifier::Rule& rule, const char* text, const Registration& registration);

}  // namespace regent::cm::filter
