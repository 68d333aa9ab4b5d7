/* What one event is made of for the subjects that regmon's record is compared with. Plain C: a tracepoint takes it. */
#pragma once

#include <stdint.h>

struct EventRecord {
    uint64_t time;
    uint64_t duration;
    uint32_t operation;
    uint32_t status;
    uint32_t process;
    uint32_t thread;
    uint32_t name_id;
    uint32_t detail[5];
    uint16_t name[5];
    uint8_t data[64];
};

#ifdef __cplusplus
extern "C" {
#endif
/* One event through LTTng-UST, when the bench was built with it. */
void trace_by_lttng(const struct EventRecord* event);
/* Somebody records the tracepoint. */
int lttng_records(void);
#ifdef __cplusplus
}
#endif
