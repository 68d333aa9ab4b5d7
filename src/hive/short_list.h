// A list of plain records that mostly has a few: they need the heap only beyond that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace regent::hive {

template <typename T, std::size_t few>
class ShortList {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    ShortList() {}  // NOLINT: leaves the room as it is
    ShortList(const ShortList&) = delete;
    ShortList& operator=(const ShortList&) = delete;

    void push_back(const T& record) {
        make_room();
        records_[size_++] = record;
    }
    // The next push_back cannot fail.
    void make_room() {
        if (size_ == capacity_) [[unlikely]]
            grow();
    }
    bool empty() const { return size_ == 0; }
    const T* begin() const { return records_; }
    const T* end() const { return records_ + size_; }

private:
    [[gnu::noinline]] void grow() {
        auto wider = std::make_unique_for_overwrite<T[]>(capacity_ * 2);
        std::copy_n(records_, size_, wider.get());
        heap_ = std::move(wider);
        records_ = heap_.get();
        capacity_ *= 2;
    }

    T room_[few];
    T* records_ = room_;
    std::size_t size_ = 0;
    std::size_t capacity_ = few;
    std::unique_ptr<T[]> heap_;
};

}  // namespace regent::hive
