#include "rtl/lock.h"

#ifndef NDEBUG

#include <cstdio>
#include <cstdlib>

namespace regent::rtl {
namespace {

constexpr int max_held = 32;
struct HeldRanks {
    int count = 0;
    LockRank rank[max_held];
};
thread_local HeldRanks held;

}  // namespace

void rank_acquired(LockRank rank) {
    for (int i = 0; i < held.count; ++i) {
        if (held.rank[i] >= rank) {
            std::fprintf(stderr, "regent: lock order violated: rank %d taken while rank %d is held\n",
                         static_cast<int>(rank), static_cast<int>(held.rank[i]));
            std::abort();
        }
    }
    if (held.count == max_held) std::abort();
    held.rank[held.count++] = rank;
}

void rank_released(LockRank rank) {
    for (int i = held.count - 1; i >= 0; --i) {
        if (held.rank[i] != rank) continue;
        for (int j = i; j + 1 < held.count; ++j) held.rank[j] = held.rank[j + 1];
        --held.count;
        return;
    }
    std::abort();
}

}  // namespace regent::rtl

#endif
