// An event as columns of text, in Process Monitor's words.
#pragma once

#include <string>

#include "event.h"

namespace regent::regmon {

// "RegSetValue"; "<Unknown>" for a class that has no name here.
const char* operation_name(unsigned operation);
// "Read", "Write", "Read Metadata", "Write Metadata" or "".
const char* category(const Event& event);
// "ACCESS DENIED"; "0xC0FFEE" for a status that Process Monitor does not name.
std::string result_name(NTSTATUS status);
// "Read, Delete": the first pattern that fits takes its bits away.
std::string access_text(std::uint32_t access);
// \REGISTRY\MACHINE\... as HKLM\..., the caller's own hive as HKCU; value operations end in the value's name. UTF-8,
// with control characters as \xNN.
std::string display_path(const Event& event);
std::string detail_text(const Event& event);

// Local time of day, "15:04:05.1234567", or "3:04:05.1234567 PM" as Process Monitor writes it.
std::string time_of_day(std::int64_t nt_time);
std::string time_of_day_12h(std::int64_t nt_time);
// "2026-11-22T15:04:05.1234567Z"
std::string iso_time(std::int64_t nt_time);
// Seconds with seven places.
std::string duration_seconds(std::uint64_t nanoseconds);

bool is_create(const Event& event);

}  // namespace regent::regmon
