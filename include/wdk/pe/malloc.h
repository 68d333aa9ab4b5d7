/* The compiler's own headers name these; there is no heap behind them, and no driver links that uses them. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void* malloc(size_t size);
void free(void* block);
void* _aligned_malloc(size_t size, size_t alignment);
void _aligned_free(void* block);
#ifdef __cplusplus
}
#endif
