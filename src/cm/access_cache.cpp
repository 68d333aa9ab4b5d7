#include "cm/access_cache.h"

namespace regent::cm {

std::size_t AccessCache::place_of(const AccessQuestion& question) {
    std::uint64_t hash = question.descriptor * 0x9E3779B97F4A7C15;
    hash = (hash ^ (hash >> 32) ^ question.hive ^ (question.token << 8) ^ question.desired) * 0xD6E8FEB86659FD93;
    return hash >> (64 - 10);
}

std::optional<ACCESS_MASK> AccessCache::find(const AccessQuestion& question) const {
    static_assert(size == 1 << 10);
    const Entry& entry = entries_[place_of(question)];
    // Acquiring loads, so that the second look at the version is the last one.
    const std::uint64_t version = entry.version.load(std::memory_order_acquire);
    const std::uint64_t masks = entry.masks.load(std::memory_order_acquire);
    const bool same = entry.descriptor.load(std::memory_order_acquire) == question.descriptor &&
                      entry.hive.load(std::memory_order_acquire) == question.hive &&
                      entry.token.load(std::memory_order_acquire) == question.token &&
                      entry.privileges.load(std::memory_order_acquire) == question.privileges &&
                      (masks >> 32) == question.desired;
    if (!same || version % 2 != 0 || entry.version.load(std::memory_order_relaxed) != version) return std::nullopt;
    return static_cast<ACCESS_MASK>(masks);
}

void AccessCache::remember(const AccessQuestion& question, ACCESS_MASK granted) {
    Entry& entry = entries_[place_of(question)];
    std::uint64_t version = entry.version.load(std::memory_order_relaxed);
    if (version % 2 != 0 || !entry.version.compare_exchange_strong(version, version + 1, std::memory_order_acq_rel)) {
        return;  // somebody else writes here
    }
    entry.descriptor.store(question.descriptor, std::memory_order_release);
    entry.hive.store(question.hive, std::memory_order_release);
    entry.token.store(question.token, std::memory_order_release);
    entry.privileges.store(question.privileges, std::memory_order_release);
    entry.masks.store(std::uint64_t{question.desired} << 32 | granted, std::memory_order_release);
    entry.version.store(version + 2, std::memory_order_release);
}

}  // namespace regent::cm
