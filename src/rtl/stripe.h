// State that every thread writes and hardly anybody reads, spread over a few cache lines so that threads do not share
// them: counters, and the readers' side of a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "rtl/lock.h"

namespace regent::rtl {

inline constexpr unsigned stripe_count = 16;
inline constexpr std::size_t cache_line = 64;

namespace detail {
extern constinit thread_local unsigned stripe_plus_one __attribute__((tls_model("initial-exec")));  // 0: none yet
extern std::atomic<std::uint64_t> threads_with_stripe;  // they got their stripes in order
unsigned choose_stripe();
}  // namespace detail

// The calling thread's stripe, below stripe_count; never changes while the thread lives.
inline unsigned this_stripe() {
    const unsigned chosen = detail::stripe_plus_one;
    return chosen != 0 ? chosen - 1 : detail::choose_stripe();
}

// Stripes from this one on belong to no thread yet. Who raises a flag before asking, where a thread with a new stripe
// marks that and then looks at the flag (all in sequentially consistent order), misses nobody.
inline unsigned stripes_in_use() {
    const std::uint64_t threads = detail::threads_with_stripe.load(std::memory_order_seq_cst);
    return threads < stripe_count ? static_cast<unsigned>(threads) : stripe_count;
}

// A count. The sum is exact when nobody counts meanwhile, and not too small when nobody increments. Internally
// synchronised.
class StripedCounter {
public:
    void add(std::int64_t amount) { stripes_[this_stripe()].count.fetch_add(amount, std::memory_order_seq_cst); }
    std::int64_t sum() const {
        std::int64_t total = 0;
        for (const Stripe& each : stripes_) total += each.count.load(std::memory_order_seq_cst);
        return total;
    }

private:
    struct alignas(cache_line) Stripe {
        std::atomic<std::int64_t> count{0};
    };
    std::array<Stripe, stripe_count> stripes_;
};

// A reader-writer lock whose readers touch nothing that other readers write; a writer visits all stripes. A waiting
// writer goes before new readers. Not recursive. The thread that locked shared unlocks. A writer may first keep other
// writers out and readers not (lock_update), then readers too (upgrade).
template <LockRank Rank>
class RG_CAPABILITY("shared_mutex") StripedSharedMutex {
public:
    void lock() RG_ACQUIRE() {
        lock_update();
        upgrade();
    }
    void lock_update() RG_ACQUIRE() {
        rank_acquired(Rank);
        writers_.lock();
    }
    void unlock() RG_RELEASE() {
        unlock_beside();
        rank_released(Rank);
    }
    // The same for who holds one lock of this rank and takes more of them, in an order that all who do that keep: the
    // rank cannot tell whether it is right.
    void lock_beside() RG_NO_ANALYSIS {
        writers_.lock();
        upgrade();
    }
    void upgrade() {
        writing_.store(1, std::memory_order_seq_cst);
        const unsigned used = stripes_in_use();
        for (unsigned i = 0; i < used; ++i) {
            const std::atomic<std::uint32_t>& readers = stripes_[i].readers;
            while (const std::uint32_t inside = readers.load(std::memory_order_seq_cst)) readers.wait(inside);
        }
    }
    void unlock_beside() RG_NO_ANALYSIS {
        writing_.store(0, std::memory_order_seq_cst);
        writing_.notify_all();
        writers_.unlock();
    }
    void lock_shared() RG_ACQUIRE_SHARED() {
        rank_acquired(Rank);
        Stripe& mine = stripes_[this_stripe()];
        // The order of these two against the writer's store and load is what keeps them apart.
        mine.readers.fetch_add(1, std::memory_order_seq_cst);
        while (writing_.load(std::memory_order_seq_cst) != 0) [[unlikely]] {
            leave(mine);
            wait_for_writer();
            mine.readers.fetch_add(1, std::memory_order_seq_cst);
        }
    }
    void unlock_shared() RG_RELEASE_GENERIC() {
        leave(stripes_[this_stripe()]);
        rank_released(Rank);
    }

private:
    struct alignas(cache_line) Stripe {
        std::atomic<std::uint32_t> readers{0};
    };
    void leave(Stripe& mine) {
        mine.readers.fetch_sub(1, std::memory_order_seq_cst);
        if (writing_.load(std::memory_order_seq_cst) != 0) mine.readers.notify_all();
    }
    void wait_for_writer() {
        // A change of a value takes less than a wake-up does.
        for (int spins = 0; spins < 200; ++spins) {
            if (writing_.load(std::memory_order_relaxed) == 0) return;
            __builtin_ia32_pause();  // the supported machine is x86-64
        }
        writing_.wait(1, std::memory_order_seq_cst);
    }

    std::array<Stripe, stripe_count> stripes_;
    alignas(cache_line) std::atomic<std::uint32_t> writing_{0};
    std::mutex writers_;  // style: allow, its rank is this lock's
};

// The lock of a writer that reads first: readers go on until upgrade().
template <typename Lock>
class RG_SCOPED_CAPABILITY UpdateGuard {
public:
    explicit UpdateGuard(Lock& lock) RG_ACQUIRE(lock) : lock_(lock) { lock_.lock_update(); }
    ~UpdateGuard() RG_RELEASE() { lock_.unlock(); }
    UpdateGuard(const UpdateGuard&) = delete;
    UpdateGuard& operator=(const UpdateGuard&) = delete;
    void upgrade() { lock_.upgrade(); }

private:
    Lock& lock_;
};

}  // namespace regent::rtl
