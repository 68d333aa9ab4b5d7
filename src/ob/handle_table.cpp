#include "ob/handle_table.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <thread>

namespace regent::ob {
namespace {

constexpr std::uint32_t segment_size(unsigned segment, unsigned first_bits) {
    return std::uint32_t{1} << (segment == 0 ? first_bits : first_bits + segment - 1);
}

}  // namespace

HandleTable::~HandleTable() {
    std::uint32_t index = 0;
    while (remove_next(index)) {
    }
    for (auto& segment : segments_) std::unique_ptr<Entry[]>(segment.load());
}

HandleTable::Entry* HandleTable::wait_for_entry(Entry& entry) {
    for (unsigned spins = 0;; ++spins) {
        std::uintptr_t word = entry.word.load(std::memory_order_relaxed);
        if (word == 0) return nullptr;
        if ((word & lock_bit) == 0 &&
            entry.word.compare_exchange_weak(word, word | lock_bit, std::memory_order_acquire)) {
            return &entry;
        }
        // The bit is held for a few instructions; only a preempted holder makes this long.
        if (spins > 64) std::this_thread::yield();
    }
}

std::uint32_t HandleTable::pop(FreeStack& stack) {
    std::uint64_t top = stack.top.load(std::memory_order_acquire);
    for (;;) {
        const auto index = static_cast<std::uint32_t>(top);
        if (index == 0) return 0;
        const std::uint64_t below = entry(index)->attributes.load(std::memory_order_relaxed);
        const std::uint64_t next = (((top >> 32) + 1) << 32) | below;
        if (stack.top.compare_exchange_weak(top, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
            return index;
        }
    }
}

void HandleTable::push(FreeStack& stack, std::uint32_t index) {
    std::uint64_t top = stack.top.load(std::memory_order_relaxed);
    for (;;) {
        entry(index)->attributes.store(static_cast<std::uint32_t>(top), std::memory_order_relaxed);
        const std::uint64_t next = (((top >> 32) + 1) << 32) | index;
        if (stack.top.compare_exchange_weak(top, next, std::memory_order_acq_rel, std::memory_order_relaxed)) return;
    }
}

// New entries: the first is the answer, the rest of the batch goes to the stack, the lowest on top.
Result<std::uint32_t> HandleTable::grow_locked(FreeStack& stack) {
    const std::uint32_t first = limit_.load(std::memory_order_relaxed);
    const Place place = place_of(first);
    if (place.segment >= segment_count) return fail(STATUS_INSUFFICIENT_RESOURCES);
    const std::uint32_t size = segment_size(place.segment, first_segment_bits);
    if (segments_[place.segment].load(std::memory_order_relaxed) == nullptr) {
        auto fresh = std::make_unique<Entry[]>(size);
        segments_[place.segment].store(fresh.release(), std::memory_order_release);
    }
    const std::uint32_t count = std::min(batch, size - place.offset);
    limit_.store(first + count, std::memory_order_release);
    for (std::uint32_t index = first + count - 1; index > first; --index) push(stack, index);
    return first;
}

Result<std::uint32_t> HandleTable::refill(FreeStack& stack) {
    ExclusiveGuard guard(lock_);
    if (const std::uint32_t index = pop(stack)) return index;
    // Where some threads open and others close, the entries come back here.
    for (FreeStack& other : free_) {
        const std::uint32_t index = pop(other);
        if (index == 0) continue;
        for (std::uint32_t taken = 1; taken < batch; ++taken) {
            const std::uint32_t more = pop(other);
            if (more == 0) break;
            push(stack, more);
        }
        return index;
    }
    return grow_locked(stack);
}

Result<std::uint32_t> HandleTable::insert(ObjectRef<void>&& object, ACCESS_MASK granted, std::uint32_t attributes) {
    FreeStack& stack = free_[rtl::this_stripe()];
    std::uint32_t index = pop(stack);
    if (index == 0) index = RG_TRY(refill(stack));
    Entry* made = entry(index);
    made->granted.store(granted, std::memory_order_relaxed);
    made->attributes.store(attributes, std::memory_order_relaxed);
    made->word.store(reinterpret_cast<std::uintptr_t>(object.release()), std::memory_order_release);
    count_.add(1);
    // The count is a full barrier: whoever refuses meets the entry, or we meet the refusal.
    if (refuses_.load(std::memory_order_seq_cst)) [[unlikely]] {
        auto back = remove(index << 2, true);
        if (!back) return index << 2;  // closed already, by who refuses
        object = std::move(back->object);
        return fail(STATUS_PROCESS_IS_TERMINATING);
    }
    return index << 2;
}

Result<HandleEntry> HandleTable::get(std::uint32_t value) const {
    const Found found = find(value);
    if (found.body == nullptr) return fail(STATUS_INVALID_HANDLE);
    return HandleEntry{ObjectRef<void>::adopt(found.body), found.granted, found.attributes};
}

Result<HandleEntry> HandleTable::remove(std::uint32_t value, bool ignore_protection) {
    Entry* found = lock_entry(value);
    if (found == nullptr) return fail(STATUS_INVALID_HANDLE);
    std::uintptr_t word = found->word.load(std::memory_order_relaxed) & ~lock_bit;
    std::uint32_t attributes = found->attributes.load(std::memory_order_relaxed);
    if (!ignore_protection && (attributes & handle_protect_close) != 0) {
        found->word.store(word, std::memory_order_release);
        return fail(STATUS_HANDLE_NOT_CLOSABLE);
    }
    HandleEntry taken{ObjectRef<void>::adopt(reinterpret_cast<void*>(word)),
                      found->granted.load(std::memory_order_relaxed), attributes};
    found->word.store(0, std::memory_order_release);
    push(free_[rtl::this_stripe()], value >> 2);
    count_.add(-1);
    return taken;
}

Result<void> HandleTable::set_attributes(std::uint32_t value, std::uint32_t attributes) {
    Entry* found = lock_entry(value);
    if (found == nullptr) return fail(STATUS_INVALID_HANDLE);
    found->attributes.store(attributes, std::memory_order_relaxed);
    found->word.fetch_and(~lock_bit, std::memory_order_release);
    return {};
}

std::uint32_t HandleTable::take_attributes(std::uint32_t value, const void* body, std::uint32_t bits) {
    Entry* found = lock_entry(value);
    if (found == nullptr) return 0;
    std::uint32_t taken = 0;
    const std::uintptr_t word = found->word.load(std::memory_order_relaxed) & ~lock_bit;
    if (word == reinterpret_cast<std::uintptr_t>(body)) {
        const std::uint32_t attributes = found->attributes.load(std::memory_order_relaxed);
        taken = attributes & bits;
        found->attributes.store(attributes & ~bits, std::memory_order_relaxed);
    }
    found->word.store(word, std::memory_order_release);
    return taken;
}

std::optional<HandleEntry> HandleTable::remove_next(std::uint32_t& index) {
    while (index < limit_.load(std::memory_order_acquire)) {
        if (auto taken = remove(index++ << 2, true)) return std::move(*taken);
    }
    return std::nullopt;
}

}  // namespace regent::ob
