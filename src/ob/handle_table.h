// A process's rights to objects: handle values, the granted access frozen into each, and the lock-free way back.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>

#include "nt/ntdef.h"
#include "ob/object.h"
#include "rtl/lock.h"
#include "rtl/status.h"
#include "rtl/stripe.h"

namespace regent::ob {

inline constexpr std::uint32_t handle_protect_close = 1;  // attributes of an entry besides OBJ_INHERIT

struct HandleEntry {
    ObjectRef<void> object;
    ACCESS_MASK granted = 0;
    std::uint32_t attributes = 0;
};

// Invariants:
//  1. An entry's word is 0 (free) or a body's address, bit 0 of which is the entry's lock; whoever holds it may read
//  the
//     other fields, and takes a reference before letting go. So a reference never meets a freed object.
//  2. Segments are published once and stay until the table dies: a lookup takes no lock but the entry's own bit.
//  3. Handle values are multiples of 4, never 0; the two low bits of a value are ignored.
//  4. A free entry is in exactly one stack of free entries, linked through `attributes`. A thread takes from its
//     stripe's and gives back to it; an empty one is filled with new entries, or with those of other stripes.
// Internally synchronised: everything but the filling of a stack is lock-free.
class HandleTable {
public:
    HandleTable() = default;
    ~HandleTable();
    HandleTable(const HandleTable&) = delete;
    HandleTable& operator=(const HandleTable&) = delete;

    // Takes `object` over when it succeeds. ERRORS: PROCESS_IS_TERMINATING (after refuse_inserts()),
    // INSUFFICIENT_RESOURCES.
    Result<std::uint32_t> insert(ObjectRef<void>&& object, ACCESS_MASK granted, std::uint32_t attributes);
    // ERRORS: INVALID_HANDLE.
    Result<HandleEntry> get(std::uint32_t value) const;
    // The same for hot paths: the body with one reference, null when there is no such handle.
    struct Found {
        void* body = nullptr;
        ACCESS_MASK granted = 0;
        std::uint32_t attributes = 0;
    };
    Found find(std::uint32_t value) const {
        Entry* at = lock_entry(value);
        if (at == nullptr) return Found();
        const std::uintptr_t word = at->word.load(std::memory_order_relaxed) & ~lock_bit;
        const Found found{reinterpret_cast<void*>(word), at->granted.load(std::memory_order_relaxed),
                          at->attributes.load(std::memory_order_relaxed)};
        reference(found.body);
        at->word.store(word, std::memory_order_release);
        return found;
    }
    // ERRORS: INVALID_HANDLE, HANDLE_NOT_CLOSABLE.
    Result<HandleEntry> remove(std::uint32_t value, bool ignore_protection = false);
    Result<void> set_attributes(std::uint32_t value, std::uint32_t attributes);
    // Takes `bits` out of the attributes of a handle to `body`; those that were there. Of several threads one gets a
    // bit.
    std::uint32_t take_attributes(std::uint32_t value, const void* body, std::uint32_t bits);
    // The first entry at or after `index`, removed; `index` moves behind it. For a process that ends: start with 0.
    std::optional<HandleEntry> remove_next(std::uint32_t& index);
    // Shows every entry that is there when its turn comes: visit(value, entry).
    template <typename Visitor>
    void for_each(Visitor visit) const {
        for (std::uint32_t index = 1; index < limit_.load(std::memory_order_acquire); ++index) {
            if (auto found = get(index << 2)) visit(index << 2, *found);
        }
    }
    // From here on nothing enters for good: what remove_next() does not take out, its inserter does.
    void refuse_inserts() { refuses_.store(true, std::memory_order_seq_cst); }
    std::uint32_t count() const { return static_cast<std::uint32_t>(count_.sum()); }

private:
    struct Entry {
        std::atomic<std::uintptr_t> word{0};
        std::atomic<ACCESS_MASK> granted{0};
        std::atomic<std::uint32_t> attributes{0};
    };
    static constexpr std::uintptr_t lock_bit = 1;
    static constexpr unsigned first_segment_bits = 6;
    static constexpr unsigned segment_count = 18;  // 64, 64, 128, 256 ... entries: 8 Mi handles in all
    static constexpr std::uint32_t batch = 16;

    // The top's index (0: empty) and above it a number that every change raises: an index that went and came back is
    // not mistaken for one that stayed.
    struct alignas(rtl::cache_line) FreeStack {
        std::atomic<std::uint64_t> top{0};
    };

    // Segment 0 holds 2^6 entries, segment k > 0 holds 2^(5+k): together they hold 2^(6+k).
    struct Place {
        unsigned segment;
        std::uint32_t offset;
    };
    static Place place_of(std::uint32_t index) {
        if (index >> first_segment_bits == 0) return {0, index};
        const auto width = static_cast<unsigned>(std::bit_width(index));
        return {width - first_segment_bits, index - (std::uint32_t{1} << (width - 1))};
    }
    Entry* entry(std::uint32_t index) const {
        if (index == 0 || index >= limit_.load(std::memory_order_acquire)) return nullptr;
        const Place place = place_of(index);
        return segments_[place.segment].load(std::memory_order_acquire) + place.offset;
    }
    Entry* lock_entry(std::uint32_t value) const {  // null when free or out of range
        Entry* found = entry(value >> 2);
        if (found == nullptr) return nullptr;
        std::uintptr_t word = found->word.load(std::memory_order_relaxed);
        if (word == 0) return nullptr;
        const bool is_free = (word & lock_bit) == 0;
        if (is_free && found->word.compare_exchange_strong(word, word | lock_bit, std::memory_order_acquire))
            [[likely]] {
            return found;
        }
        return wait_for_entry(*found);
    }
    static Entry* wait_for_entry(Entry& entry);
    std::uint32_t pop(FreeStack& stack);  // 0: empty
    void push(FreeStack& stack, std::uint32_t index);
    Result<std::uint32_t> refill(FreeStack& stack);  // one entry, and more into the stack
    Result<std::uint32_t> grow_locked(FreeStack& stack) RG_REQUIRES(lock_);

    rtl::Mutex<rtl::LockRank::handle_table> lock_;
    std::array<std::atomic<Entry*>, segment_count> segments_{};
    std::atomic<std::uint32_t> limit_{1};  // indexes below it exist; index 0 is never used
    std::array<FreeStack, rtl::stripe_count> free_;
    std::atomic<bool> refuses_{false};
    rtl::StripedCounter count_;
};

}  // namespace regent::ob
