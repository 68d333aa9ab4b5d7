// The space of a hive's bins, as Hive::space() counts it.
#pragma once

#include <cstdint>

namespace regent::hive {

// Where the bytes of the bins are, in one storage.
struct Space {
    std::uint64_t bytes;  // of all bins
    std::uint64_t bins;
    std::uint64_t free_bytes;
    std::uint64_t free_cells;
    std::uint64_t largest_free;
    std::uint64_t free_tail;  // of free_bytes and bin headers: the free bins at the end, which trim() gives back
    // What a new cell of another size may not be able to use: 0 when all that is free, but for the tail, is in one
    // piece; near 100 when it is in crumbs.
    double fragmentation() const {
        const std::uint64_t inside = free_bytes - (free_tail < free_bytes ? free_tail : free_bytes);
        return inside == 0 || largest_free >= inside
                   ? 0
                   : 100.0 * (1.0 - static_cast<double>(largest_free) / static_cast<double>(inside));
    }
};

}  // namespace regent::hive
