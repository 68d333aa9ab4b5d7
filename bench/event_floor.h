// What regmon's record stands beside: the least that any recorder does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "event_record.h"

namespace regent::bench {

EventRecord sample_event();
// Nanoseconds of an event: a time stamp and a copy into memory that is read later.
double floor_event(std::size_t count);
// The same into memory that a thread reads meanwhile. The reader is slower: between bursts of a quarter of the ring the
// writer waits until there is room for one, which is not counted; so nothing is lost.
double floor_live_event(std::size_t count);

}  // namespace regent::bench
