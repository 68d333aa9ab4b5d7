// Locks of watched drivers: what each thread holds, and in which orders they are taken.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "ex/thread_state.h"
#include "ex/verifier.h"
#include "rtl/lock.h"

namespace regent::ex::verifier {
namespace {

constexpr std::size_t most_edges = 4096;

using Lock = const volatile void*;

struct Held {
    Lock lock;
    const char* kind;
    DriverId driver;
    const DriverFrame* call;
    StackTrace stack;
};
constinit thread_local std::vector<Held>* held_pointer = nullptr;

// Of the calling thread. Goes with its thread-locals; exit handlers, which run after those of the main thread and may
// unload drivers, get another one that nobody frees.
std::vector<Held>& held_locks() {
    struct Owner {
        ~Owner() { delete std::exchange(held_pointer, nullptr); }  // (style: allow)
    };
    if (held_pointer == nullptr) {
        held_pointer = new std::vector<Held>;  // (style: allow)
        thread_local Owner owner;
        static_cast<void>(owner);
    }
    return *held_pointer;
}

// `second` was taken while `first` was held.
using Order = std::pair<Lock, Lock>;
struct Taken {
    DriverId driver;
    StackTrace stack;  // of the second
};
struct Orders {
    Mutex<LockRank::leaf> lock;
    std::map<Order, Taken> all RG_GUARDED_BY(lock);

    // Where a chain of locks from `from` to `to` ends, each taken while the one before it was held; null: there is
    // none.
    const Taken* find_chain_locked(Lock from, Lock to, std::set<Lock>& seen) RG_REQUIRES(lock) {
        if (!seen.insert(from).second) return nullptr;
        for (auto next = all.lower_bound({from, nullptr}); next != all.end() && next->first.first == from; ++next) {
            if (next->first.second == to) return &next->second;
            if (const Taken* const found = find_chain_locked(next->first.second, to, seen)) return found;
        }
        return nullptr;
    }
};
Orders& orders() {
    static Orders* instance = new Orders;
    return *instance;
}

// Locks of the image have a name or an offset; those in pool and on stacks are one to the reader.
std::string describe_lock(Lock lock, const char* kind) {
    const void* const address = const_cast<const void*>(lock);
    if (driver_of(address) == 0) return std::string("a ") + kind + " outside the image";
    return std::string(kind) + " " + describe_code(address);
}

// Remembers the order; the stack of where another one was taken, when there is one. Nothing: no conflict.
StackTrace conflict_with(const Held& outer, Lock inner, DriverId driver, const StackTrace& stack) {
    Orders& known = orders();
    ExclusiveGuard guard(known.lock);
    if (known.all.contains({outer.lock, inner})) return {};
    std::set<Lock> seen;
    if (const Taken* const other = known.find_chain_locked(inner, outer.lock, seen)) return other->stack;
    if (known.all.size() < most_edges) known.all.emplace(Order{outer.lock, inner}, Taken{driver, stack});
    return {};
}

void hold(Lock lock, const char* kind, DriverId driver, StackTrace stack) {
    held_locks().push_back({lock, kind, driver, thread_state().frame, std::move(stack)});
}

}  // namespace

void lock_wanted(const volatile void* lock, const char* kind, bool recursive) {
    const DriverId driver = verified_caller();
    if (driver == 0) return;
    StackTrace stack = stack_in(driver);
    const bool again = std::ranges::any_of(held_locks(), [lock](const Held& held) { return held.lock == lock; });
    if (again && !recursive)
        report(driver, rules::lock_recursion, describe_lock(lock, kind) + " taken by the thread that holds it", stack);
    for (const Held& outer : held_locks()) {
        if (again) break;
        const StackTrace other = conflict_with(outer, lock, driver, stack);
        if (other.empty()) continue;
        report(driver, rules::lock_order,
               describe_lock(lock, kind) + " taken while " + describe_lock(outer.lock, outer.kind) +
                   " is held; the other way round in " + describe_call(other.front()),
               stack);
    }
    hold(lock, kind, driver, std::move(stack));
}

void lock_taken(const volatile void* lock, const char* kind) {
    if (const DriverId driver = verified_caller(); driver != 0) hold(lock, kind, driver, stack_in(driver));
}

void lock_released(const volatile void* lock) {
    const auto found = std::find_if(held_locks().rbegin(), held_locks().rend(),
                                    [lock](const Held& held) { return held.lock == lock; });
    if (found == held_locks().rend()) return;
    held_locks().erase(std::next(found).base());
}

std::size_t locks_held() { return held_locks().size(); }

bool report_locks_kept(const DriverFrame& call) {
    std::size_t before = held_locks().size();
    while (before != 0 && held_locks()[before - 1].call == &call) --before;
    return report_locks_kept(call.purpose, before);
}

bool report_locks_kept(const char* purpose, std::size_t before) {
    bool any = false;
    while (held_locks().size() > before) {
        const Held held = std::move(held_locks().back());
        held_locks().pop_back();
        report(held.driver, rules::lock_held_at_return,
               std::string(purpose) + " returned while it held " + describe_lock(held.lock, held.kind), held.stack);
        any = true;
    }
    return any;
}

bool report_locks_held_in(const char* service) {
    const DriverId driver = verified_caller();
    if (driver == 0 || held_locks().empty() || held_locks().back().driver != driver) return false;
    const Held& held = held_locks().back();
    report(driver, rules::lock_across_service,
           std::string(service) + " called while " + describe_lock(held.lock, held.kind) +
               " is held: callbacks, the driver's own too, may run under it");
    return true;
}

void forget_locks_of(DriverId driver) {
    Orders& known = orders();
    ExclusiveGuard guard(known.lock);
    std::erase_if(known.all, [driver](const auto& order) { return order.second.driver == driver; });
}

void forget_locks_in(const void* start, std::size_t size) {
    const auto inside = [start, size](Lock lock) {
        return reinterpret_cast<std::uintptr_t>(lock) - reinterpret_cast<std::uintptr_t>(start) < size;
    };
    Orders& known = orders();
    ExclusiveGuard guard(known.lock);
    std::erase_if(known.all,
                  [&](const auto& order) { return inside(order.first.first) || inside(order.first.second); });
}

}  // namespace regent::ex::verifier
