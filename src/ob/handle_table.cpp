#include "ob/handle_table.h"

#include <bit>
#include <memory>
#include <thread>

namespace regent::ob {
namespace {

// Segment 0 holds 2^6 entries, segment k > 0 holds 2^(5+k): together they hold 2^(6+k).
struct Place {
    unsigned segment;
    std::uint32_t offset;
};

constexpr Place place_of(std::uint32_t index, unsigned first_bits) {
    if (index >> first_bits == 0) return {0, index};
    auto width = static_cast<unsigned>(std::bit_width(index));
    return {width - first_bits, index - (std::uint32_t{1} << (width - 1))};
}

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

HandleTable::Entry* HandleTable::entry(std::uint32_t index) const {
    if (index == 0 || index >= limit_.load(std::memory_order_acquire)) return nullptr;
    Place place = place_of(index, first_segment_bits);
    return segments_[place.segment].load(std::memory_order_acquire) + place.offset;
}

HandleTable::Entry* HandleTable::lock_entry(std::uint32_t value) const {
    Entry* found = entry(value >> 2);
    if (found == nullptr) return nullptr;
    for (unsigned spins = 0;; ++spins) {
        std::uintptr_t word = found->word.load(std::memory_order_relaxed);
        if (word == 0) return nullptr;
        if ((word & lock_bit) == 0 &&
            found->word.compare_exchange_weak(word, word | lock_bit, std::memory_order_acquire)) {
            return found;
        }
        // The bit is held for a few instructions; only a preempted holder makes this long.
        if (spins > 64) std::this_thread::yield();
    }
}

// The first free index; a new segment when there is none.
Result<std::uint32_t> HandleTable::grow_locked() {
    std::uint32_t next = limit_.load(std::memory_order_relaxed);
    Place place = place_of(next, first_segment_bits);
    if (place.segment >= segment_count) return fail(STATUS_INSUFFICIENT_RESOURCES);
    if (segments_[place.segment].load(std::memory_order_relaxed) == nullptr) {
        auto fresh = std::make_unique<Entry[]>(segment_size(place.segment, first_segment_bits));
        segments_[place.segment].store(fresh.release(), std::memory_order_release);
    }
    limit_.store(next + 1, std::memory_order_release);
    return next;
}

Result<std::uint32_t> HandleTable::insert(ObjectRef<void> object, ACCESS_MASK granted, std::uint32_t attributes) {
    ExclusiveGuard guard(lock_);
    if (refuses_) return fail(STATUS_PROCESS_IS_TERMINATING);
    std::uint32_t index = first_free_;
    if (index == no_index) {
        index = RG_TRY(grow_locked());
    } else {
        first_free_ = entry(index)->attributes.load(std::memory_order_relaxed);
    }
    Entry* made = entry(index);
    made->granted.store(granted, std::memory_order_relaxed);
    made->attributes.store(attributes, std::memory_order_relaxed);
    made->word.store(reinterpret_cast<std::uintptr_t>(object.release()), std::memory_order_release);
    count_.fetch_add(1, std::memory_order_relaxed);
    return index << 2;
}

void HandleTable::refuse_inserts() {
    ExclusiveGuard guard(lock_);
    refuses_ = true;
}

Result<HandleEntry> HandleTable::get(std::uint32_t value) const {
    Entry* found = lock_entry(value);
    if (found == nullptr) return fail(STATUS_INVALID_HANDLE);
    std::uintptr_t word = found->word.load(std::memory_order_relaxed) & ~lock_bit;
    HandleEntry copy{ObjectRef<void>::retain(reinterpret_cast<void*>(word)),
                     found->granted.load(std::memory_order_relaxed), found->attributes.load(std::memory_order_relaxed)};
    found->word.store(word, std::memory_order_release);
    return copy;
}

Result<HandleEntry> HandleTable::remove(std::uint32_t value, bool ignore_protection) {
    ExclusiveGuard guard(lock_);
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
    // A free entry keeps the next free index where the attributes were.
    found->attributes.store(first_free_, std::memory_order_relaxed);
    first_free_ = value >> 2;
    found->word.store(0, std::memory_order_release);
    count_.fetch_sub(1, std::memory_order_relaxed);
    return taken;
}

Result<void> HandleTable::set_attributes(std::uint32_t value, std::uint32_t attributes) {
    Entry* found = lock_entry(value);
    if (found == nullptr) return fail(STATUS_INVALID_HANDLE);
    found->attributes.store(attributes, std::memory_order_relaxed);
    found->word.fetch_and(~lock_bit, std::memory_order_release);
    return {};
}

std::optional<HandleEntry> HandleTable::remove_next(std::uint32_t& index) {
    while (index < limit_.load(std::memory_order_acquire)) {
        if (auto taken = remove(index++ << 2, true)) return std::move(*taken);
    }
    return std::nullopt;
}

}  // namespace regent::ob
