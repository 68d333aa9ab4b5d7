/* The compiler's <intrin.h> names the type; long jumps are not among the host's exports. */
#pragma once

typedef struct {
    unsigned long long Part[2];
} jmp_buf[16];
