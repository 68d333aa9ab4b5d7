#include "cm/access_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace regent::cm {
namespace {

TEST(AccessCache, answers_the_same_question_only) {
    const auto cache = std::make_unique<AccessCache>();
    const AccessQuestion question{1, 2, 3, 4, 5};
    EXPECT_FALSE(cache->find(question));
    cache->remember(question, 0x20019);
    EXPECT_EQ(cache->find(question), 0x20019u);
    for (AccessQuestion other :
         {AccessQuestion{9, 2, 3, 4, 5}, AccessQuestion{1, 9, 3, 4, 5}, AccessQuestion{1, 2, 9, 4, 5},
          AccessQuestion{1, 2, 3, 9, 5}, AccessQuestion{1, 2, 3, 4, 9}}) {
        EXPECT_FALSE(cache->find(other));
    }
}

// The answer is a function of the question here, so that a mixture of two entries would be seen.
TEST(AccessCache, threads_never_read_a_mixture) {
    const auto cache = std::make_unique<AccessCache>();
    const auto answer = [](const AccessQuestion& q) { return static_cast<ACCESS_MASK>(q.descriptor * 31 + q.token); };
    std::vector<std::thread> threads;
    std::atomic<unsigned> found{0};
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::uint32_t random = t;
            for (int i = 0; i < 100'000; ++i) {
                random = random * 1664525u + 1013904223u;
                const AccessQuestion question{(random >> 8) % 3000, 1, (random >> 4) % 2, 0, 5};
                if (const auto granted = cache->find(question)) {
                    ASSERT_EQ(*granted, answer(question));
                    ++found;
                } else {
                    cache->remember(question, answer(question));
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_GT(found.load(), 1000u);
}

}  // namespace
}  // namespace regent::cm
