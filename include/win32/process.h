/* The C library's threads. */
#pragma once

#include <stdint.h>

#include "processthreadsapi.h"

RG_EXTERN_C_BEGIN

uintptr_t _beginthreadex(void* security, unsigned stack_size, unsigned(WINAPI* start)(void*), void* argument,
                         unsigned flags, unsigned* thread_id);
void _endthreadex(unsigned code) __attribute__((noreturn));

RG_EXTERN_C_END
