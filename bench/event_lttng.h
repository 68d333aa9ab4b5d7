// The tracepoint that stands against one record of regmon: the same fields, the same name and data.
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER regent_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "event_lttng.h"

#if !defined(RG_BENCH_EVENT_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define RG_BENCH_EVENT_LTTNG_H

#include <lttng/tracepoint.h>
#include <stdint.h>

#include "event_record.h"

LTTNG_UST_TRACEPOINT_EVENT(
    regent_bench, registry, LTTNG_UST_TP_ARGS(const struct EventRecord*, event),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint32_t, operation, event->operation)
                            lttng_ust_field_integer(uint32_t, status, event->status)
                                lttng_ust_field_integer(uint64_t, duration, event->duration)
                                    lttng_ust_field_integer(uint32_t, pid, event->process)
                                        lttng_ust_field_integer(uint32_t, tid, event->thread)
                                            lttng_ust_field_integer(uint32_t, name_id, event->name_id)
                                                lttng_ust_field_array(uint32_t, detail, event->detail, 5)
                                                    lttng_ust_field_array(uint16_t, name, event->name, 5)
                                                        lttng_ust_field_array(uint8_t, data, event->data, 64)))
#endif

#include <lttng/tracepoint-event.h>
