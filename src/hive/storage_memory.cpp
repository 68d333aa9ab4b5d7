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
constexpr std::size_t copies_range = pages_range * sizeof(std::uint64_t);
constexpr std::size_t whole_range = bins_range + bit_tables * bits_range + pages_range + copies_range;
constexpr std::uint32_t sectors_of_page = page_size / sector_size;
constexpr std::uint32_t huge_from = 4 << 20;  // what a large storage grows by: one fault for 512 pages
constexpr std::uint32_t huge_page = 2 << 20;
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
    guard_->stop();
    if (base_ != nullptr) ::munmap(base_, whole_range);
}

void Storage::swap(Storage& other) {
    const auto swap_flags = [](std::atomic<bool>& mine, std::atomic<bool>& theirs) {
        theirs.store(mine.exchange(theirs.load()));
    };
    swap_flags(trusted_, other.trusted_);
    swap_flags(suspect_, other.suspect_);
    std::swap(size_, other.size_);
    std::swap(base_, other.base_);
    std::swap(guard_, other.guard_);
    std::swap(mapped_, other.mapped_);
    scattered_reads_.store(other.scattered_reads_.exchange(scattered_reads_.load()));
    std::swap(committed_, other.committed_);
    std::swap(zeros_, other.zeros_);
    std::swap(tables_, other.tables_);
    std::swap(allocated_, other.allocated_);
    std::swap(free_start_, other.free_start_);
    std::swap(free_end_, other.free_end_);
    std::swap(verified_, other.verified_);
    std::swap(pages_, other.pages_);
    std::swap(copied_, other.copied_);
    std::swap(chain_end_, other.chain_end_);
    std::swap(chain_broken_, other.chain_broken_);
    std::swap(dirty_, other.dirty_);
    std::swap(dirty_count_, other.dirty_count_);
    std::swap(classes_, other.classes_);
    std::swap(nonempty_, other.nonempty_);
    std::swap(rest_, other.rest_);
    std::swap(rest_size_, other.rest_size_);
    std::vector<Finding> theirs;
    {
        rtl::ExclusiveGuard guard(other.touch_lock_);
        theirs.swap(other.findings_);
    }
    rtl::ExclusiveGuard guard(touch_lock_);
    findings_.swap(theirs);
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
    copied_ = reinterpret_cast<std::uint64_t*>(table + pages_range);
    return {};
}

Result<void> Storage::commit_tables(std::uint32_t size) {
    const std::uint32_t target = round_up(size);
    if (target <= tables_) return {};
    std::byte* table = base_ + bins_range;
    for (std::size_t i = 0; i < bit_tables; ++i, table += bits_range) {
        RG_TRY(make_usable(table + tables_ / 64, table + target / 64));
    }
    for (const std::size_t entry : {sizeof(*pages_), sizeof(*copied_)}) {
        auto part = [&](std::uint32_t bytes) {
            return table + (bytes / page_size * entry + page_size - 1) / page_size * page_size;
        };
        RG_TRY(make_usable(part(tables_), part(target)));
        table += pages_range;
    }
    tables_ = target;
    return {};
}

Result<void> Storage::commit_memory(std::uint32_t size) {
    RG_TRY(reserve());
    RG_TRY(commit_tables(size));
    if (size <= committed_) return {};
    std::uint32_t target = std::min(round_up(size), max_storage);
    const bool large = size > huge_from;
    if (large) {
        const auto end = reinterpret_cast<std::uintptr_t>(base_ + size);
        const std::uintptr_t page_end = (end + huge_page - 1) / huge_page * huge_page;
        target = static_cast<std::uint32_t>(
            std::min<std::uintptr_t>(page_end - reinterpret_cast<std::uintptr_t>(base_), max_storage));
    }
    RG_TRY(make_usable(base_ + committed_, base_ + target));
    if (large) ::madvise(base_ + committed_, target - committed_, MADV_HUGEPAGE);  // a wish: small pages serve too
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
    zeros_ = std::max(zeros_, target);
    return {};
}

Result<void> Storage::map(rtl::File& file, std::uint64_t offset, std::uint32_t size) {
    RG_ASSERT(size_ == 0 && size % page_size == 0 && size <= max_storage);
    RG_TRY(reserve());
    RG_TRY(commit_tables(size));
    if (size == 0) return {};
    guard_->watch(base_, bins_range);
    RG_TRY(file.map_private(offset, size, base_));
    dirty_.resize(size / sector_size + 1);
    mapped_ = size;
    committed_ = size;
    size_ = size;
    zeros_ = size;
    return {};
}

// A first answer needs a few pages, here and there. The system reads ahead what suits a file that is read from its
// start, which may be megabytes for each of them; who touches more pages than that is better off with it.
void Storage::be_lazy() {
    constexpr unsigned scattered = 64;
    trusted_.store(false, std::memory_order_relaxed);
    if (mapped_ == 0 || ::madvise(base_, mapped_, MADV_RANDOM) != 0) return;
    scattered_reads_.store(scattered, std::memory_order_relaxed);
}

void Storage::read_ahead_as_usual() const {
    if (scattered_reads_.exchange(0, std::memory_order_relaxed) != 0) ::madvise(base_, mapped_, MADV_NORMAL);
}

// Zeros in the place of what was there; the memory is the system's again.
bool Storage::forget_memory(std::uint32_t from, std::uint32_t to) {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return ::mmap(base_ + from, to - from, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

void Storage::note_staged(std::uint64_t ticket) {
    const std::size_t end = size_ / sector_size;
    for (std::size_t sector = dirty_.next_set(0); sector < end; sector = dirty_.next_set(sector + 1)) {
        copied_[sector / sectors_of_page] = ticket;
    }
}

bool Storage::page_dirty(std::uint32_t page) const {
    const std::size_t end = (std::size_t{page} + 1) * sectors_of_page;
    return dirty_.next_set(end - sectors_of_page) < end;
}

std::size_t Storage::copied_pages() const {
    std::size_t count = 0;
    for (std::uint32_t page = 0; page < size_ / page_size; ++page) count += is_copy(page) ? 1 : 0;
    return count;
}

// Each piece of the file between pages of ours is a mapping, and a process may not have many: a piece must join the
// file's pages before it, or be long.
bool Storage::may_drop(std::uint32_t first, std::uint32_t end) const {
    constexpr std::uint32_t long_enough = 64;
    return first < mapped_ / page_size || end - first >= long_enough || first == 0 || !is_copy(first - 1);
}

void Storage::drop_copies(rtl::File& file, std::uint64_t written) {
    read_ahead_as_usual();  // pieces that are read otherwise would not join
    const std::uint32_t pages = size_ / page_size;
    const auto droppable = [&](std::uint32_t page) {
        return copied_[page] != 0 && copied_[page] <= written && !page_dirty(page);
    };
    for (std::uint32_t first = 0; first < pages; ++first) {
        if (!droppable(first)) continue;
        std::uint32_t end = first + 1;
        while (end < pages && droppable(end)) ++end;
        const std::uint64_t offset = std::uint64_t{first} * page_size;
        const std::size_t length = std::size_t{end - first} * page_size;
        if (may_drop(first, end)) {
            if (!file.remap_private(bins_start + offset, length, base_ + offset)) return;
            std::fill(copied_ + first, copied_ + end, 0);
        }
        first = end;
    }
}

}  // namespace regent::hive
