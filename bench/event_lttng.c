#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "event_lttng.h"

void trace_by_lttng(const struct EventRecord* event) { lttng_ust_tracepoint(regent_bench, registry, event); }
int lttng_records(void) { return lttng_ust_tracepoint_enabled(regent_bench, registry); }
