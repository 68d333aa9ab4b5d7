// Sets of pages and of cell granules.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace regent::hive {

// One bit per unit of a storage (8 bytes for cells, a page for dirty data). Externally synchronised.
class BitMap {
public:
    void resize(std::size_t bits) { words_.resize((bits + 63) / 64); }
    bool test(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
    void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
    void clear(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
    void clear_all() { std::fill(words_.begin(), words_.end(), 0); }
    bool any() const;
    std::size_t count() const;
    // The first set bit >= i, or one past the last bit there can be.
    std::size_t next_set(std::size_t i) const;
    void merge(const BitMap& other);  // REQUIRES: same size or larger than `other`

private:
    std::vector<std::uint64_t> words_;
};

// One bit per 8-byte granule of a storage, over zeroed memory of its owner. Readers may test while another thread sets
// bits for the first time: a set bit publishes what was verified before it.
class GranuleBits {
public:
    void place(std::byte* memory) { words_ = reinterpret_cast<std::atomic<std::uint64_t>*>(memory); }
    bool test(std::size_t i) const { return (words_[i / 64].load(std::memory_order_acquire) >> (i % 64) & 1) != 0; }
    // REQUIRES: no other thread writes this word.
    void set(std::size_t i) { store(i / 64, words_[i / 64].load(std::memory_order_relaxed) | bit(i)); }
    void clear(std::size_t i) { store(i / 64, words_[i / 64].load(std::memory_order_relaxed) & ~bit(i)); }
    void set_word(std::size_t word, std::uint64_t bits) { store(word, bits); }  // REQUIRES: as set()
    void set_shared(std::size_t i) { words_[i / 64].fetch_or(bit(i), std::memory_order_release); }
    // REQUIRES: there is one.
    std::size_t last_at_or_before(std::size_t i) const;

private:
    static std::uint64_t bit(std::size_t i) { return std::uint64_t{1} << (i % 64); }
    void store(std::size_t word, std::uint64_t value) { words_[word].store(value, std::memory_order_release); }

    std::atomic<std::uint64_t>* words_ = nullptr;
};

}  // namespace regent::hive
