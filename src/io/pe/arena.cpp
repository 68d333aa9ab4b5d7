#include "io/pe/arena.h"

#include <sys/mman.h>

#include "io/pe/gate.h"
#include "rtl/assert.h"
#include "rtl/foreign_call.h"
#include "rtl/lock.h"

namespace regent::io::pe {

namespace {

constexpr std::size_t arena_size = std::size_t{16} << 30;  // addresses only: pages come with the images
constexpr std::size_t page = 0x1000;

struct Arena {
    Mutex<LockRank::leaf> lock;
    std::byte* next RG_GUARDED_BY(lock) = nullptr;
    std::byte* end RG_GUARDED_BY(lock) = nullptr;

    bool reserve_locked() RG_REQUIRES(lock) {
        if (next != nullptr) return true;
        constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void* const start = mmap(nullptr, arena_size, PROT_NONE, flags, -1, 0);
        if (start == MAP_FAILED) return false;
        next = static_cast<std::byte*>(start);
        end = next + arena_size;
        rtl::foreign_code.enter = enter_foreign_code;
        rtl::foreign_code.caller = caller_behind_gate;
        rtl::foreign_code.start.store(reinterpret_cast<std::uintptr_t>(start), std::memory_order_relaxed);
        rtl::foreign_code.size.store(arena_size, std::memory_order_release);
        return true;
    }
};

Arena& arena() {
    static Arena* const instance = new Arena;
    return *instance;
}

int protection_of(Mapping::Access access) {
    switch (access) {
        case Mapping::Access::none:
            return PROT_NONE;
        case Mapping::Access::read:
            return PROT_READ;
        case Mapping::Access::read_write:
            return PROT_READ | PROT_WRITE;
        case Mapping::Access::read_execute:
            return PROT_READ | PROT_EXEC;
    }
    return PROT_NONE;
}

}  // namespace

Result<Mapping> Mapping::create(std::size_t size) {
    size = (size + page - 1) & ~(page - 1);
    Arena& all = arena();
    ExclusiveGuard guard(all.lock);
    // One page between two pieces belongs to nobody.
    if (!all.reserve_locked() || size + page > static_cast<std::size_t>(all.end - all.next))
        return fail(STATUS_INSUFFICIENT_RESOURCES);
    if (mprotect(all.next, size, PROT_READ | PROT_WRITE) != 0) return fail(STATUS_INSUFFICIENT_RESOURCES);
    Mapping mapping({all.next, size});
    all.next += size + page;
    return mapping;
}

Mapping::~Mapping() {
    if (memory_.empty()) return;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    mmap(memory_.data(), memory_.size(), PROT_NONE, flags, -1, 0);
}

void Mapping::protect(std::size_t offset, std::size_t size, Access access) const {
    RG_ASSERT(offset % page == 0 && offset <= memory_.size() && size <= memory_.size() - offset);
    RG_ASSERT(mprotect(memory_.data() + offset, size, protection_of(access)) == 0);
}

}  // namespace regent::io::pe
