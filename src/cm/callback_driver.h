// The one place where the callback engine runs driver code.
#pragma once

#include <utility>

namespace regent::cm::filter {

template <typename Function, typename... Args>
auto call_driver(Function function, Args... args) {
    return function(args...);
}

}  // namespace regent::cm::filter
