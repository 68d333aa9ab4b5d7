// The tagged pool. A block carries a header before and a canary behind it; the ledger counts by driver and tag.
#include "ex/pool.h"
#include "rtl/foreign_call.h"

#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ex/bugcheck.h"
#include "ex/thread_state.h"
#include "ex/verifier.h"
#include "rtl/lock.h"
#include "rtl/rtl_allocator.h"

namespace regent::ex {
namespace {

// What one driver has of one tag. A row is used again when its driver is gone and nothing is left of it; who remembers
// it (find_counters) sees by the driver's id, which never comes back, that it is another's now.
struct Counters {
    std::atomic<DriverId> driver{0};
    std::atomic<ULONG> tag{0};
    std::atomic<std::uint64_t> allocations{0};
    std::atomic<std::uint64_t> frees{0};
    std::atomic<std::uint64_t> bytes{0};
};

struct Header {
    std::uint32_t magic;
    std::uint32_t tag;
    std::uint64_t size;
    Counters* counters;
    void* base;  // what the host's allocator gave
};
static_assert(sizeof(Header) == 32);

constexpr std::uint32_t magic_live = 0x4C4F4F50;  // "POOL"
constexpr std::uint32_t magic_free = 0x45455246;  // "FREE"
constexpr std::uint64_t canary = 0xFEEDFACECAFEBEEFu;
[[maybe_unused]] constexpr int pattern_new = 0xBA;
[[maybe_unused]] constexpr int pattern_freed = 0xDD;
constexpr DriverId nobody = verified_bit - 1;  // of a spare row
constexpr ULONG no_tag = 0x656E6F4E;           // 'enoN'
constexpr std::size_t quarantine_size = 64;

struct Ledger {
    Mutex<LockRank::pool> lock;
    std::unordered_map<std::uint64_t, Counters*> rows RG_GUARDED_BY(lock);
    std::vector<Counters*> spare RG_GUARDED_BY(lock);  // rows that nobody uses
    // Freed blocks rest here, filled with a pattern, so that freeing one twice is seen and using one is odd.
    void* quarantine[quarantine_size] RG_GUARDED_BY(lock) = {};
    std::size_t next RG_GUARDED_BY(lock) = 0;
};

Ledger& ledger() {
    static Ledger* instance = new Ledger;
    return *instance;
}

Counters* find_counters(DriverId driver, ULONG tag) {
    thread_local Counters* last = nullptr;
    if (last != nullptr && last->driver.load(std::memory_order_acquire) == driver &&
        last->tag.load(std::memory_order_relaxed) == tag) {
        return last;
    }
    Ledger& book = ledger();
    ExclusiveGuard guard(book.lock);
    Counters*& row = book.rows[std::uint64_t{driver} << 32 | tag];
    if (row == nullptr) {
        if (book.spare.empty()) {
            row = new Counters;
        } else {
            row = book.spare.back();
            book.spare.pop_back();
        }
        row->tag.store(tag, std::memory_order_relaxed);
        row->driver.store(driver, std::memory_order_release);
    }
    last = row;
    return row;
}

// The host's memory for a block of `size` bytes with its header and canary; where the block begins.
char* host_allocate(std::size_t size, void** base) {
    const std::size_t before = size >= PAGE_SIZE ? std::size_t{PAGE_SIZE} : sizeof(Header);
    if (size > SIZE_MAX / 2) return nullptr;
    const std::size_t total = before + size + sizeof canary;
    *base = size >= PAGE_SIZE ? std::aligned_alloc(PAGE_SIZE, ROUND_TO_PAGES(total)) : std::malloc(total);
    return *base != nullptr ? static_cast<char*>(*base) + before : nullptr;
}

Header* header_of(void* block) { return reinterpret_cast<Header*>(static_cast<char*>(block) - sizeof(Header)); }

// The driver whose code is at `caller`, or the one that the host works for.
DriverId owner_of(const void* caller) {
    const DriverId driver = driver_of(caller);
    if (driver != 0) return driver;
    const DriverFrame* frame = thread_state().frame;
    return frame != nullptr ? driver_of(frame->routine) : 0;
}

DriverId driver_of_block(const Header& header) { return header.counters->driver.load(std::memory_order_relaxed); }

// False: it was freed before, which the verifier has reported.
bool check_block(Header& header, void* block, ULONG tag) {
    const auto address = reinterpret_cast<ULONG_PTR>(block);
    const std::uint32_t magic = __atomic_load_n(&header.magic, __ATOMIC_ACQUIRE);
    if (magic == magic_free) {
        if (verifier::active() && verifier::pool_freed_before(block)) return false;
        KeBugCheckEx(0xC2, 7, 0, header.tag, address);
    }
    if (magic != magic_live) KeBugCheckEx(0xC2, 0x46, address, 0, 0);
    if (tag != 0 && tag != header.tag) {
        if (!is_verified(driver_of_block(header))) KeBugCheckEx(0xC2, 0x0A, address, header.tag, tag);
        verifier::pool_wrong_tag(block, header.tag, tag, driver_of_block(header));
    }
    if (std::memcmp(static_cast<char*>(block) + header.size, &canary, sizeof canary) != 0) {
        if (is_verified(driver_of_block(header)))
            verifier::pool_overrun(block, header.tag, header.size, driver_of_block(header));
        KeBugCheckEx(0xC4, 0x51, address, header.tag, header.size);
    }
    std::uint32_t expected = magic_live;
    if (!__atomic_compare_exchange_n(&header.magic, &expected, magic_free, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        KeBugCheckEx(0xC2, 7, 0, header.tag, address);
    }
    return true;
}

void free_block(void* block, ULONG tag) {
    if (block == nullptr) KeBugCheckEx(0xC2, 0x46, 0, 0, 0);
    Header& header = *header_of(block);
    if (!check_block(header, block, tag)) return;
    const DriverId owner = driver_of_block(header);
    header.counters->frees.fetch_add(1, std::memory_order_relaxed);
    header.counters->bytes.fetch_sub(header.size, std::memory_order_relaxed);
    if (is_verified(owner)) [[unlikely]]
        return verifier::pool_freed(block, header.base, header.size, header.tag, owner);
#ifdef NDEBUG
    std::free(header.base);
#else
    std::memset(block, pattern_freed, header.size);
    Ledger& book = ledger();
    void* oldest = nullptr;
    {
        ExclusiveGuard guard(book.lock);
        oldest = std::exchange(book.quarantine[book.next++ % quarantine_size], header.base);
    }
    std::free(oldest);
#endif
}

// Strings that the run-time library makes for drivers are pool blocks, for drivers may free them as such.
constexpr ULONG string_tag = 0x67727453;  // 'grtS'
const bool strings_in_pool = [] {
    rtl::set_string_allocator([](std::size_t size) { return allocate_pool(PagedPool, size, string_tag, nullptr); },
                              [](void* block) { free_block(block, 0); });
    return true;
}();

PoolUsage usage_of(const Counters& row) {
    PoolUsage usage;
    usage.driver = row.driver.load(std::memory_order_relaxed);
    usage.tag = row.tag.load(std::memory_order_relaxed);
    usage.frees = row.frees.load(std::memory_order_relaxed);
    usage.allocations = row.allocations.load(std::memory_order_relaxed);
    usage.bytes = row.bytes.load(std::memory_order_relaxed);
    usage.blocks = usage.allocations - usage.frees;
    return usage;
}

[[noreturn]] void raise_no_memory() { ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES); }

}  // namespace

PVOID allocate_pool(ULONG type, SIZE_T size, ULONG tag, const void* caller) {
    void* base = nullptr;
    char* block = host_allocate(size, &base);
    if (block == nullptr) return nullptr;
    const DriverId owner = owner_of(caller);
    Counters* counters = find_counters(owner, tag);
    counters->allocations.fetch_add(1, std::memory_order_relaxed);
    counters->bytes.fetch_add(size, std::memory_order_relaxed);
    *header_of(block) = Header{magic_live, tag, size, counters, base};
    std::memcpy(block + size, &canary, sizeof canary);
    if ((type & POOL_ZERO_ALLOCATION) != 0) {
        std::memset(block, 0, size);
    } else {
#ifndef NDEBUG
        std::memset(block, pattern_new, size);
#endif
    }
    if (is_verified(owner)) [[unlikely]]
        verifier::pool_allocated(block, type, size, tag, owner);
    return block;
}

std::vector<PoolUsage> pool_usage() {
    (void)strings_in_pool;
    Ledger& book = ledger();
    ExclusiveGuard guard(book.lock);
    std::vector<PoolUsage> result;
    result.reserve(book.rows.size());
    for (const auto& [key, row] : book.rows) result.push_back(usage_of(*row));
    return result;
}

std::vector<PoolUsage> pool_left_by(DriverId driver) {
    std::vector<PoolUsage> result = pool_usage();
    std::erase_if(result, [driver](const PoolUsage& usage) { return usage.driver != driver || usage.blocks == 0; });
    return result;
}

void forget_pool_of(DriverId driver) {
    Ledger& book = ledger();
    ExclusiveGuard guard(book.lock);
    for (auto row = book.rows.begin(); row != book.rows.end();) {
        Counters& counters = *row->second;
        const std::uint64_t frees = counters.frees.load(std::memory_order_relaxed);
        if (counters.driver.load(std::memory_order_relaxed) != driver ||
            counters.allocations.load(std::memory_order_relaxed) != frees) {
            ++row;
            continue;
        }
        counters.driver.store(nobody, std::memory_order_release);
        counters.allocations.store(0, std::memory_order_relaxed);
        counters.frees.store(0, std::memory_order_relaxed);
        counters.bytes.store(0, std::memory_order_relaxed);
        book.spare.push_back(&counters);
        row = book.rows.erase(row);
    }
}

std::string tag_text(ULONG tag) {
    std::string text;
    for (int i = 0; i < 4; ++i) {
        const char c = static_cast<char>(tag >> (8 * i));
        text.push_back(c >= ' ' && c <= '~' ? c : '.');
    }
    return text;
}

}  // namespace regent::ex

using namespace regent::ex;

extern "C" {

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    PVOID block = allocate_pool(static_cast<ULONG>(PoolType), NumberOfBytes, Tag,
                                regent::rtl::driver_caller(__builtin_return_address(0)));
    if (block == nullptr && (PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) raise_no_memory();
    return block;
}

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
    return allocate_pool(static_cast<ULONG>(PoolType), NumberOfBytes, no_tag,
                         regent::rtl::driver_caller(__builtin_return_address(0)));
}

// Quotas are not kept; the rule about raising is.
PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    PVOID block = allocate_pool(static_cast<ULONG>(PoolType), NumberOfBytes, Tag,
                                regent::rtl::driver_caller(__builtin_return_address(0)));
    if (block == nullptr && (PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0) raise_no_memory();
    return block;
}

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
    constexpr POOL_FLAGS kinds = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
    constexpr POOL_FLAGS known = kinds | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION |
                                 POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE;
    constexpr POOL_FLAGS required = 0xFFFFFFFF;  // unknown bits above are optional parameters
    PVOID block = nullptr;
    if (Tag != 0 && __builtin_popcountll(Flags & kinds) == 1 && (Flags & required & ~known) == 0) {
        ULONG type = (Flags & POOL_FLAG_PAGED) != 0 ? ULONG{PagedPool} : ULONG{NonPagedPoolNx};
        if ((Flags & POOL_FLAG_UNINITIALIZED) == 0) type |= POOL_ZERO_ALLOCATION;
        block = allocate_pool(type, NumberOfBytes, Tag, regent::rtl::driver_caller(__builtin_return_address(0)));
    }
    if (block == nullptr && (Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0) raise_no_memory();
    return block;
}

VOID ExFreePool(PVOID P) { free_block(P, 0); }
VOID ExFreePoolWithTag(PVOID P, ULONG Tag) { free_block(P, Tag); }
VOID ExFreePool2(PVOID P, ULONG Tag, PVOID, ULONG) { free_block(P, Tag); }

}  // extern "C"
