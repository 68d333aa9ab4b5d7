// Pool of watched drivers: who allocated what, and blocks that were freed lately.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <unordered_map>

#include "ex/pool.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"
#include "rtl/lock.h"

namespace regent::ex::verifier {
namespace {

constexpr std::size_t most_resting_blocks = 1024;
constexpr std::size_t most_resting_bytes = 8u << 20;
constexpr unsigned char pattern_freed = 0xDD;

struct Block {
    DriverId driver;
    SIZE_T size;
    ULONG tag;
    bool paged;
    StackTrace allocated_at;
};

// Freed, filled with a pattern, not yet the host's again.
struct Resting {
    void* block;
    void* base;
    SIZE_T size;
    ULONG tag;
    DriverId driver;
    StackTrace freed_at;
};

struct Book {
    Mutex<LockRank::leaf> lock;
    std::unordered_map<const void*, Block> blocks RG_GUARDED_BY(lock);
    std::deque<Resting> resting RG_GUARDED_BY(lock);
    std::size_t resting_bytes RG_GUARDED_BY(lock) = 0;
};

Book& book() {
    static Book* instance = new Book;
    return *instance;
}

std::string block_text(SIZE_T size, ULONG tag) {
    return "a block of " + std::to_string(size) + " bytes, tag " + tag_text(tag) + ",";
}

bool is_untouched(const Resting& rest) {
    const auto* const bytes = static_cast<const unsigned char*>(rest.block);
    for (SIZE_T i = 0; i < rest.size; ++i)
        if (bytes[i] != pattern_freed) return false;
    return true;
}

void give_back(const std::deque<Resting>& doomed) {
    for (const Resting& rest : doomed) {
        if (!is_untouched(rest))
            report(rest.driver, rules::pool_write_after_free,
                   block_text(rest.size, rest.tag) + " was written after it was freed here", rest.freed_at);
        std::free(rest.base);
    }
}

}  // namespace

void pool_allocated(void* block, ULONG type, SIZE_T size, ULONG tag, DriverId driver) {
    Block made{driver, size, tag, (type & PagedPool) != 0, stack_in(driver)};
    check_irql(made.paged ? APC_LEVEL : DISPATCH_LEVEL,
               made.paged ? "an allocation of paged pool" : "an allocation of pool");
    if (size == 0) report(driver, rules::pool_zero_size, "pool of no bytes, tag " + tag_text(tag), made.allocated_at);
    Book& all = book();
    ExclusiveGuard guard(all.lock);
    all.blocks.insert_or_assign(block, std::move(made));
}

void pool_freed(void* block, void* base, SIZE_T size, ULONG tag, DriverId driver) {
    check_irql(DISPATCH_LEVEL, "a routine that frees pool");
    forget_locks_in(block, size);
    std::memset(block, pattern_freed, size);
    Resting rest{block, base, size, tag, driver, stack_in(driver)};
    std::deque<Resting> doomed;
    {
        Book& all = book();
        ExclusiveGuard guard(all.lock);
        all.blocks.erase(block);
        all.resting.push_back(std::move(rest));
        all.resting_bytes += size;
        while (all.resting.size() > most_resting_blocks || all.resting_bytes > most_resting_bytes) {
            all.resting_bytes -= all.resting.front().size;
            doomed.push_back(std::move(all.resting.front()));
            all.resting.pop_front();
        }
    }
    give_back(doomed);
}

bool pool_freed_before(void* block) {
    std::string text;
    DriverId owner = 0;
    StackTrace first;
    {
        Book& all = book();
        ExclusiveGuard guard(all.lock);
        for (const Resting& rest : all.resting) {
            if (rest.block != block) continue;
            text = block_text(rest.size, rest.tag);
            owner = rest.driver;
            first = rest.freed_at;
        }
    }
    if (owner == 0) return false;
    const DriverId caller = verified_caller();
    report(caller != 0 ? caller : owner, rules::pool_double_free,
           text + " was freed before" + (first.empty() ? "" : " in " + describe_call(first.front())));
    return true;
}

void pool_wrong_tag(void*, ULONG tag, ULONG used, DriverId driver) {
    report(driver, rules::pool_wrong_tag,
           "a block that was allocated with tag " + tag_text(tag) + " was freed with tag " + tag_text(used));
}

void pool_overrun(void* block, ULONG tag, SIZE_T size, DriverId driver) {
    StackTrace stack;
    {
        Book& all = book();
        ExclusiveGuard guard(all.lock);
        if (const auto found = all.blocks.find(block); found != all.blocks.end()) stack = found->second.allocated_at;
    }
    report(driver, rules::pool_overrun, block_text(size, tag) + " allocated here, was written beyond its end", stack);
}

void report_pool_left(DriverId driver) {
    struct Group {
        std::uint64_t blocks = 0;
        std::uint64_t bytes = 0;
    };
    std::map<std::pair<StackTrace, ULONG>, Group> left;
    std::deque<Resting> doomed;
    {
        Book& all = book();
        ExclusiveGuard guard(all.lock);
        for (auto entry = all.blocks.begin(); entry != all.blocks.end();) {
            Block& block = entry->second;
            const bool wanted = block.driver == driver;
            if (wanted) {
                Group& group = left[{std::move(block.allocated_at), block.tag}];
                group.blocks++;
                group.bytes += block.size;
            }
            entry = wanted ? all.blocks.erase(entry) : std::next(entry);
        }
        std::deque<Resting> others;
        for (Resting& rest : all.resting) {
            if (rest.driver == driver) all.resting_bytes -= rest.size;
            (rest.driver == driver ? doomed : others).push_back(std::move(rest));
        }
        all.resting.swap(others);
    }
    for (const auto& [key, group] : left)
        report(driver, rules::pool_leak,
               std::to_string(group.blocks) + (group.blocks == 1 ? " block of " : " blocks of together ") +
                   std::to_string(group.bytes) + " bytes, tag " + tag_text(key.second) + ", not freed",
               key.first);
    give_back(doomed);
}

}  // namespace regent::ex::verifier
