/* The C library's <stdlib.h> for drivers that are compiled to PE images: what the kernel exports. */
#pragma once

#include <malloc.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
int atoi(const char* text);
long atol(const char* text);
long strtol(const char* text, char** end, int base);
unsigned long strtoul(const char* text, char** end, int base);
void qsort(void* base, size_t count, size_t width, int (*compare)(const void*, const void*));
void* bsearch(const void* key, const void* base, size_t count, size_t width, int (*compare)(const void*, const void*));
#ifdef __cplusplus
}
#endif
