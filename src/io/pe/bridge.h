// From a function's own type to the way the gate calls it. Everything about types is checked here, at compile time: a
// function that cannot be called with 64-bit slots, or whose `long` means another size to a driver, does not compile.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "io/pe/gate.h"

// Types and declarations of the C library carry attributes that templates do not keep; nothing depends on them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes"
#pragma GCC diagnostic ignored "-Wignored-attributes"

namespace regent::io::pe {

using VaListParameter = std::decay_t<va_list>;

template <typename T>
struct Pointee {
    using type = std::remove_cv_t<T>;
};
template <typename T>
struct Pointee<T*> : Pointee<std::remove_cv_t<T>> {};

// `long` has 32 bits for a driver and 64 here; size_t is an unsigned long by value only. No floating types: the
// kernel's interface has none.
template <typename T>
concept Crosses = !std::is_floating_point_v<T> && !std::is_same_v<typename Pointee<T>::type, long> &&
                  !std::is_same_v<typename Pointee<T>::type, wchar_t> &&
                  (std::is_void_v<T> || (sizeof(std::conditional_t<std::is_void_v<T>, int, T>) <= 8 &&
                                         std::is_trivially_copyable_v<std::conditional_t<std::is_void_v<T>, int, T>>));

// Overloads, not a comparison of types: the type behind va_list carries an attribute that no template keeps.
std::true_type is_variable_list(va_list*);
std::true_type is_variable_list(VaListParameter*);
std::false_type is_variable_list(...);

enum class Passed { whole, narrow, variable_list };
template <typename P>
constexpr Passed passed() {
    if (decltype(is_variable_list(static_cast<P*>(nullptr)))::value) return Passed::variable_list;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): pointers too
    return sizeof(P) < 4 ? Passed::narrow : Passed::whole;
}

// One argument as it comes in its slot.
template <typename P, Passed = passed<P>()>
struct Argument {
    using Slot = P;
    explicit Argument(P slot) : value(slot) {}
    P value;
};
// Windows' convention leaves the upper part of a slot undefined; ours does not.
template <typename P>
struct Argument<P, Passed::narrow> {
    using Slot = std::uint64_t;
    explicit Argument(Slot slot) : value(static_cast<P>(slot)) {}
    P value;
};
// Windows' va_list points to slots. System V's, with its registers used up, goes through the same slots.
template <typename P>
struct Argument<P, Passed::variable_list> {
    using Slot = const std::uint64_t*;
    struct Layout {
        std::uint32_t general_offset = 6 * 8;
        std::uint32_t floating_offset = 6 * 8 + 8 * 16;
        const std::uint64_t* overflow;
        const void* saved = nullptr;
    };
    static_assert(sizeof(Layout) == sizeof(va_list));
    explicit Argument(Slot slots) : layout{.overflow = slots} {}
    Layout layout;
    P value = reinterpret_cast<P>(&layout);
};

template <typename Function, Function function>
struct BridgeOf;
template <typename R, typename... P, R (*function)(P...)>
struct BridgeOf<R (*)(P...), function> {
    static_assert(Crosses<R> && (Crosses<P> && ...));
    static R call(typename Argument<P>::Slot... slots) { return function(Argument<P>(slots).value...); }
    static Export make(const char* name, bool raises) {
        constexpr bool plain = (std::is_same_v<P, typename Argument<P>::Slot> && ...);
        constexpr auto count = static_cast<std::int32_t>(sizeof...(P));
        const auto target = plain ? reinterpret_cast<const void*>(function) : reinterpret_cast<const void*>(&call);
        return {function == nullptr ? nullptr : target, count > 6 ? count - 6 : 0, raises, name};
    }
};

// A variadic function gets this many slots after its fixed arguments, whatever the driver passed: those that were not
// passed are what stands on the caller's stack, and the format never asks for them.
inline constexpr std::size_t variadic_slots = 40;
template <typename R, typename... P, R (*function)(P..., ...)>
struct BridgeOf<R (*)(P..., ...), function> {
    static_assert(Crosses<R> && (Crosses<P> && ...));
    // Reads past the caller's arguments, on purpose: AddressSanitizer is not to look.
    template <std::size_t... fixed, std::size_t... rest>
    [[gnu::no_sanitize_address]] static R expand(const std::uint64_t* slots, std::index_sequence<fixed...>,
                                                 std::index_sequence<rest...>) {
        return function(from_slot<P>(slots[fixed])..., slots[sizeof...(P) + rest]...);
    }
    template <typename T>
    static T from_slot(std::uint64_t slot) {
        if constexpr (std::is_pointer_v<T>)
            return reinterpret_cast<T>(slot);
        else
            return static_cast<T>(slot);
    }
    static R call(const std::uint64_t* slots) {
        return expand(slots, std::index_sequence_for<P...>(), std::make_index_sequence<variadic_slots>());
    }
    static Export make(const char* name, bool raises) {
        return {function == nullptr ? nullptr : reinterpret_cast<const void*>(&call), -1, raises, name};
    }
};

// The C library's functions are noexcept, which is a part of their type; for clang so is that some do not return.
template <typename R, typename... P>
auto plain(R (*)(P...)) -> R (*)(P...);
template <typename R, typename... P>
auto plain(R (*)(P..., ...)) -> R (*)(P..., ...);

template <auto function>
using Bridge = BridgeOf<decltype(plain(function)), function>;

}  // namespace regent::io::pe

#pragma GCC diagnostic pop
