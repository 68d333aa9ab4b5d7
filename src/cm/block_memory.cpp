#include "cm/block_memory.h"

#include <sys/mman.h>

#include <new>

namespace regent::cm {

BlockMemory::~BlockMemory() {
    ExclusiveGuard guard(lock_);
    for (std::byte* chunk : singles_) ::operator delete(chunk, std::align_val_t{alignment});
    for (std::byte* page : huge_) ::operator delete(page, std::align_val_t{huge_page});
}

std::byte* BlockMemory::take_chunk() {
    ExclusiveGuard guard(lock_);
    if (singles_.size() < single_chunks) {
        singles_.reserve(single_chunks);
        singles_.push_back(static_cast<std::byte*>(::operator new(chunk_bytes, std::align_val_t{alignment})));
        return singles_.back();
    }
    if (left_ == 0) {
        huge_.reserve(huge_.size() + 1);
        huge_.push_back(static_cast<std::byte*>(::operator new(huge_page, std::align_val_t{huge_page})));
        ::madvise(huge_.back(), huge_page, MADV_HUGEPAGE);  // a wish: small pages serve too
        left_ = huge_page;
    }
    left_ -= chunk_bytes;
    return huge_.back() + left_;
}

}  // namespace regent::cm
