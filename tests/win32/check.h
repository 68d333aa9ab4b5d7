/* What a test program of this folder asks: the line that does not hold is printed, and is what its function returns. */
#pragma once

#include <stdio.h>

#define CHECK(condition)                                   \
    do {                                                   \
        if (!(condition)) {                                \
            printf("line %d: %s\n", __LINE__, #condition); \
            return __LINE__;                               \
        }                                                  \
    } while (0)
