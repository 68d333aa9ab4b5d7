#include "rtl/stripe.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace regent::rtl {
namespace {

TEST(StripedCounter, counts_what_threads_add_and_take) {
    StripedCounter counter;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) counter.add(i % 4 == 3 ? -1 : 1);
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(counter.sum(), 4 * 5000);
}

// More threads than stripes, so that some share one; plain members that only the lock keeps whole.
TEST(StripedSharedMutex, readers_never_see_half_a_write) {
    StripedSharedMutex<LockRank::hive> lock;
    long a = 0;
    long b = 0;
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (unsigned t = 0; t < stripe_count + 2; ++t) {
        readers.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed)) {
                SharedGuard guard(lock);
                ASSERT_EQ(a, b);
            }
        });
    }
    std::vector<std::thread> writers;
    for (int t = 0; t < 2; ++t) {
        writers.emplace_back([&] {
            for (int i = 0; i < 300; ++i) {
                ExclusiveGuard guard(lock);
                ++a;
                ++b;
            }
        });
    }
    for (auto& writer : writers) writer.join();
    stop.store(true);
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(a, 600);
}

}  // namespace
}  // namespace regent::rtl
