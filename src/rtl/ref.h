// Ref<T>: a counted pointer for objects that carry their own count (ref(), try_ref() and unref() are called only by
// Ref).
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "rtl/assert.h"

namespace regent::rtl {

// Base of plain counted objects. The last unref deletes through the virtual destructor.
// Internally synchronised by an atomic count.
class RefCounted {
public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    void ref() const { count_.fetch_add(1, std::memory_order_relaxed); }
    // False: the last reference is gone, the object is about to be.
    bool try_ref() const {
        std::size_t count = count_.load(std::memory_order_relaxed);
        while (count != 0 && !count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
        }
        return count != 0;
    }
    void unref() const {
        if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

protected:
    virtual ~RefCounted() = default;

private:
    mutable std::atomic<std::size_t> count_{1};  // the creator's reference, taken over by Ref::adopt
};

template <typename T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    // Takes over a reference the caller already owns.
    static Ref adopt(T* pointer) {
        Ref ref;
        ref.pointer_ = pointer;
        return ref;
    }
    // Takes a new reference.
    static Ref retain(T* pointer) {
        if (pointer != nullptr) pointer->ref();
        return adopt(pointer);
    }
    // The same of an object that is known, under a lock that its destructor takes, but may have no reference left:
    // null.
    static Ref retain_if_alive(T* pointer) {
        return pointer != nullptr && pointer->try_ref() ? adopt(pointer) : nullptr;
    }
    Ref(const Ref& other) : pointer_(other.pointer_) {
        if (pointer_ != nullptr) pointer_->ref();
    }
    Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
    template <typename U>
    Ref(Ref<U> other) : pointer_(other.release()) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(pointer_, other.pointer_);
        return *this;
    }
    ~Ref() {
        if (pointer_ != nullptr) pointer_->unref();
    }

    T* get() const { return pointer_; }
    T* operator->() const { return pointer_; }
    T& operator*() const { return *pointer_; }
    explicit operator bool() const { return pointer_ != nullptr; }
    // Hands the reference to the caller.
    [[nodiscard]] T* release() { return std::exchange(pointer_, nullptr); }
    friend bool operator==(const Ref& a, const Ref& b) { return a.pointer_ == b.pointer_; }

private:
    T* pointer_ = nullptr;
};

template <typename T, typename... Args>
Ref<T> make_ref(Args&&... args) {
    return Ref<T>::adopt(new T(std::forward<Args>(args)...));
}

}  // namespace regent::rtl

namespace regent {
using rtl::Ref;
}
