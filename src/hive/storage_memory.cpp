// The memory of a storage. Address space for the largest storage and its tables is reserved once and made usable behind
// the growing end. So addresses never change, and growth cannot invalidate a view; tables are zero until they are used.
#include <sys/mman.h>

#include <algorithm>

#include "hive/storage.h"

namespace regent::hive {

namespace {

constexpr std::size_t bins_range = std::size_t{1} << 31;
constexpr std::size_t bits_range = bins_range / 64;          // one bit per granule
constexpr std::size_t pages_range = bins_range / page_size;  // one byte per page
constexpr std::size_t bit_tables = 4;
constexpr std::size_t whole_range = bins_range + bit_tables * bits_range + pages_range;
constexpr std::uint32_t step = 256 * 1024;  // its bits fill one page of a table

std::uint32_t round_up(std::uint32_t size) {
    return static_cast<std::uint32_t>((std::uint64_t{size} + step - 1) / step * step);
}

Result<void> make_usable(std::byte* from, std::byte* to) {
    if (from == to) return {};
    if (::mprotect(from, static_cast<std::size_t>(to - from), PROT_READ | PROT_WRITE) == 0) return {};
    return fail(STATUS_INSUFFICIENT_RESOURCES);
}

}  // namespace

Storage::~Storage() {
    guard_.stop();
    if (base_ != nullptr) ::munmap(base_, whole_range);
}

Result<void> Storage::reserve() {
    if (base_ != nullptr) return {};
    void* range = ::mmap(nullptr, whole_range, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return fail(STATUS_INSUFFICIENT_RESOURCES);
    base_ = static_cast<std::byte*>(range);
    std::byte* table = base_ + bins_range;
    for (GranuleBits* bits : {&allocated_, &free_start_, &free_end_, &verified_}) {
        bits->place(table);
        table += bits_range;
    }
    pages_ = reinterpret_cast<std::atomic<std::uint8_t>*>(table);
    return {};
}

Result<void> Storage::commit_tables(std::uint32_t size) {
    const std::uint32_t target = round_up(size);
    if (target <= tables_) return {};
    std::byte* table = base_ + bins_range;
    for (std::size_t i = 0; i < bit_tables; ++i, table += bits_range) {
        RG_TRY(make_usable(table + tables_ / 64, table + target / 64));
    }
    auto pages = [&](std::uint32_t bytes) {
        return table + (bytes / page_size + page_size - 1) / page_size * page_size;
    };
    RG_TRY(make_usable(pages(tables_), pages(target)));
    tables_ = target;
    return {};
}

Result<void> Storage::commit_memory(std::uint32_t size) {
    RG_TRY(reserve());
    RG_TRY(commit_tables(size));
    if (size <= committed_) return {};
    const std::uint32_t target = std::min(round_up(size), max_storage);
    RG_TRY(make_usable(base_ + committed_, base_ + target));
    committed_ = target;
    return {};
}

Result<void> Storage::grow_raw(std::uint64_t size) {
    if (size > max_storage) return fail(STATUS_REGISTRY_QUOTA_LIMIT);
    const std::uint32_t target = static_cast<std::uint32_t>(size);
    if (target <= size_) return {};
    RG_TRY(commit_memory(target));
    dirty_.resize(target / sector_size + 1);
    size_ = target;
    return {};
}

Result<void> Storage::map(rtl::File& file, std::uint64_t offset, std::uint32_t size) {
    RG_ASSERT(size_ == 0 && size % page_size == 0 && size <= max_storage);
    RG_TRY(reserve());
    RG_TRY(commit_tables(size));
    if (size == 0) return {};
    guard_.watch(base_, size);
    RG_TRY(file.map_private(offset, size, base_));
    dirty_.resize(size / sector_size + 1);
    committed_ = size;
    size_ = size;
    return {};
}

}  // namespace regent::hive
