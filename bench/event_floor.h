// What regmon's record stands beside: the least that any recorder does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "event_record.h"

namespace regent::bench {

EventRecord sample_event();
// Nanoseconds of an event: a time stamp and a copy into memory that is read later.
double floor_event(std::size_t count);
// The same into memory that a thread reads meanwhile; adds how many found it full.
double floor_live_event(std::size_t count, std::uint64_t& dropped);

}  // namespace regent::bench
