// RG_ASSERT is for our own mistakes: it stops the process with the expression and its place, in every build.
// Bytes from files, clients and drivers are answered with a status, never with an assertion.
#pragma once

namespace regent::rtl {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define RG_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::regent::rtl::assertion_failed(#expression, __FILE__, __LINE__))
