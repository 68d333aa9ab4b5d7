// Registration, unregistration and the per-thread records. See callback_registry.h for the protocol.
#include "cm/callback_registry.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "ex/bugcheck.h"
#include "ex/call_driver.h"
#include "ex/driver_image.h"

namespace regent::cm::filter {

constinit std::array<Registration, max_registrations> registrations{};
constinit CallOrder call_order;
constinit std::atomic<std::uint32_t> registration_count{0};
constinit bool membarrier_works = false;
constinit thread_local ThreadRecord* thread_record_pointer = nullptr;

namespace {

using RegistrationLock = Mutex<LockRank::filter_list>;
RegistrationLock registration_lock;
Ticket last_generation RG_GUARDED_BY(registration_lock) = 0;
bool started RG_GUARDED_BY(registration_lock) = false;

// Records outlive their threads on a free list: unregistration may be reading one while its thread ends.
using RecordLock = Mutex<LockRank::leaf>;
RecordLock record_lock;
ThreadRecord* all_records RG_GUARDED_BY(record_lock) = nullptr;
ThreadRecord* free_records RG_GUARDED_BY(record_lock) = nullptr;

void retire_thread_record(void* pointer) {
    thread_record_pointer = nullptr;
    auto* record = static_cast<ThreadRecord*>(pointer);
    ExclusiveGuard guard(record_lock);
    record->next_free = free_records;
    free_records = record;
}

// A pthread key, not a thread_local destructor: it runs after all of those, which may still close keys.
pthread_key_t record_key() {
    static const pthread_key_t key = [] {
        pthread_key_t made;
        RG_ASSERT(pthread_key_create(&made, retire_thread_record) == 0);
        return made;
    }();
    return key;
}

void start_locked() RG_REQUIRES(registration_lock) {
    if (started) return;
    started = true;
    membarrier_works = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void order_all_threads() {
    if (membarrier_works) syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

bool anyone_inside(std::size_t slot) {
    ExclusiveGuard guard(record_lock);
    for (const ThreadRecord* record = all_records; record != nullptr; record = record->next) {
        if (record->inside[slot].load(std::memory_order_seq_cst) != 0) return true;
    }
    return false;
}

// Callbacks may take arbitrarily long and readers must not pay for a wake-up, so this polls.
void wait_until_outside(std::size_t slot) {
    for (int round = 0; anyone_inside(slot); ++round) {
        if (round < 100) {
            sched_yield();
        } else {
            const timespec pause{0, 100'000};
            nanosleep(&pause, nullptr);  // style: allow, see above
        }
    }
}

Registration* free_slot_locked() RG_REQUIRES(registration_lock) {
    for (Registration& registration : registrations) {
        if (registration.cookie.load(std::memory_order_relaxed) == 0) return &registration;
    }
    return nullptr;
}

// Legacy registrations stand first, in the order of their calls; then altitudes, highest first (R7, R19).
Result<std::size_t> place_for(const Altitude* altitude) {
    std::size_t index = 0;
    for (; index < call_order.count(); ++index) {
        const Registration& other = registrations[slot_of(call_order.at(index))];
        if (other.legacy) continue;
        if (altitude == nullptr) break;
        if (other.altitude == *altitude) return fail(STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
        if (other.altitude < *altitude) break;
    }
    return index;
}

Result<LARGE_INTEGER> insert(PEX_CALLBACK_FUNCTION function, const Altitude* altitude, void* context, Profile profile) {
    ExclusiveGuard guard(registration_lock);
    start_locked();
    const std::size_t index = RG_TRY(place_for(altitude));
    Registration* registration = free_slot_locked();
    if (registration == nullptr) return fail(STATUS_INSUFFICIENT_RESOURCES);

    const auto slot = static_cast<std::size_t>(registration - registrations.data());
    const Ticket ticket = ++last_generation * max_registrations + slot;
    registration->function = function;
    registration->context = context;
    registration->profile = profile;
    const ex::DriverId driver = ex::driver_of(reinterpret_cast<const void*>(function));
    registration->verified = ex::is_verified(driver) ? driver : 0;
    registration->budget_ms = registration->verified != 0 ? ex::verifier::callback_budget(driver) : 0;
    registration->plain = profile == Profile::windows7 && registration->verified == 0;
    registration->legacy = altitude == nullptr;
    registration->altitude = altitude != nullptr ? *altitude : Altitude();
    registration->takes_contexts = true;
    registration->cookie.store(ticket, std::memory_order_seq_cst);
    registration->ticket.store(ticket, std::memory_order_seq_cst);
    call_order.insert(index, ticket);
    registration_count.fetch_add(1, std::memory_order_seq_cst);
    LARGE_INTEGER cookie;
    cookie.QuadPart = static_cast<LONGLONG>(ticket);
    return cookie;
}

}  // namespace

ThreadRecord& make_thread_record() {
    ThreadRecord* record = nullptr;
    {
        ExclusiveGuard guard(record_lock);
        record = free_records;
        if (record != nullptr) free_records = record->next_free;
    }
    if (record == nullptr) {
        record = std::make_unique<ThreadRecord>().release();
        ExclusiveGuard guard(record_lock);
        record->next = all_records;
        all_records = record;
    }
    pthread_setspecific(record_key(), record);
    thread_record_pointer = record;
    return *record;
}

void CallOrder::write(std::size_t count, const std::array<Ticket, max_registrations>& tickets) {
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    count_.store(count, std::memory_order_release);
    for (std::size_t i = 0; i < count; ++i) tickets_[i].store(tickets[i], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
}

void CallOrder::insert(std::size_t index, Ticket ticket) {
    std::array<Ticket, max_registrations> tickets{};
    const std::size_t count = this->count();
    for (std::size_t i = 0; i < count; ++i) tickets[i < index ? i : i + 1] = at(i);
    tickets[index] = ticket;
    write(count + 1, tickets);
}

void CallOrder::remove(Ticket ticket) {
    std::array<Ticket, max_registrations> tickets{};
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count(); ++i) {
        if (at(i) != ticket) tickets[kept++] = at(i);
    }
    write(kept, tickets);
}

Ticket CallOrder::lower_of(Ticket a, Ticket b) const {
    for (;;) {
        const std::uint32_t version = this->version();
        Ticket lowest = a != 0 ? a : b;
        const std::size_t count = this->count();
        for (std::size_t i = 0; i < count; ++i) {
            if (at(i) == a || at(i) == b) lowest = at(i);
        }
        if (version % 2 == 0 && unchanged(version)) return lowest;
    }
}

Result<LARGE_INTEGER> register_callback(PEX_CALLBACK_FUNCTION function, Utf16View altitude, void* context,
                                        Profile profile) {
    if (function == nullptr) return fail(STATUS_INVALID_PARAMETER);
    const Altitude parsed = RG_TRY(Altitude::parse(altitude));
    return insert(function, &parsed, context, profile);
}

Result<LARGE_INTEGER> register_legacy(PEX_CALLBACK_FUNCTION function, void* context, Profile profile) {
    if (function == nullptr) return fail(STATUS_INVALID_PARAMETER);
    return insert(function, nullptr, context, profile);
}

Result<void> unregister_callback(LARGE_INTEGER cookie) {
    const Ticket ticket = static_cast<Ticket>(cookie.QuadPart);
    const std::size_t slot = slot_of(ticket);
    Registration& registration = registrations[slot];
    {
        ExclusiveGuard guard(registration_lock);
        if (ticket == 0 || registration.ticket.load(std::memory_order_relaxed) != ticket) {
            return fail(STATUS_INVALID_PARAMETER);
        }
        // Windows waits here for itself, forever (R11). We say so and leave the callback registered.
        if (this_thread().inside[slot].load(std::memory_order_relaxed) != 0) {
            report_driver_fault(ex::verifier::rules::callback_unregisters_itself,
                                "CmUnRegisterCallback called from inside the callback that it would remove",
                                registration);
            return fail(STATUS_POSSIBLE_DEADLOCK);
        }
        registration.ticket.store(0, std::memory_order_seq_cst);
    }
    order_all_threads();
    wait_until_outside(slot);
    ContextStore::clean_registration(registration);

    // It stays in the call order until here, so that a callback which calls the registry meanwhile knows its place.
    ExclusiveGuard guard(registration_lock);
    call_order.remove(ticket);
    registration_count.fetch_sub(1, std::memory_order_seq_cst);
    registration.cookie.store(0, std::memory_order_seq_cst);
    return {};
}

std::size_t unregister_image(const void* start, std::size_t size) {
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    std::array<Ticket, max_registrations> tickets{};
    std::size_t found = 0;
    {
        ExclusiveGuard guard(registration_lock);
        for (const Registration& registration : registrations) {
            const auto function = reinterpret_cast<std::uintptr_t>(registration.function);
            const Ticket ticket = registration.ticket.load(std::memory_order_relaxed);
            if (ticket != 0 && function >= first && function - first < size) tickets[found++] = ticket;
        }
    }
    std::size_t removed = 0;
    for (std::size_t i = 0; i < found; ++i) {
        LARGE_INTEGER cookie;
        cookie.QuadPart = static_cast<LONGLONG>(tickets[i]);
        if (unregister_callback(cookie)) ++removed;
    }
    return removed;
}

void report_driver_fault(const ex::verifier::Rule& rule, const char* text, const Registration& registration) {
    const auto* const routine = reinterpret_cast<const void*>(registration.function);
    ex::verifier::complain(ex::driver_of(routine), rule, text, routine);
}

bool cookie_is_valid(const LARGE_INTEGER* cookie) {
    if (cookie == nullptr || cookie->QuadPart == 0) return false;
    const Ticket ticket = static_cast<Ticket>(cookie->QuadPart);
    return registrations[slot_of(ticket)].cookie.load(std::memory_order_acquire) == ticket;
}

}  // namespace regent::cm::filter
