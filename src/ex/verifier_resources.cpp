// What watched drivers hold, with the stacks of where they got it.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "ex/verifier.h"
#include "rtl/lock.h"

namespace regent::ex::verifier {
namespace {

struct Holding {
    DriverId driver;
    std::string text;
    StackTrace stack;
};
using Key = std::pair<Resource, std::uint64_t>;

struct Holdings {
    Mutex<LockRank::leaf> lock;
    std::map<Key, Holding> all RG_GUARDED_BY(lock);
};

Holdings& holdings() {
    static Holdings* instance = new Holdings;
    return *instance;
}

const Rule& rule_of(Resource kind) {
    switch (kind) {
        case Resource::callback:
            return rules::callback_left;
        case Resource::device:
            return rules::device_left;
        case Resource::link:
            return rules::link_left;
        case Resource::work_item:
            return rules::work_item_left;
        default:
            return rules::notify_left;
    }
}

}  // namespace

void acquired(Resource kind, std::uint64_t key, DriverId driver, std::string text) {
    if (!is_verified(driver)) return;
    Holding holding{driver, std::move(text), stack_in(driver)};
    Holdings& held = holdings();
    ExclusiveGuard guard(held.lock);
    held.all.insert_or_assign(Key{kind, key}, std::move(holding));
}

void released(Resource kind, std::uint64_t key) {
    Holdings& held = holdings();
    ExclusiveGuard guard(held.lock);
    held.all.erase(Key{kind, key});
}

void report_left(DriverId driver, Resource kind) {
    std::vector<Holding> left;
    {
        Holdings& held = holdings();
        ExclusiveGuard guard(held.lock);
        for (auto entry = held.all.begin(); entry != held.all.end();) {
            const bool wanted = entry->first.first == kind && entry->second.driver == driver;
            if (wanted) left.push_back(std::move(entry->second));
            entry = wanted ? held.all.erase(entry) : std::next(entry);
        }
    }
    for (const Holding& holding : left) report(driver, rule_of(kind), holding.text, holding.stack);
}

std::uint64_t key_of(std::string_view name) { return std::hash<std::string_view>()(name); }

}  // namespace regent::ex::verifier
