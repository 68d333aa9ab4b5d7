#include "rtl/assert.h"

#include <cstdio>
#include <cstdlib>

namespace regent::rtl {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "regent: assertion failed: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

}  // namespace regent::rtl
