#include "ex/guarded_buffer.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>

#include "ex/thread_state.h"

namespace regent::ex {
namespace {

constexpr std::size_t slot_count = 64;
constexpr std::size_t page_size = 4096;

std::array<GuardedBuffer, slot_count> slots;
std::atomic<std::byte*> range{nullptr};

std::byte* make_range() {
    std::byte* known = range.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    constexpr std::size_t size = slot_count * GuardedBuffer::largest;
    void* const made = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) return nullptr;
    if (range.compare_exchange_strong(known, static_cast<std::byte*>(made))) return static_cast<std::byte*>(made);
    ::munmap(made, size);
    return known;
}

bool copy(void* to, const void* from, std::size_t size, bool in) {
    iovec ours{in ? to : const_cast<void*>(from), size};
    iovec theirs{in ? const_cast<void*>(from) : to, size};
    const ssize_t done = in ? ::process_vm_readv(::getpid(), &ours, 1, &theirs, 1, 0)
                            : ::process_vm_writev(::getpid(), &ours, 1, &theirs, 1, 0);
    return done == static_cast<ssize_t>(size);
}

}  // namespace

std::byte* GuardedBuffer::memory() const {
    return range.load(std::memory_order_acquire) + static_cast<std::size_t>(this - slots.data()) * largest;
}

GuardedBuffer* GuardedBuffer::claim() {
    if (make_range() == nullptr) return nullptr;
    for (GuardedBuffer& slot : slots)
        if (!slot.claimed_.exchange(true, std::memory_order_acquire)) return &slot;
    return nullptr;
}

void GuardedBuffer::release() { claimed_.store(false, std::memory_order_release); }

GuardedBuffer* GuardedBuffer::find(const void* address) {
    const std::byte* const start = range.load(std::memory_order_acquire);
    const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(start);
    if (start == nullptr || offset >= slot_count * largest) return nullptr;
    GuardedBuffer& slot = slots[offset / largest];
    return slot.owner_.load(std::memory_order_acquire) == thread_state().tid ? &slot : nullptr;
}

void* GuardedBuffer::arm(void* users, std::size_t size) {
    users_ = users;
    size_ = size;
    open_ = false;
    outside_ = nullptr;
    owner_.store(thread_state().tid, std::memory_order_release);
    return memory();
}

bool GuardedBuffer::touch(const void* instruction, bool inside_try) {
    if (!inside_try && instruction != nullptr && outside_ == nullptr) outside_ = instruction;
    if (open_) return false;  // beyond the buffer's pages
    const std::size_t pages = (size_ + page_size - 1) & ~(page_size - 1);
    if (::mprotect(memory(), pages, PROT_READ | PROT_WRITE) != 0) return false;
    open_ = copy(memory(), users_, size_, true);
    if (!open_) ::mprotect(memory(), pages, PROT_NONE);
    return open_;
}

const void* GuardedBuffer::disarm() {
    owner_.store(0, std::memory_order_release);
    if (open_) {
        copy(users_, memory(), size_, false);
        ::mprotect(memory(), (size_ + page_size - 1) & ~(page_size - 1), PROT_NONE);
        open_ = false;
    }
    return outside_;
}

}  // namespace regent::ex
