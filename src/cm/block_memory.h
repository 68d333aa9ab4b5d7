// The memory of the table of keys, in chunks that are given back together when the table goes.
#pragma once

#include <cstddef>
#include <vector>

#include "rtl/lock.h"

namespace regent::cm {

// A small table takes its chunks one by one; one that has grown takes huge pages, since opens touch a block each in no
// order and would otherwise miss the processor's table of pages nearly every time. Internally synchronised.
class BlockMemory {
public:
    static constexpr std::size_t chunk_bytes = 8192;
    static constexpr std::size_t alignment = 64;

    BlockMemory() = default;
    ~BlockMemory();
    BlockMemory(const BlockMemory&) = delete;
    BlockMemory& operator=(const BlockMemory&) = delete;

    std::byte* take_chunk();  // throws bad_alloc

private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20;
    static constexpr std::size_t single_chunks = 128;  // 1 MiB before the first huge page

    Mutex<LockRank::leaf> lock_;
    std::vector<std::byte*> singles_ RG_GUARDED_BY(lock_);
    std::vector<std::byte*> huge_ RG_GUARDED_BY(lock_);
    std::size_t left_ RG_GUARDED_BY(lock_) = 0;  // bytes of the last huge page
};

}  // namespace regent::cm
